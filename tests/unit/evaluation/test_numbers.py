"""The evaluation's numbers against other libraries, other formulas, and truths that are known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score

from napari_mclstexp.evaluation.metrics import gene_metrics
from napari_mclstexp.evaluation.noise_ceiling import noise_ceiling
from napari_mclstexp.evaluation.pearson_residuals import pearson_residuals
from napari_mclstexp.evaluation.structure import (
    domain_agreement,
    morans_i,
    neighbour_weights,
    structure_row,
)
from napari_mclstexp.evaluation.summaries import (
    ALL,
    EXPRESSED,
    RESIDUALS_EXPRESSED,
    SHARE,
    bootstrap_interval,
    differences_to_trivial,
    section_statistics,
    unmeasurable,
    verdicts,
    with_intervals,
)
from napari_mclstexp.model.normalisation import normalise
from support.evaluation_kit import simulate, true_ceiling


@pytest.fixture(scope="module")
def pair():
    random = np.random.default_rng(0)
    measured = random.normal(size=(40, 6)).astype(np.float32)
    predicted = (measured * [1, 0.5, 0, -1, 2, 1] + random.normal(size=(40, 6))).astype(np.float32)
    measured[:, 5] = 3  # no variance
    return predicted, measured


def test_every_metric_is_the_libraries(pair):
    predicted, measured = pair
    table = gene_metrics(predicted, measured)
    for gene in range(5):
        p, m = predicted[:, gene].astype(float), measured[:, gene].astype(float)
        pearson = stats.pearsonr(p, m)
        assert table["pcc"][gene] == pytest.approx(pearson.statistic)
        assert table["p"][gene] == pytest.approx(pearson.pvalue, rel=1e-5)
        assert table["spearman"][gene] == pytest.approx(stats.spearmanr(p, m).statistic)
        assert table["mse"][gene] == pytest.approx(mean_squared_error(m, p))
        assert table["mae"][gene] == pytest.approx(mean_absolute_error(m, p))
        assert table["r2"][gene] == pytest.approx(r2_score(m, p))
    assert np.isnan(table.loc[5, ["pcc", "spearman", "p", "fdr", "r2"]].astype(float)).all()
    ordered = table["p"][:5].sort_values()
    by_hand = (ordered * 5 / np.arange(1, 6))[::-1].cummin()
    np.testing.assert_allclose(table["fdr"][by_hand.index], by_hand)


def test_a_gene_that_was_not_predicted_is_unknown_and_not_zero(pair):
    predicted, measured = pair
    predicted = predicted.copy()
    predicted[:, 2] = np.nan
    table = gene_metrics(predicted, measured)
    assert table.loc[2].isna().all()
    assert table.loc[1].notna().all()


@pytest.mark.parametrize("kind", ["ln-1e4-all", "log10-1e4-listed"])
@pytest.mark.parametrize("depth", [1500.0, 8000.0])
def test_the_noise_ceiling_is_what_a_perfect_predictor_reaches(kind, depth):
    simulated = simulate(depth=depth)
    found = noise_ceiling(simulated.counts, simulated.totals, kind)
    truth = true_ceiling(simulated, lambda c, t: normalise(c, t, kind))
    expressed = simulated.counts.mean(axis=0) >= 5
    assert expressed.sum() >= 15
    assert found.value[expressed].mean() == pytest.approx(truth[expressed].mean(), abs=0.03)
    assert np.abs(found.value - truth)[expressed].mean() < 0.06
    inside = (found.low <= truth + 0.03) & (truth - 0.03 <= found.high)
    assert inside[expressed].mean() > 0.8


def test_genes_of_pure_noise_and_silent_genes_are_not_measurable():
    random = np.random.default_rng(1)
    counts = random.poisson(5, (300, 30))
    counts[:, 0] = 0
    counts[:, 1] = random.poisson(np.where(np.arange(300) % 2, 40, 4))
    found = noise_ceiling(counts, np.full(300, 1e4), "ln-1e4-all")
    assert np.isnan(found.value[0])
    assert not found.measurable[0]
    assert found.measurable[1]
    assert found.value[1] > 0.9
    assert found.measurable[2:].mean() < 0.1


def test_morans_i_by_its_definition():
    random = np.random.default_rng(0)
    xy = np.array([(x, y) for x in range(6) for y in range(6)], dtype=float)
    values = np.column_stack([xy[:, 0], random.normal(size=36), np.ones(36)])
    weights = neighbour_weights(xy)
    dense = weights.toarray()
    assert ((dense > 0).sum(axis=1) == 6).all()
    z = values - values.mean(axis=0)
    for gene in (0, 1):
        above = sum(dense[i, j] * z[i, gene] * z[j, gene] for i in range(36) for j in range(36))
        expected = 36 / dense.sum() * above / (z[:, gene] ** 2).sum()
        assert morans_i(values, weights)[gene] == pytest.approx(expected)
    assert morans_i(values, weights)[0] > 0.6
    assert np.isnan(morans_i(values, weights)[2])


def test_structure_of_a_perfect_and_of_a_shuffled_prediction():
    random = np.random.default_rng(0)
    xy = np.array([(x, y) for x in range(10) for y in range(10)], dtype=float)
    labels = np.where(xy[:, 0] < 5, "tumour", "stroma")
    measured = np.where(labels == "tumour", 3.0, 0.0)[:, None] + random.normal(size=(100, 8))
    measured = measured.astype(np.float32)
    perfect = structure_row(measured, measured, xy, labels)
    shuffled = structure_row(measured[random.permutation(100)], measured, xy, labels)
    assert perfect["gene_correlation"] == pytest.approx(1)
    assert perfect["moran_correlation"] == pytest.approx(1)
    assert perfect["ari"] > 0.9 > 0.2 > shuffled["ari"]
    assert perfect["moran_predicted"] > 0.3 > abs(shuffled["moran_predicted"])
    some = np.where(np.arange(100) % 2, labels, "")  # half of the labels are not known
    assert domain_agreement(measured.astype(float), some, 0)[0] > 0.9
    assert np.isnan(structure_row(measured, measured, xy, None)["ari"])


def statistics_of(pcc, expression, ceiling, measurable):
    table = pd.DataFrame({"pcc": pcc, "fdr": [0.01] * len(pcc), "pcc_residuals": pcc / 2})
    for column in ("spearman", "mse", "mae", "r2"):
        table[column] = 0.5
    limits = pd.DataFrame({"ceiling": ceiling, "measurable": measurable})
    structure = {"moran_predicted": 0.4, "moran_correlation": 0.3}
    return section_statistics(table, expression, limits, structure)


def test_the_most_expressed_genes_and_their_share_of_the_ceiling():
    genes = 60
    expression = np.tile(np.arange(genes, dtype=np.float32), (4, 1))
    pcc = np.where(np.arange(genes) >= 10, 0.4, 0.1)  # the 50 most expressed have 0.4
    measurable = np.arange(genes) >= 20
    found = statistics_of(pcc, expression, np.full(genes, 0.8), measurable)
    assert found[EXPRESSED] == pytest.approx(0.4)
    assert found[ALL] == pytest.approx((50 * 0.4 + 10 * 0.1) / 60)
    assert found[SHARE] == pytest.approx(0.5)
    assert found[RESIDUALS_EXPRESSED] == pytest.approx(0.2)
    pcc[-1] = np.nan  # a gene without variance is left out, not counted as 0
    assert statistics_of(pcc, expression, np.full(genes, 0.8), measurable)[
        EXPRESSED
    ] == pytest.approx((49 * 0.4 + 0.1) / 50)


def test_intervals_are_over_sections_and_need_two():
    low, high = bootstrap_interval(np.array([0.1, 0.2, 0.3, 0.4]))
    assert 0.1 <= low < 0.25 < high <= 0.4
    assert np.isnan(bootstrap_interval(np.array([0.3]))).all()
    assert bootstrap_interval(np.array([0.2, 0.2, np.nan])) == (0.2, 0.2)
    table = with_intervals({"A": pd.DataFrame({ALL: [0.1, 0.3]}, index=["s", "t"])})
    assert table["value"].tolist() == [0.2]


def sections_of(*values):
    return pd.DataFrame(
        {ALL: values, EXPRESSED: values}, index=[f"s{i}" for i in range(len(values))]
    )


def compared(tables, trivial, spread=0.01):
    """Verdicts where each section's draws lie around its value."""
    noise = np.random.default_rng(0).normal(0, spread, 500)
    drawn = {
        method: {
            section: {name: row[name] + (noise if method not in trivial else 0) for name in table}
            for section, row in table.iterrows()
        }
        for method, table in tables.items()
    }
    return differences_to_trivial(tables, drawn, trivial)


def test_a_loss_to_a_trivial_answer_is_said_in_words():
    three = {
        "mclSTExp": sections_of(0.1, 0.11, 0.12),
        "kNN": sections_of(0.2, 0.21, 0.22),
        "mean": sections_of(np.nan, np.nan, np.nan),
    }
    said = verdicts(compared(three, ["kNN", "mean"]), "patient")
    assert "mclSTExp loses to the best trivial baseline, kNN: 0.110 against 0.210" in said[0]
    assert said[0].startswith("Patients apart, over all genes")
    assert "chance" not in said[0]
    assert "ahead in 0 of 3 sections" in said[0]
    mixed = {"mclSTExp": sections_of(0.1, 0.3), "kNN": sections_of(0.2, 0.19)}
    said = verdicts(compared(mixed, ["kNN"], spread=0.05), "section")
    assert "is level with" in said[0]
    assert "may be chance" in said[0]
    flat = pd.DataFrame({"gene": ["A", "B"], "measurable": [False, True]})
    assert unmeasurable([flat, flat]) == ["A"]


def test_pearson_residuals_are_scanpys_over_all_genes():
    import anndata
    import scanpy
    from scipy import sparse

    simulated = simulate(n=120, genes=40)
    counts = simulated.counts.copy()
    counts[:, 3] = 0
    whole = anndata.AnnData(counts.astype(float))
    with np.errstate(invalid="ignore"):
        scanpy.experimental.pp.normalize_pearson_residuals(whole)
    listed = sparse.csr_matrix(counts[:, :12])
    found = pearson_residuals(listed, counts.sum(axis=1).astype(float))
    np.testing.assert_allclose(found, np.nan_to_num(whole.X[:, :12]), atol=1e-4)
    assert not found[:, 3].any()


def test_residuals_of_the_counts_give_depth_no_credit():
    """A prediction that knows only how much lies under a spot does well on the log alone."""
    random = np.random.default_rng(0)
    depth = random.lognormal(0, 0.8, 400)
    rates = np.full(30, 2.0)
    counts = random.poisson(depth[:, None] * rates)
    totals = np.asarray(counts.sum(axis=1), dtype=float)
    logs = np.log1p(counts).astype(np.float32)
    predicted = np.tile(np.log(depth)[:, None], 30).astype(np.float32)
    table = gene_metrics(predicted, logs, pearson_residuals(counts, totals))
    assert table["pcc"].mean() > 0.5
    assert abs(table["pcc_residuals"].mean()) < 0.05
