"""The level of a whole section: told from places that look alike, and from no others."""

from __future__ import annotations

import numpy as np
import pytest

from napari_mclstexp.model.intervals import ExpectedErrors
from napari_mclstexp.model.section_level import NEAREST, relative_level, section_level
from support.linear_kit import simulate


@pytest.fixture
def known():
    """Looks of three kinds of tissue in two channels of very different size, and two genes."""
    random = np.random.default_rng(0)
    kind = np.repeat([0, 1, 2], 100)
    centre = np.array([[0.2, 5000.0], [0.8, 5000.0], [0.2, 9000.0]])
    looks = centre[kind] + random.normal(size=(300, 2)) * [0.01, 50.0]
    expression = np.array([[1.0, 10.0], [3.0, 10.0], [5.0, 40.0]])[kind]
    return looks.astype(np.float32), expression.astype(np.float32)


def test_a_section_has_the_level_of_the_kinds_of_tissue_it_is_made_of(known):
    looks, expression = known
    assert NEAREST <= 100
    fat = section_level(np.full((7, 2), (0.8, 5000.0), np.float32), looks, expression)
    np.testing.assert_allclose(fat, [3, 10])
    mixed = np.repeat(np.float32([[0.2, 5000.0], [0.2, 9000.0]]), [30, 10], axis=0)
    np.testing.assert_allclose(section_level(mixed, looks, expression), [2, 17.5])


def test_a_level_stays_within_what_was_measured_however_strange_the_stain(known):
    looks, expression = known
    strange = np.full((3, 2), (-40.0, 1e6), np.float32)
    found = section_level(strange, looks, expression)
    assert (expression.min(axis=0) <= found).all()
    assert (found <= expression.max(axis=0)).all()


def test_few_reference_spots_and_a_channel_that_never_varies_are_no_trouble():
    looks = np.float32([[1, 7], [2, 7], [3, 7]])
    found = section_level(np.float32([[1, 99]]), looks, np.float32([[3.0], [6.0], [9.0]]))
    np.testing.assert_allclose(found, [6])  # all three are among the nearest


def test_errors_to_be_expected_are_those_about_the_section_s_own_level():
    """Half of the sections have twice the expression, and look it: known, it is no error."""
    made = simulate(n_sections=4, noise=0.2)
    rich = np.isin(made.sections, ["section 1", "section 3"])
    made.expression[rich] += 10
    looks = np.where(rich, 1.0, 0.0).astype(np.float32)[:, None]
    blind, seeing = made.fit(), made.fit(looks=looks)
    assert np.abs(blind.held_out.errors.astype(float)).mean() > 4
    assert np.abs(seeing.held_out.errors.astype(float)).mean() < 1
    np.testing.assert_array_equal(blind.head.loadings, seeing.head.loadings)


def test_an_interval_holds_what_was_not_measured_in_a_section_that_has_more():
    """A gene that most spots lack lies below its level by all of it, high or low as that is."""
    random = np.random.default_rng(0)
    made = simulate(n_sections=5, n_genes=3, noise=0.1)
    rich = np.isin(made.sections, ["section 1", "section 3", "section 4"])
    chance = np.where(rich, 0.3, 0.1)[:, None]
    made.expression[:] = (random.uniform(size=made.expression.shape) < chance) * 0.8
    looks = np.where(rich, 1.0, 0.0).astype(np.float32)[:, None]
    learned = made.sections != "section 4"
    fitted = made.rows(learned).fit(looks=looks[learned])
    head, (_, asked) = fitted.head, made.split("section 4")
    level = section_level(looks[~learned], looks[learned], made.expression[learned])
    assert (level > 1.1 * head.mean).all()
    codes = head.codes(asked.features)
    predicted, leverage = head.on_level(level).predict(codes), np.ones(len(codes))
    relative = relative_level(level, head.mean)
    lower, upper = ExpectedErrors(fitted.held_out, level=relative).interval(
        predicted, leverage, 0.8
    )
    held = (lower <= asked.expression) & (asked.expression <= upper)
    assert held[asked.expression == 0].mean() > 0.9
    lower, _ = ExpectedErrors(fitted.held_out).interval(predicted, leverage, 0.8)
    assert (lower[asked.expression == 0] <= 0).mean() < 0.5  # which the level's share mends
