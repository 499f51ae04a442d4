"""A linear head says what it sums up: its values are those of the reference spots, weighted."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import load, save

from napari_mclstexp.errors import ModelError
from napari_mclstexp.model.linear_head import LinearHead, beyond_axes, section_targets
from napari_mclstexp.model.smoother import Contributions, Smoother
from napari_mclstexp.training.principal_axes import on_axes
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
    contributions = Contributions(head, fitted.codes, learned.expression, learned.sections)
    predicted = head.predict(codes)
    for spot, gene in ((0, 3), (17, 0), (60, 39)):
        added = contributions(codes[spot], gene)
        assert added.shape == (len(learned.features),)
        assert added.sum() == pytest.approx(predicted[spot, gene] - head.mean[gene], abs=1e-5)
        assert added.min() < 0 < added.max()


def test_the_smoother_gives_all_predictions(made):
    learned, fitted, codes = made
    targets = section_targets(learned.expression, learned.sections)
    cut = targets @ fitted.head.loadings.T @ fitted.head.loadings
    smoothed = Smoother(fitted.head, fitted.codes).weights(codes) @ cut
    np.testing.assert_allclose(
        fitted.head.mean + fitted.head.slope * smoothed, fitted.head.predict(codes), atol=1e-6
    )


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
    for features in (np.zeros((3, 7)), np.zeros(7), np.zeros((1, 3, len(arrays["components"])))):
        with pytest.raises(ModelError, match="compute them with the model's own encoder"):
            made[1].head.codes(features.astype(np.float32))


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
    smoother, none = Smoother(fitted.head, fitted.codes), np.zeros(len(codes))
    near, far = (smoother.leverage(codes * times, none) for times in (1, 3))
    np.testing.assert_allclose(far, 9 * near)
    axes = fitted.head.components
    assert on_axes(learned.features, axes[:, :5])[1].min() > 0
    np.testing.assert_allclose(on_axes(learned.features, axes)[1], 0, atol=1e-5)
    assert (smoother.leverage(codes, none + 1) > near).all()


def test_rounding_leaves_no_length_below_nothing_beyond_the_axes():
    beyond = beyond_axes(np.array([1.0, 4.0]), np.array([[1.0000001], [1.0]]))
    assert beyond.tolist() == [0.0, 3.0]
