"""Coverage of intervals and spread of samples, where the truth is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from napari_mclstexp.evaluation.coverage import (
    SAMPLE_VARIANCE,
    gene_groups,
    interval_name,
    uncertainty_rows,
)
from napari_mclstexp.evaluation.fold_prediction import FoldPrediction, as_prediction

LEVELS = (0.5, 0.8, 0.95)
N, GENES = 500, 90


def simulated(too_narrow=1.0):
    """Values of known noise, with the intervals and samples of one who knows it."""
    random = np.random.default_rng(0)
    mean = random.normal(size=(N, GENES))
    noise = random.uniform(0.3, 2, GENES)
    measured = mean + noise * random.normal(size=(N, GENES))
    bounds = {}
    for level in LEVELS:
        half = too_narrow * noise * stats.norm.ppf((1 + level) / 2)
        bounds[level] = ((mean - half).astype(np.float32), (mean + half).astype(np.float32))
    samples = mean + too_narrow * noise * random.normal(size=(8, N, GENES))
    known = FoldPrediction(mean.astype(np.float32), bounds, samples.astype(np.float32))
    return known, measured.astype(np.float32)


def table_of(prediction, measured, groups):
    rows = uncertainty_rows(prediction, measured, groups)
    return rows.pivot(index="group", columns="measure", values="value")


def test_intervals_of_known_noise_hold_what_they_say_within_two_points():
    prediction, measured = simulated()
    groups = {"all": np.arange(GENES), "few": np.arange(30)}
    table = table_of(prediction, measured, groups)
    for level in LEVELS:
        assert table.loc["all", interval_name(level)] == pytest.approx(level, abs=0.02)
        assert table.loc["few", interval_name(level)] == pytest.approx(level, abs=0.02)
    assert table.loc["all", SAMPLE_VARIANCE] == pytest.approx(1, abs=0.05)


def test_intervals_that_are_too_narrow_and_samples_too_smooth_are_found_out():
    prediction, measured = simulated(too_narrow=0.5)
    table = table_of(prediction, measured, {"all": np.arange(GENES)})
    assert table.loc["all", "95 % interval"] < 0.75
    assert table.loc["all", SAMPLE_VARIANCE] < 0.8


def test_groups_are_by_expression_and_by_zeros():
    random = np.random.default_rng(0)
    rates = np.concatenate([np.full(30, 0.1), np.linspace(1, 20, 60)])
    counts = random.poisson(rates, (200, 90))
    counts[:, 60] = 0  # silent: in no group
    groups = gene_groups(np.log1p(counts).astype(np.float32), counts)
    assert set(groups["zero in 80 % of spots"]) == set(range(30))
    assert len(groups["all genes"]) == 89
    assert set(groups["least expressed third"]) <= set(range(30))
    assert len(groups["top 50 expressed"]) == 50
    assert min(groups["top 50 expressed"]) >= 38


def test_what_is_not_known_is_not_counted():
    prediction, measured = simulated()
    bounds = {0.8: tuple(each.copy() for each in prediction.intervals[0.8])}
    bounds[0.8][0][:, :10] = np.nan
    table = table_of(
        FoldPrediction(prediction.expression, bounds), measured, {"g": np.arange(GENES)}
    )
    assert table.loc["g", "80 % interval"] == pytest.approx(0.8, abs=0.02)
    assert SAMPLE_VARIANCE not in table
    values = as_prediction(prediction.expression)
    assert uncertainty_rows(values, measured, {"g": np.arange(GENES)}).empty
    some = prediction.of_genes(np.array([3, 1]))
    pd.testing.assert_frame_equal(
        uncertainty_rows(some, measured[:, [3, 1]], {"g": np.arange(2)}),
        uncertainty_rows(prediction, measured, {"g": np.array([1, 3])}),
    )
