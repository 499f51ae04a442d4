"""Contrast by percentile."""

from __future__ import annotations

import numpy as np
import pytest

from napari_mclstexp.analysis.maps.contrast import percentile_limits

RAMP = np.arange(101, dtype=np.float32)


def test_limits_are_the_percentiles_whatever_a_few_outliers_are():
    assert percentile_limits(RAMP, 5, 90) == (5.0, 90.0)
    outlier = RAMP.copy()
    outlier[-1] = 1e9
    assert percentile_limits(outlier, 5, 90) == (5.0, 90.0)


def test_values_that_are_not_finite_are_left_out():
    gaps = np.concatenate((RAMP, [np.nan, np.inf, -np.inf]))
    assert percentile_limits(gaps, 0, 100) == (0.0, 100.0)


def test_a_gene_seen_in_one_spot_only_still_shows_that_spot():
    values = np.zeros(1000, dtype=np.float32)
    values[3] = 4.0
    assert percentile_limits(values, 1, 99) == (0.0, 4.0)


@pytest.mark.parametrize(
    ("values", "limits"),
    [([2.5, 2.5], (2.5, 3.5)), ([np.nan], (0.0, 1.0)), ([], (0.0, 1.0))],
    ids=["all the same", "none known", "no spots"],
)
def test_limits_always_make_a_range(values, limits):
    assert percentile_limits(np.array(values, dtype=np.float32)) == limits
