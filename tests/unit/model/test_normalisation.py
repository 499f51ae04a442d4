"""The published normalisations, by values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from napari_mclstexp.model.normalisation import UNITS, normalise

COUNTS = np.array([[1, 3, 0], [0, 0, 0]])
TOTALS = np.array([10, 5])

BY_HAND = {
    # 1 of 10 measured counts is 1,000 per 10,000; ln 1001
    "ln-1e4-all": [6.908755, 8.006701, 0.0],
    # 1 of 4 listed counts is 2,500 per 10,000; log10 2501
    "log10-1e4-listed": [3.398114, 3.875119, 0.0],
    # 250,000 per million; ln 250001
    "ln-1e6-listed": [12.429220, 13.527830, 0.0],
}


@pytest.mark.parametrize("kind", BY_HAND)
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix], ids=["dense", "sparse"])
def test_values_by_hand(kind, form):
    out = normalise(form(COUNTS), TOTALS, kind)
    np.testing.assert_allclose(out[0], BY_HAND[kind], rtol=1e-5)
    assert out.dtype == np.float32


@pytest.mark.parametrize("kind", BY_HAND)
def test_a_spot_without_counts_stays_at_zero(kind):
    assert normalise(COUNTS, TOTALS, kind)[1].tolist() == [0, 0, 0]


def test_every_normalisation_has_a_unit_and_the_counts_are_left_alone():
    assert UNITS.keys() == BY_HAND.keys()
    before = COUNTS.copy()
    normalise(COUNTS, TOTALS, "ln-1e4-all")
    np.testing.assert_array_equal(COUNTS, before)


def test_totals_over_all_genes_are_asked_for():
    with pytest.raises(ValueError, match="totals"):
        normalise(COUNTS, None, "ln-1e4-all")
