"""Intervals of differences between methods: of the right sums, and right as often as said."""

from __future__ import annotations

import numpy as np
import pytest

from napari_mclstexp.evaluation.block_bootstrap import interval, pcc_draws, spatial_blocks
from napari_mclstexp.inference.correlation import pcc_per_gene

SIDE, GENES = 12, 20
XY = np.array([(x, y) for x in range(SIDE) for y in range(SIDE)], dtype=float)
COLUMNS = {"all": np.arange(GENES)}


def smooth_programs(random, reach=1.5):
    """Three values of each spot that neighbours share, as expression programs are."""
    squared = ((XY[:, None] - XY[None]) ** 2).sum(-1)
    root = np.linalg.cholesky(np.exp(-squared / (2 * reach**2)) + 1e-6 * np.eye(len(XY)))
    return root @ random.normal(size=(len(XY), 3))


def section(random, errors):
    """Measured genes of smooth programs, and predictions with smooth errors of these sizes."""
    truth, loadings = smooth_programs(random), random.normal(size=(3, GENES))
    measured = truth @ loadings + 2 * random.normal(size=(len(XY), GENES))
    predictions = [(truth + size * smooth_programs(random)) @ loadings for size in errors]
    return measured.astype(np.float32), [each.astype(np.float32) for each in predictions]


def difference(random, errors, sections=3):
    blocks, drawn = spatial_blocks(XY), []
    for number in range(sections):
        measured, predictions = section(random, errors)
        one, other = (
            pcc_draws(each, measured, blocks, COLUMNS, draws=200, seed=number)["all"]
            for each in predictions
        )
        drawn.append(one - other)
    return interval(drawn)


def test_a_draw_is_the_correlation_of_the_spots_that_were_drawn():
    random = np.random.default_rng(0)
    measured, (predicted,) = section(random, [1.0])
    blocks = np.arange(len(XY)) % 4
    found = pcc_draws(predicted, measured, blocks, COLUMNS, draws=20, seed=3)["all"]
    times = np.random.default_rng(3).multinomial(4, np.full(4, 1 / 4), 20)
    for draw, often in zip(found, times, strict=True):
        rows = np.concatenate([np.flatnonzero(blocks == b).repeat(often[b]) for b in range(4)])
        assert draw == pytest.approx(np.nanmean(pcc_per_gene(predicted[rows], measured[rows])))


def test_genes_that_cannot_be_scored_are_left_out_and_do_not_count_as_zero():
    random = np.random.default_rng(0)
    measured, (predicted,) = section(random, [1.0])
    blocks = spatial_blocks(XY)
    alone = pcc_draws(predicted, measured, blocks, {"few": np.arange(5)}, draws=9)["few"]
    measured, predicted = measured.copy(), predicted.copy()
    measured[:, 5], predicted[:, 6], predicted[:, 7] = 3.1, np.nan, 0.3
    drawn = pcc_draws(predicted, measured, blocks, {"some": np.arange(8)}, draws=9)["some"]
    np.testing.assert_allclose(drawn, alone)


def test_blocks_are_compact_and_few_spots_make_none():
    blocks = spatial_blocks(XY)
    assert set(np.bincount(blocks) >= 4) == {True}
    spread = [XY[blocks == each].std(axis=0).max() for each in np.unique(blocks)]
    assert max(spread) < 0.5 * XY.std()
    assert not spatial_blocks(XY[:10]).any()
    measured, (predicted,) = section(np.random.default_rng(0), [1.0])
    none = pcc_draws(predicted, measured, np.zeros(len(XY), int), COLUMNS, draws=5)["all"]
    assert np.isnan(none).all()
    assert np.isnan(interval([none])).all()
    low, high = interval([none, np.array([0.1, 0.1])])  # the other section still tells
    assert (low, high) == pytest.approx((0.1, 0.1))


def test_two_methods_that_are_alike_are_told_apart_by_chance_only():
    random = np.random.default_rng(0)
    held = [low <= 0 <= high for low, high in (difference(random, [1.2, 1.2]) for _ in range(100))]
    assert 0.89 <= np.mean(held) <= 1
    assert all(low > 0 for low, _ in (difference(random, [0.5, 2.5]) for _ in range(5)))
