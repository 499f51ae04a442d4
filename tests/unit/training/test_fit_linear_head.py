"""How a linear head is fitted: as the yardstick beside the checkout, and by what is left out."""

from __future__ import annotations

import importlib.util
import warnings
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from napari_mclstexp.errors import SettingsError
from napari_mclstexp.training import principal_axes as axes_file
from napari_mclstexp.training.principal_axes import principal_axes
from support.linear_kit import simulate
from support.places import SHARED

YARDSTICK = SHARED / "reference" / "programs.py"


@pytest.fixture(scope="module")
def yardstick():
    if not YARDSTICK.is_file():
        pytest.skip(f"{YARDSTICK} is not there")
    spec = importlib.util.spec_from_file_location("programs_yardstick", YARDSTICK)
    module = importlib.util.module_from_spec(spec)
    most = Image.MAX_IMAGE_PIXELS
    try:
        spec.loader.exec_module(module)
        yield module
    finally:
        Image.MAX_IMAGE_PIXELS = most


@pytest.mark.parametrize(("rank", "penalty"), [(3, 2.0), (6, 0.7), (40, 15.0)])
@pytest.mark.parametrize("n_features", [60, 1500])
def test_predicts_what_the_yardstick_predicts(yardstick, rank, penalty, n_features):
    """With all axes kept; with more features than spots, and with fewer."""
    simulated = simulate(4, 90, n_features=n_features, n_programs=6)
    learned, other = simulated.split("section 3")
    train = [
        (one.features, one.expression.astype(float))
        for one in (learned.rows(learned.sections == n) for n in np.unique(learned.sections))
    ]
    wanted = yardstick.fit_predict(train, other.features.astype(float), rank, penalty)
    head = learned.fit(n_axes=10_000, ranks=[rank], penalties=[penalty]).head
    found = (head.predict(head.codes(other.features)) - head.mean) / head.slope
    np.testing.assert_allclose(found, wanted, atol=1e-6)
    assert wanted.std() > 0.01


@pytest.mark.slow
@pytest.mark.realdata
def test_scores_real_sections_as_the_yardstick(yardstick, monkeypatch):
    """On real counts, with the yardstick's own fields and context, of colours instead of layers."""

    def colours(image, centres, field):
        out = []
        for x, y in centres.astype(int):
            piece = image[max(y - field // 2, 0) : y + field // 2 : 6,
                          max(x - field // 2, 0) : x + field // 2 : 6].reshape(-1, 3)  # fmt: skip
            out.append(np.concatenate([piece.mean(0), piece.std(0)]))
        return np.array(out)

    monkeypatch.setattr(yardstick, "field_features", colours)
    learned, other = yardstick.section("C2"), yardstick.section("C3")
    simulated = replace(
        simulate(1, len(learned[0])),
        features=learned[0],
        expression=learned[1].astype(np.float32),
    )
    head = simulated.fit(ranks=[3], penalties=[2.0]).head
    found = yardstick.score(head.predict(head.codes(other[0])), other[1])
    wanted = yardstick.score(yardstick.fit_predict([learned], other[0], 3, 2.0), other[1])
    np.testing.assert_allclose(found, wanted, atol=1e-3)
    assert min(wanted) > 0.05


def test_finds_as_many_programs_as_there_are():
    choice = simulate(n_programs=3, n_spots=200, noise=0.3).fit().choice
    assert choice.rank == 3
    assert "each patient" in choice.note
    compared = {(rank, penalty): score for rank, penalty, score in choice.scores}
    assert len(compared) == 20
    assert compared[choice.rank, choice.penalty] > max(compared.values()) - 0.02


def test_fewer_programs_are_preferred_where_more_pay_by_chance_only():
    choice = simulate(n_programs=8, noise=1.5, seed=4).fit().choice
    best = max(choice.scores, key=lambda row: row[2])
    taken = next(row for row in choice.scores if row[:2] == (choice.rank, choice.penalty))
    assert taken[0] < best[0]
    assert best[2] - 0.02 < taken[2] < best[2]


def test_one_patient_gives_few_programs_and_one_section_a_fixed_number():
    many = simulate(4, 200, n_programs=8, noise=0.1, n_genes=60)
    assert many.fit().choice.rank > 3
    alone = replace(many, patients=np.full(len(many.patients), "only"))
    choice = alone.fit().choice
    assert choice.rank <= 3
    assert "only patient" in choice.note
    single = many.split("section 0")[1]
    fitted = single.fit()
    assert (fitted.choice.rank, fitted.choice.penalty) == (3, 2.0)
    assert "one section only" in fitted.choice.note
    assert np.isfinite(fitted.held_out.errors).all()


def test_a_patient_is_left_out_whole():
    """What is predicted for a left-out section does not know the patient's other section."""
    simulated = simulate(6, 100)
    changed = replace(simulated, expression=simulated.expression.copy())
    changed.expression[simulated.sections == "section 1"] *= -1

    def left_out(each, section):
        """Predicted differences within a section while it was left out, without the slope."""
        fitted, rows = each.fit(ranks=[2], penalties=[2.0]), each.sections == section
        predicted = each.expression[rows] - fitted.held_out.errors[rows].astype(float)
        return (predicted - predicted.mean(0)) / fitted.head.slope

    same = left_out(simulated, "section 0"), left_out(changed, "section 0")  # of the same patient
    other = left_out(simulated, "section 2"), left_out(changed, "section 2")
    assert np.abs(same[0] - same[1]).max() < 0.01  # the errors are kept in 16 bits
    assert np.abs(other[0] - other[1]).max() > 0.1


def test_the_slope_lowers_the_error_on_sections_left_out():
    error = {"calibrated": 0.0, "as it is": 0.0}
    for seed in range(4):
        simulated = simulate(n_features=150, n_spots=60, noise=2.0, seed=seed)
        learned, other = simulated.split("section 5")
        head = learned.fit(ranks=[8], penalties=[0.1]).head
        assert 0.05 < head.slope < 0.9  # so noisy that much of what is predicted is chance
        for name, each in (("calibrated", head), ("as it is", replace(head, slope=1.0))):
            predicted = each.predict(each.codes(other.features))
            error[name] += float(((predicted - other.expression) ** 2).mean())
    assert error["calibrated"] < error["as it is"]


def test_programs_come_strongest_first_with_their_largest_loading_positive():
    head = simulate(n_programs=4, noise=0.1).fit(ranks=[4], penalties=[0.7]).head
    assert head.loadings.shape == (4, 40)
    assert (np.diff(head.share) < 0).all()
    assert 0.9 < head.share.sum() <= 1
    largest = np.abs(head.loadings).argmax(axis=1)
    assert (head.loadings[range(4), largest] > 0).all()
    np.testing.assert_allclose(head.loadings @ head.loadings.T, np.eye(4), atol=1e-9)


def test_few_genes_have_no_more_programs_than_there_are_genes():
    simulated = simulate(n_genes=2)
    fitted = simulated.fit()
    assert fitted.head.rank == 2
    assert fitted.head.predict(fitted.codes).shape == (len(simulated.features), 2)


def test_a_gene_that_no_section_varies_in_is_predicted_as_it_is():
    simulated = simulate()
    simulated.expression[:, 5] = 0.0
    fitted = simulated.fit()
    np.testing.assert_allclose(fitted.head.predict(fitted.codes)[:, 5], 0, atol=1e-12)


def test_too_few_spots_are_refused():
    with pytest.raises(SettingsError, match="at least 4 spots and there are 3"):
        simulate(1, 3).fit()


@pytest.mark.parametrize("shape", [(40, 300), (300, 40)])
def test_axes_are_orthonormal_and_hold_what_they_can(shape, monkeypatch):
    features = np.random.default_rng(0).normal(size=shape) * np.linspace(2, 0.1, shape[1])
    axes = principal_axes(features, 12)
    assert axes.shape == (shape[1], 12)
    np.testing.assert_allclose(axes.T @ axes, np.eye(12), atol=1e-5)
    exact = np.linalg.svd(features, compute_uv=False)[:12]
    np.testing.assert_allclose(np.linalg.norm(features @ axes, axis=0), exact, rtol=1e-5)
    monkeypatch.setattr(axes_file, "EXACT", 10)  # as if there were thousands
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        quick = principal_axes(features, 12)
    assert (np.linalg.norm(features @ quick) / np.linalg.norm(exact)) > 0.99
    assert principal_axes(np.ones((6, 4)), 12).shape == (4, 1)
