"""Large results stay sparse, and nothing that is worked out of them differs for it."""

from __future__ import annotations

import numpy as np
import pytest
from anndata import AnnData
from scipy import sparse, stats

from napari_mclstexp.analysis import components, expression
from napari_mclstexp.analysis.components import principal_components
from napari_mclstexp.analysis.counts import Counts
from napari_mclstexp.analysis.domain_settings import DomainSettings
from napari_mclstexp.analysis.domains import find_domains
from napari_mclstexp.analysis.expression import correlation_with, expression_of, mean_of_genes
from napari_mclstexp.analysis.markers import marker_genes
from napari_mclstexp.analysis.region_statistics import compare_regions
from napari_mclstexp.analysis.signatures import Signature, score_signature
from napari_mclstexp.errors import SettingsError
from napari_mclstexp.inference.correlation import pcc_per_gene

GENES = tuple(f"G{i}" for i in range(80))


@pytest.fixture
def counts():
    """Return 200 spots of 80 genes, most values 0, in two halves that differ."""
    random = np.random.default_rng(0)
    level = random.gamma(0.25, size=(2, 80)) * 2
    values = random.poisson(np.repeat(level, 100, axis=0)).astype(np.float32)
    values[7] = 0  # a spot without counts
    values[:, 11] = 0
    return values


@pytest.fixture
def small_blocks(monkeypatch):
    """Let 200 spots be many."""
    monkeypatch.setattr(expression, "VALUES_AT_ONCE", 700)


def kept_sparse(monkeypatch, data):
    monkeypatch.setattr(expression, "DENSE_UP_TO", 100)
    monkeypatch.setattr(components, "DENSE_UP_TO", 100)
    return expression_of(data)


@pytest.mark.parametrize("form", [sparse.csr_matrix, sparse.csc_matrix, np.asarray])
def test_large_counts_stay_sparse_with_the_same_values(counts, form, monkeypatch, small_blocks):
    expected = expression_of(AnnData(form(counts)))
    found = kept_sparse(monkeypatch, AnnData(form(counts)))
    assert isinstance(expected, np.ndarray)
    assert sparse.issparse(found)
    np.testing.assert_array_equal(found.toarray(), expected)
    some = np.arange(200) % 3 == 0
    np.testing.assert_allclose(mean_of_genes(found, some), expected[some].mean(axis=0), rtol=1e-5)
    broken = counts.copy()
    broken[190, 3] = np.nan
    with pytest.raises(SettingsError, match="no numbers"):
        expression_of(AnnData(form(broken)))


@pytest.mark.parametrize("settings", [{}, {"scale": True}, {"genes": 20}, {"components": 79}])
def test_components_do_not_depend_on_the_form(counts, settings, monkeypatch, small_blocks):
    asked = DomainSettings(**{"components": 5, "k": 2} | settings)
    dense = expression_of(AnnData(counts))
    large = kept_sparse(monkeypatch, AnnData(counts))
    np.testing.assert_allclose(
        principal_components(large, asked), principal_components(dense, asked), atol=1e-4
    )
    truth = np.repeat(["1", "2"], 100)
    for each in (dense, large):
        labels = find_domains(each, None, asked).labels
        assert max((labels == truth).mean(), (labels != truth).mean()) > 0.95
    wide = dense[:40]  # more genes than spots
    few = DomainSettings(**{"components": 5} | settings | {"components": 5})
    centred = wide - wide.mean(axis=0)
    if not settings:
        u, s, _ = np.linalg.svd(centred, full_matrices=False)
        found = principal_components(wide, few)
        np.testing.assert_allclose(np.abs(found), np.abs(u * s)[:, :5], atol=1e-3)


def test_markers_are_wilcoxons_in_either_form(counts):
    random = np.random.default_rng(1)
    values = np.log1p(counts) * random.choice([-1, 1], counts.shape, p=[0.1, 0.9])
    values[:, 5] = random.random(200)  # no ties
    values = values.astype(np.float32)
    labels = np.array(["1"] * 6 + ["2"] * 94 + ["10"] * 100)
    table = marker_genes(values, GENES, labels)
    same = marker_genes(sparse.csr_array(values), GENES, labels)
    np.testing.assert_allclose(same["p"], table["p"], rtol=1e-10)
    np.testing.assert_allclose(same["difference"], table["difference"], atol=1e-6)
    assert table["domain"].unique().tolist() == ["1", "2", "10"]
    for domain, part in table.groupby("domain"):
        part = part.set_index("gene")
        inside = labels == domain
        for i, gene in enumerate(GENES):
            if i != 11:  # a constant, which scipy has no p for
                one, rest = values[inside, i], values[~inside, i]
                expected = stats.mannwhitneyu(one.astype(float), rest.astype(float))
                assert part["p"][gene] == pytest.approx(expected.pvalue, rel=1e-9)
                assert part["auc"][gene] == pytest.approx(expected.statistic / one.size / rest.size)


def test_a_genes_like_are_found_in_either_form(counts, small_blocks):
    dense = expression_of(AnnData(counts))
    expected = pcc_per_gene(dense, dense[:, [3]])
    assert np.isnan(expected).sum() >= 1
    for each in (dense, sparse.csr_array(dense)):
        found = correlation_with(each, dense[:, 3])
        np.testing.assert_allclose(found, expected, atol=1e-6)
    assert np.isnan(correlation_with(dense, np.ones(200))).all()


def test_measured_genes_stay_sparse_where_they_are_many(counts, monkeypatch):
    spots = AnnData(sparse.csr_matrix(counts))
    expected = Counts(spots).normalised
    monkeypatch.setattr(expression, "DENSE_UP_TO", 100)
    found = Counts(spots).normalised
    assert sparse.issparse(found)
    np.testing.assert_allclose(found.toarray(), expected, rtol=1e-6)


def test_regions_and_signatures_are_the_same_in_either_form(counts):
    dense = expression_of(AnnData(counts))
    one, other = np.arange(200) < 50, np.arange(200) > 120
    tables = [compare_regions(each, GENES, one, other) for each in (dense, sparse.csr_array(dense))]
    expected = stats.mannwhitneyu(dense[one, 3].astype(float), dense[other, 3].astype(float))
    for each in tables:
        assert each.set_index("gene")["p"]["G3"] == pytest.approx(expected.pvalue, rel=1e-9)
    signature = Signature("S", GENES[:6])
    for how in ("control", "z"):
        np.testing.assert_allclose(
            score_signature(sparse.csr_array(dense), GENES, signature, how=how),
            score_signature(dense, GENES, signature, how=how),
            atol=1e-6,
        )
