"""Intervals hold what they say on sections not seen; plausible maps vary as measured ones do."""

from __future__ import annotations

import numpy as np
import pytest

from napari_mclstexp.errors import ModelError, SettingsError
from napari_mclstexp.model.intervals import ExpectedErrors, HeldOutErrors, samples
from napari_mclstexp.model.smoother import Smoother
from napari_mclstexp.training.principal_axes import on_axes
from support.linear_kit import simulate

NOISE = np.linspace(0.1, 1.0, 40)  # of each gene


@pytest.fixture(scope="module")
def made():
    """Return a fitted head, its training spots, and a section that it has not seen."""
    learned, other = simulate(7, 150, noise=NOISE).split("section 6")
    fitted = learned.fit()
    codes, beyond = on_axes(other.features, fitted.head.components)
    leverage = Smoother(fitted.head, fitted.codes).leverage(codes, beyond)
    return learned, fitted, other, codes, leverage


def held(made, level, genes=slice(None)):
    _, fitted, other, codes, leverage = made
    lower, upper = ExpectedErrors(fitted.held_out).interval(
        fitted.head.predict(codes), leverage, level
    )
    inside = (lower <= other.expression) & (other.expression <= upper)
    return inside[:, genes].mean()


@pytest.mark.parametrize("level", [0.5, 0.8, 0.95])
def test_intervals_hold_the_share_that_they_say(made, level):
    assert held(made, level) == pytest.approx(level, abs=0.02)
    for genes in (slice(0, 10), slice(30, 40)):  # of little noise, and of much
        assert held(made, level, genes) == pytest.approx(level, abs=0.04)


def test_a_noisier_gene_has_a_wider_interval(made):
    _, fitted, _, codes, leverage = made
    lower, upper = ExpectedErrors(fitted.held_out).interval(
        fitted.head.predict(codes), leverage, 0.8
    )
    assert np.corrcoef((upper - lower).mean(0), NOISE)[0, 1] > 0.99


def test_intervals_widen_where_a_patch_is_unlike_the_bank(made):
    _, fitted, _, codes, leverage = made
    predicted = fitted.head.predict(codes)
    near, far = (
        np.subtract(*ExpectedErrors(fitted.held_out).interval(predicted, h, 0.8)[::-1]).mean()
        for h in (leverage, 30 * leverage)
    )
    assert far > 1.3 * near


def test_intervals_are_wider_for_the_genes_whose_errors_grow():
    """Noise that goes with the distance from the middle is found, in the genes that have it."""
    simulated = simulate(6, 200, noise=0.0, seed=3)
    random = np.random.default_rng(0)
    distance = np.linalg.norm(simulated.features, axis=1)[:, None] ** 4
    noise = np.where(np.arange(40) < 20, distance / distance.mean(), 1.0)
    simulated.expression[:] += 0.3 * noise * random.normal(size=noise.shape)
    simulated.expression[:, :20] += 5  # genes expressed alike grow alike
    growth = simulated.fit(ranks=[2], penalties=[2.0]).held_out.growth
    assert growth[:10].min() > 0.5
    assert growth[30:].max() < 0.4


def test_values_below_the_floor_are_in_no_interval(made):
    _, fitted, _, codes, leverage = made
    few = np.array([3, 39])
    predicted = fitted.head.predict(codes, few) - 5
    lower, upper = ExpectedErrors(fitted.held_out, few).interval(predicted, leverage, 0.95)
    assert lower.shape == (150, 2)
    assert lower.min() == 0
    assert (upper >= lower).all()
    with pytest.raises(SettingsError, match=r"share of 80 .* between 0 and 1"):
        ExpectedErrors(fitted.held_out, few).interval(predicted, leverage, 80)


def drawn(made, n, seed=0):
    learned, fitted, _, codes, leverage = made
    head = fitted.head
    return list(
        samples(
            head.predict(codes),
            fitted.held_out,
            leverage,
            scores=head.program_scores(codes),
            bank_scores=head.program_scores(fitted.codes),
            bank_sections=learned.sections,
            n=n,
            seed=seed,
        )
    )


def test_plausible_maps_vary_as_measured_ones(made):
    _, fitted, other, codes, _ = made
    measured = other.expression.var(0)
    ratio = np.mean([each.var(0) / measured for each in drawn(made, 5)], axis=0)
    assert np.median(ratio) == pytest.approx(1, abs=0.1)
    noisy = (fitted.head.predict(codes).var(0) / measured)[30:]
    assert np.median(noisy) < 0.5
    assert np.median(ratio[30:]) == pytest.approx(1, abs=0.1)


def test_plausible_maps_are_told_by_their_seed(made):
    first, second = drawn(made, 2)
    assert np.abs(first - second).mean() > 0.1
    np.testing.assert_array_equal(drawn(made, 1)[0], first)
    assert np.abs(drawn(made, 1, seed=1)[0] - first).mean() > 0.1


def test_genes_vary_together_in_plausible_maps_as_they_do():
    """Two genes share their noise: a map that drew each alone would lose that."""
    simulated = simulate(4, 150, noise=0.0)
    shared = np.random.default_rng(5).normal(size=(600, 1))
    simulated.expression[:, :2] += shared
    learned, other = simulated.split("section 3")
    fitted = learned.fit()
    codes = fitted.head.codes(other.features)
    one = drawn((learned, fitted, other, codes, np.zeros(150)), 1)[0]
    smooth = fitted.head.predict(codes)
    left = (one - smooth)[:, :2]
    assert np.corrcoef(left.T)[0, 1] > 0.9


def test_errors_kept_in_a_file_give_the_same_intervals(made):
    _, fitted, _, codes, leverage = made
    arrays = fitted.held_out.arrays()
    again = HeldOutErrors.from_arrays(arrays)
    for one, two in zip(
        ExpectedErrors(fitted.held_out).interval(fitted.head.predict(codes), leverage, 0.5),
        ExpectedErrors(again).interval(fitted.head.predict(codes), leverage, 0.5),
        strict=True,
    ):
        np.testing.assert_array_equal(one, two)
    with pytest.raises(ModelError, match="lack 'growth'"):
        HeldOutErrors.from_arrays({k: v for k, v in arrays.items() if k != "growth"})
    with pytest.raises(ModelError, match="does not fit"):
        HeldOutErrors.from_arrays({**arrays, "leverage": arrays["leverage"][:-1]})
