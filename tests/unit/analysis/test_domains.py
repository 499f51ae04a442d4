"""Domains: found where they are, named so that they stay, told apart by genes."""

from __future__ import annotations

import numpy as np
import pytest
import scanpy
from anndata import AnnData
from scipy import sparse, stats
from sklearn import metrics

from napari_mclstexp.analysis import domains
from napari_mclstexp.analysis.components import principal_components, smoothed
from napari_mclstexp.analysis.domains import (
    DomainSettings,
    agreement,
    find_domains,
    keep_colours,
    suggest_k,
)
from napari_mclstexp.analysis.expression import expression_of
from napari_mclstexp.analysis.markers import marker_genes
from napari_mclstexp.errors import Cancelled, SettingsError
from napari_mclstexp.progress import CancelToken

GENES = ("HIGH_LEFT", "HIGH_MIDDLE", "FLAT", "NOISE")


@pytest.fixture
def striped():
    """Return 300 spots in three stripes of different size, and what is where."""
    random = np.random.default_rng(0)
    xy = np.array([(x, y) for x in range(30) for y in range(10)], dtype=float)
    stripe = np.digitize(xy[:, 0], [5, 15])
    x = random.normal(scale=0.7, size=(300, 4))
    x[:, 0] += 3 * (stripe == 0)
    x[:, 1] += 3 * (stripe == 1)
    return x.astype(np.float32), xy, stripe.astype(str)


def test_stripes_are_found_and_the_largest_is_the_first(striped):
    x, xy, truth = striped
    found = find_domains(x, xy, DomainSettings(k=3))
    assert agreement(found.labels, truth)[0] > 0.85
    sizes = [(found.labels == name).sum() for name in ("1", "2", "3")]
    assert sizes == sorted(sizes, reverse=True)
    again = find_domains(x, xy, DomainSettings(k=3))
    assert (again.labels == found.labels).all()


def test_domains_of_programs_follow_the_scores_and_not_the_expression(striped):
    x, xy, _ = striped
    across = (xy[:, 1] >= 5).astype(str)  # what the programs say, and no gene
    scores = np.where(xy[:, 1:] >= 5, 1.0, -1.0)
    found = find_domains(x, xy, DomainSettings(k=2, features="programs"), programs=scores)
    assert agreement(found.labels, across)[0] == 1.0
    genes = find_domains(x, xy, DomainSettings(k=2), programs=scores)
    assert agreement(genes.labels, across)[0] < 0.2
    weak = np.column_stack([scores, 0.01 * np.where(xy[:, :1] >= 15, 1.0, -1.0)])
    told, even = (
        find_domains(x, xy, DomainSettings(k=2, features="programs", scale=s), programs=weak)
        for s in (False, True)
    )
    assert agreement(told.labels, across)[0] == 1.0  # a program that hardly predicts counts little
    assert even.components.std(axis=0) == pytest.approx([1, 1])
    with pytest.raises(SettingsError, match="no programs"):
        find_domains(x, xy, DomainSettings(k=2, features="programs"))


def test_smoothing_makes_noisy_stripes_whole(striped):
    x, xy, truth = striped
    noisy = x + np.random.default_rng(1).normal(scale=2, size=x.shape).astype(np.float32)
    plain, smooth = (
        agreement(find_domains(noisy, xy, DomainSettings(k=3, smoothing=s, rounds=3)).labels, truth)
        for s in (0.0, 0.7)
    )
    assert smooth[0] > plain[0] + 0.2
    values = np.arange(6.0)[:, None]
    line = np.column_stack([np.arange(6.0), np.zeros(6)])
    mixed = smoothed(values, line, DomainSettings(smoothing=0.5))
    others = [np.delete(values[:, 0], i).mean() for i in range(6)]  # five others: all neighbours
    np.testing.assert_allclose(mixed[:, 0], 0.5 * values[:, 0] + 0.5 * np.array(others))


def test_the_number_is_suggested_with_its_reason(striped):
    x, xy, _ = striped
    found = find_domains(x[:, :2], xy, DomainSettings())
    assert found.k == 3
    assert "silhouette" in found.reason


@pytest.fixture
def continuum(monkeypatch):
    """Return 1,500 spots without a border between them, of which 500 are judged."""
    monkeypatch.setattr(domains, "SAMPLE", 500)
    return np.random.default_rng(0).normal(size=(1500, 6)) * np.arange(1, 7)


def test_a_suggestion_judges_so_many_spots_however_many_there_are(continuum, monkeypatch):
    judged, score = [], metrics.silhouette_score

    def noted(x, labels, *, sample_size=None, **more):
        judged.append(min(len(x), sample_size or len(x)))
        return score(x, labels, sample_size=sample_size, **more)

    monkeypatch.setattr(metrics, "silhouette_score", noted)
    suggestion = suggest_k(continuum, DomainSettings())
    assert set(judged) == {500}
    assert "500 spots drawn" in suggestion[1]
    assert suggest_k(continuum, DomainSettings()) == suggestion
    judged.clear()
    suggest_k(continuum[:300], DomainSettings())
    assert set(judged) == {300}


def test_a_search_is_cancelled_during_the_suggestion(continuum, monkeypatch):
    token, score = CancelToken(), metrics.silhouette_score
    judged = []

    def cancelled_by_a_person(*given, **more):
        judged.append(score(*given, **more))
        token.cancel()
        return judged[-1]

    monkeypatch.setattr(metrics, "silhouette_score", cancelled_by_a_person)
    with pytest.raises(Cancelled):
        find_domains(continuum.astype(np.float32), None, DomainSettings(), token)
    assert len(judged) == 1


def test_components_are_those_of_a_full_decomposition_up_to_their_sign(striped):
    x, _, _ = striped
    centred = x.astype(np.float64) - x.mean(axis=0, dtype=np.float64)
    u, s, _ = np.linalg.svd(centred, full_matrices=False)
    np.testing.assert_allclose(np.abs(principal_components(x, DomainSettings())), np.abs(u * s))


def test_leiden_finds_them_too(striped):
    pytest.importorskip("leidenalg", reason="the extra domains is not installed")
    x, xy, truth = striped
    found = find_domains(x[:, :2], xy, DomainSettings(method="leiden", resolution=0.3))
    assert agreement(found.labels, truth)[0] > 0.6
    assert "Leiden" in found.reason


def test_raw_counts_are_normalised_first_and_expression_is_left():
    counts = np.random.default_rng(0).poisson(5, (20, 6)).astype(np.float32)
    data = AnnData(sparse.csr_matrix(counts))
    expected = data.copy()
    scanpy.pp.normalize_total(expected, target_sum=1e4)
    scanpy.pp.log1p(expected)
    np.testing.assert_allclose(expression_of(data), expected.X.toarray(), rtol=1e-5)
    np.testing.assert_array_equal(expression_of(expected), expected.X.toarray())
    expected.layers["counts"] = counts
    np.testing.assert_allclose(expression_of(expected), expected.X.toarray(), rtol=1e-5)


def test_names_stay_with_the_spots_when_the_number_changes(striped):
    x, xy, _ = striped
    three, four = (find_domains(x, xy, DomainSettings(k=k)).labels for k in (3, 4))
    kept = keep_colours(three, four)
    assert set(kept) >= {"1", "2", "3"}
    assert len(set(kept)) == 4
    # The parts are the same, and most spots are called what they were called.
    assert agreement(kept, four)[0] == pytest.approx(1)
    assert (kept == three).mean() > 0.5
    shuffled = np.array([{"1": "3", "2": "1", "3": "2"}[each] for each in three])
    assert (keep_colours(three, shuffled) == three).all()


def test_markers_are_wilcoxons(striped):
    x, _, truth = striped
    table = marker_genes(x, GENES, truth)
    first = table[table["domain"] == "0"].iloc[0]
    assert first["gene"] == "HIGH_LEFT"
    inside = x[truth == "0", 0], x[truth != "0", 0]
    expected = stats.mannwhitneyu(*inside)
    assert first["p"] == pytest.approx(expected.pvalue)
    assert first["auc"] == pytest.approx(expected.statistic / (50 * 250))
    assert first["difference"] == pytest.approx(inside[0].mean() - inside[1].mean(), rel=1e-5)
    part = table[table["domain"] == "1"]
    by_hand = stats.false_discovery_control(part["p"])
    np.testing.assert_allclose(part["fdr"], by_hand)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"k": 1}, "at least 2"),
        ({"smoothing": 1.0}, "below 1"),
        ({"components": 0}, "at least 1"),
    ],
)
def test_settings_that_make_no_sense(settings, words):
    with pytest.raises(SettingsError, match=words):
        DomainSettings(**settings)


def test_what_cannot_be_clustered_says_why(striped):
    x, xy, truth = striped
    with pytest.raises(SettingsError, match="cannot be 400 domains"):
        find_domains(x, xy, DomainSettings(k=400))
    with pytest.raises(SettingsError, match="No gene varies"):
        find_domains(np.ones((9, 3), np.float32), None, DomainSettings(k=2))
    with pytest.raises(SettingsError, match="needs positions"):
        find_domains(x, None, DomainSettings(k=2, smoothing=0.5))
    with pytest.raises(SettingsError, match="no numbers"):
        expression_of(AnnData(np.array([[np.nan, 1.0]], dtype=np.float32)))
    with pytest.raises(SettingsError, match="Fewer than two labels"):
        agreement(truth, np.full(300, "undetermined"))


def test_a_very_small_p_is_not_zero():
    labels = np.array(["1"] * 250 + ["2"] * 250)
    values = np.arange(500, dtype=np.float32)[:, None]
    table = marker_genes(values, ("A",), labels)
    expected = stats.mannwhitneyu(np.arange(250.0), np.arange(250.0, 500.0)).pvalue
    assert 0 < expected < 1e-60
    assert table["p"].to_numpy() == pytest.approx([expected, expected], rel=1e-6, abs=0)
