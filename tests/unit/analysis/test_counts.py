"""Measured values as they are shown."""

from __future__ import annotations

import numpy as np
import pytest
from anndata import AnnData

from napari_mclstexp.analysis.counts import Counts, has_counts
from napari_mclstexp.analysis.prediction_result import bare_spots
from support.session_kit import GENES, make_spots


def test_a_gene_is_scaled_by_all_that_was_measured_in_its_spot():
    spots = make_spots()
    raw = spots.X.toarray()
    expected = np.log1p(raw[:, 1] / np.maximum(raw.sum(axis=1), 1) * 1e4)
    np.testing.assert_allclose(Counts(spots).values("GNAS"), expected, rtol=1e-6)


def test_a_gene_that_was_not_measured_has_no_values():
    counts = Counts(make_spots())
    assert counts.values("NOSUCH") is None
    matrix = counts.matrix(("GNAS", "NOSUCH"), "ln-1e4-all")
    assert np.isnan(matrix[:, 1]).all()
    np.testing.assert_array_equal(matrix[:, 0], counts.values("GNAS"))


def test_counts_may_be_dense():
    spots = make_spots()
    dense = AnnData(spots.X.toarray(), obs=spots.obs, var=spots.var)
    for gene in GENES:
        np.testing.assert_array_equal(Counts(dense).values(gene), Counts(spots).values(gene))


@pytest.mark.parametrize(
    ("facts", "counted"),
    [
        ({}, True),
        ({"counts": "raw"}, True),
        ({"counts": "not-raw"}, False),
        ({"model_id": "a"}, False),
    ],
    ids=["nothing said", "raw", "normalised", "a prediction"],
)
def test_only_raw_counts_are_taken_for_measured(facts, counted):
    spots = make_spots()
    spots.uns["mclstexp"] = facts
    assert has_counts(spots) is counted
    assert not has_counts(bare_spots(spots))
