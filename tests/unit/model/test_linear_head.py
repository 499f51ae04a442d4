"""A linear head says what it sums up: its values are those of the reference spots, weighted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import load, save

from napari_mclstexp.errors import ModelError
from napari_mclstexp.model.linear_head import LinearHead, section_targets
from support.linear_kit import simulate


@pytest.fixture(scope="module")
def made():
    """Return the training spots, the fitted head, and codes of a section that it has not seen."""
    learned, other = simulate().split("section 5")
    fitted = learned.fit()
    return learned, fitted, fitted.head.codes(other.features)


def test_what_reference_spots_add_is_the_value_less_the_mean(made):
    learned, fitted, codes = made
    head = fitted.head
    targets = section_targets(learned.expression, learned.sections)
    predicted = head.predict(codes)
    for spot, gene in ((0, 3), (17, 0), (60, 39)):
        added = head.contributions(codes[spot], fitted.codes, targets, gene)
        assert added.shape == (len(learned.features),)
        assert added.sum() == pytest.approx(predicted[spot, gene] - head.mean[gene], abs=1e-5)
        assert added.min() < 0 < added.max()


def test_the_smoother_gives_all_predictions(made):
    learned, fitted, codes = made
    targets = section_targets(learned.expression, learned.sections)
    cut = targets @ fitted.head.loadings.T @ fitted.head.loadings
    smoothed = fitted.head.smoother_weights(codes, fitted.codes) @ cut
    np.testing.assert_allclose(
        fitted.head.mean + fitted.head.slope * smoothed, fitted.head.predict(codes), atol=1e-6
    )


def test_a_bank_of_rounded_codes_is_explained_once_the_head_is_fitted_to_it(made):
    learned, fitted, codes = made
    targets = section_targets(learned.expression, learned.sections)
    rounded = (np.round(fitted.codes * 20) / 20).astype(np.float32)

    def off(head):
        added = head.contributions(codes[0], rounded, targets, 3).sum()
        return abs(added - (head.predict(codes[:1])[0, 3] - head.mean[3]))

    assert off(fitted.head) > 1e-4
    assert off(fitted.head.fitted_to(rounded, targets)) < 1e-9


def test_a_head_kept_in_a_file_predicts_the_same(made):
    _, fitted, codes = made
    again = LinearHead.from_arrays(load(save(fitted.head.arrays())))
    np.testing.assert_array_equal(again.predict(codes), fitted.head.predict(codes))
    assert again.penalty == fitted.head.penalty
    some = np.array([7, 2])
    np.testing.assert_allclose(again.predict(codes, some), again.predict(codes)[:, some])


def test_a_head_that_is_not_whole_is_refused(made):
    arrays = made[1].head.arrays()
    with pytest.raises(ModelError, match="lacks its loadings"):
        LinearHead.from_arrays({k: v for k, v in arrays.items() if k != "loadings"})
    with pytest.raises(ModelError, match=r"mean .* does not fit|loadings .* does not fit"):
        LinearHead.from_arrays({**arrays, "mean": arrays["mean"][:-1]})
    with pytest.raises(ModelError, match="compute them with the model's own encoder"):
        made[1].head.codes(np.zeros((3, 7), np.float32))


def test_no_section_weighs_more_for_its_depth():
    """A section measured higher, at three times the contrast, is the same relative to itself."""
    random = np.random.default_rng(0)
    values = random.normal(size=(50, 4))
    sections = np.repeat(["a", "b"], 50)
    targets = section_targets(np.vstack([values, 3 * values + 2]), sections)
    np.testing.assert_allclose(targets[:50], targets[50:], rtol=0.01)
    np.testing.assert_allclose(targets[50:].mean(0), 0, atol=1e-12)
    constant = section_targets(np.ones((100, 1)), sections)
    np.testing.assert_array_equal(constant, 0)


def test_leverage_grows_away_from_the_reference_spots_and_beyond_their_axes(made):
    learned, fitted, codes = made
    head, none = fitted.head, np.zeros(len(codes))
    near, far = (head.leverage(codes * times, fitted.codes, none) for times in (1, 3))
    np.testing.assert_allclose(far, 9 * near)
    few = replace(head, components=head.components[:, :5])
    left = few.beyond(learned.features, few.codes(learned.features))
    assert left.min() > 0
    whole = head.beyond(learned.features, fitted.codes)
    np.testing.assert_allclose(whole, 0, atol=1e-5)
    assert (head.leverage(codes, fitted.codes, none + 1) > near).all()
