"""Correlations, their summaries, the trivial baseline, and the cutting into sequences."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import pearsonr

from napari_mclstexp.evaluation.baselines import image_knn
from napari_mclstexp.inference.correlation import pcc_per_gene, summarise
from napari_mclstexp.training.sequences import neighbour_sequences


def test_correlation_is_scipys_gene_by_gene():
    random = np.random.default_rng(0)
    predicted, measured = random.normal(size=(2, 30, 4)).astype(np.float32)
    expected = [pearsonr(predicted[:, g], measured[:, g])[0] for g in range(4)]
    np.testing.assert_allclose(pcc_per_gene(predicted, measured), expected, atol=1e-6)


def test_genes_without_variance_or_measurement_have_no_correlation_and_are_counted():
    random = np.random.default_rng(1)
    predicted, measured = random.normal(size=(2, 30, 4)).astype(np.float32)
    measured[:, 1] = 0.1  # not a binary fraction, so its mean is off by rounding
    predicted[:, 2] = 7
    measured[:, 3] = np.nan
    pcc = pcc_per_gene(predicted, measured)
    assert np.isfinite(pcc).tolist() == [True, False, False, False]
    summary = summarise(pcc, measured)
    assert (summary.n_genes, summary.n_left_out, summary.n_top) == (1, 3, 1)
    assert summary.mean == pytest.approx(pcc[0])


def test_the_top_is_the_most_expressed_by_measurement():
    pcc = np.array([0.1, 0.9, 0.5])
    measured = np.array([[1.0, 9.0, 5.0], [1.0, 9.0, 5.0]])
    assert summarise(pcc, measured, top=2).mean_top == pytest.approx(0.7)
    assert summarise(pcc, measured, top=2).mean == pytest.approx(0.5)


def test_image_knn_is_the_mean_of_the_spots_that_look_alike():
    features = np.array([[5.0, 1], [5.1, 1], [-5.0, 1.1], [-5.1, 0.9]], dtype=np.float32)
    expression = np.array([[1.0], [3.0], [10.0], [20.0]], dtype=np.float32)
    query = np.array([[4.0, 1.0], [-4.0, 1.0]], dtype=np.float32)
    np.testing.assert_allclose(image_knn(features, expression, query, k=2), [[2.0], [15.0]])


@pytest.mark.parametrize(("n", "longest"), [(1, 8), (8, 8), (9, 8), (187, 64), (500, 128)])
def test_sequences_hold_every_spot_once_and_none_is_too_long(n, longest):
    xy = np.random.default_rng(n).uniform(size=(n, 2))
    sequences = neighbour_sequences(xy, longest)
    assert sorted(np.concatenate(sequences).tolist()) == list(range(n))
    assert max(map(len, sequences)) <= longest
    assert max(map(len, sequences)) - min(map(len, sequences)) <= 1


def test_spots_of_a_sequence_are_neighbours():
    xy = np.random.default_rng(0).uniform(size=(400, 2))
    within = [np.ptp(xy[rows], axis=0).max() for rows in neighbour_sequences(xy, 100)]
    assert max(within) < 0.6  # quarters of the unit square
