"""Landmarks and the map between two slides, against maps and residuals worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from shapely.geometry import box

from napari_mclstexp.analysis.region import region_of
from napari_mclstexp.analysis.registration import (
    LandmarkPair,
    landmark_table,
    read_landmarks,
    regions_across,
    register,
    spots_across,
)
from napari_mclstexp.errors import SettingsError
from support.session_kit import make_spots


def pairs(here, there):
    return [LandmarkPair(tuple(a), tuple(b)) for a, b in zip(here, there, strict=True)]


SQUARE = [(0.0, 0.0), (1000.0, 0.0), (1000.0, 1000.0), (0.0, 1000.0)]


def test_three_pairs_give_the_very_map_between_slides_of_two_scales():
    """The other is scanned twice as fine, turned by 90° clockwise, and moved by 100 and 50 µm."""

    def turned(x, y):  # px of 0.5 µm to px of 0.25 µm
        um_x, um_y = x * 0.5, y * 0.5
        return ((-um_y + 100) / 0.25, (um_x + 50) / 0.25)

    found = register(pairs(SQUARE[:3], [turned(*each) for each in SQUARE[:3]]), 0.5, 0.25)
    np.testing.assert_allclose(found.matrix, [[0, -1, 100], [1, 0, 50], [0, 0, 1]], atol=1e-9)
    np.testing.assert_allclose(found.residuals_um, 0, atol=1e-9)
    assert np.isnan(found.left_out_um).all()  # three pairs say nothing of the error
    assert (found.degrees, found.scale) == pytest.approx((90, 1))
    assert not found.flips
    place = np.array([[300.0, 700.0]])
    np.testing.assert_allclose(found.across(place), [turned(300, 700)])
    np.testing.assert_allclose(found.back().across(found.across(place)), place)


def test_what_is_left_over_is_told_in_µm_for_each_pair():
    """Of a square one corner is 40 px too far: each corner takes a quarter, as least squares do."""
    there = [*SQUARE[:3], (0.0, 1040.0)]
    found = register(pairs(SQUARE, there), 0.5, 0.5)
    np.testing.assert_allclose(found.residuals_um, [5, 5, 5, 5])  # 10 px of 0.5 µm
    assert found.rms_um == pytest.approx(5)
    # Without the one that is wrong the others fit: it alone is 20 µm off, and so with each.
    np.testing.assert_allclose(found.left_out_um, [20, 20, 20, 20])
    table = landmark_table(pairs(SQUARE, there), found)
    assert table["residual_um"].tolist() == pytest.approx([5, 5, 5, 5])


def test_no_map_has_a_smaller_sum_of_squares():
    random = np.random.default_rng(0)
    here, there = random.uniform(0, 9000, (7, 2)), random.uniform(0, 9000, (7, 2))
    best = register(pairs(here, there), 1.0, 1.0)
    total = (best.residuals_um**2).sum()
    for _ in range(20):
        matrix = best.matrix[:2] + random.normal(0, 0.01, (2, 3))
        moved = here @ matrix[:, :2].T + matrix[:, 2]
        assert ((moved - there) ** 2).sum() > total


def test_a_mirrored_section_is_known():
    found = register(pairs(SQUARE, [(-x, y) for x, y in SQUARE]), 1, 1)
    assert found.flips


@pytest.mark.parametrize(
    ("here", "there", "sentence"),
    [
        (SQUARE[:2], SQUARE[:2], "2 pairs of landmarks are too few"),
        ([(0, 0), (5, 5), (9, 9)], SQUARE[:3], "on a line on the first slide"),
        (SQUARE[:3], [(0, 0), (500, 0), (1000, 0)], "on a line on the second slide"),
    ],
)
def test_landmarks_that_hold_nothing_are_refused(here, there, sentence):
    with pytest.raises(SettingsError, match=sentence):
        register(pairs(here, there), 1, 1)


def test_a_scale_that_is_not_known_is_said():
    with pytest.raises(SettingsError, match="pixel size of both slides must be known"):
        register(pairs(SQUARE, SQUARE), 1, None)


def test_regions_go_across_with_holes_and_what_is_in_them():
    to = register(pairs(SQUARE, [(2 * x + 100, 2 * y) for x, y in SQUARE]), 1, 0.5)
    shape = box(0, 0, 100, 100) - box(40, 40, 60, 60)
    child = region_of(box(0, 0, 10, 10), "Gland")
    before = region_of(shape, "Tumour", colour=(1, 2, 3), children=(child,))
    (after,) = regions_across((before,), to)
    assert after.shape().bounds == pytest.approx((100, 0, 300, 200))
    assert after.shape().area == pytest.approx(4 * (100**2 - 20**2))
    assert (after.name, after.colour) == ("Tumour", (1, 2, 3))
    assert after.id != before.id
    assert after.children[0].shape().area == pytest.approx(400)
    (cut,) = regions_across((before,), to, within=(200, 1000))
    assert cut.shape().bounds == pytest.approx((100, 0, 200, 200))
    with pytest.raises(SettingsError, match="Nothing of the regions lies on the other slide"):
        regions_across((before,), to, within=(50, 50))


def test_spots_go_across_with_their_counts_and_those_outside_stay_away():
    spots = make_spots()
    to = register(pairs(SQUARE, [(x + 100, y) for x, y in SQUARE]), 1, 1)
    moved = spots_across(spots, to, within=(330, 1000))
    # Columns at 50, 100, ... px: with 100 more, those up to 229 px stay within 330.
    kept = spots.obsm["spatial"][:, 0] + 100 < 330
    assert moved.n_obs == kept.sum() == 32
    np.testing.assert_allclose(
        moved.obsm["spatial"], spots.obsm["spatial"][kept] + np.array([100, 0])
    )
    np.testing.assert_array_equal(moved.X.toarray(), spots.X[kept].toarray())
    assert spots.obsm["spatial"][0].tolist() == [50, 50]
    with pytest.raises(SettingsError, match="No spot lies on the other slide"):
        spots_across(spots, to, within=(10, 10))


def test_landmarks_are_read_and_a_wrong_line_is_named(tmp_path):
    path = tmp_path / "points.csv"
    path.write_text("x,y,onto_x,onto_y\n1,2,3,4\n5,6,7,8\n")
    assert read_landmarks(path) == (
        LandmarkPair((1, 2), (3, 4)),
        LandmarkPair((5, 6), (7, 8)),
    )
    path.write_text("x,y,onto_x,onto_y\n1,2,3,4\n5,six,7,8\n")
    with pytest.raises(SettingsError, match="line 3: y is six, which is no number"):
        read_landmarks(path)
    path.write_text("x,y\n1,2\n")
    with pytest.raises(SettingsError, match="has no column onto_x"):
        read_landmarks(path)
    with pytest.raises(SettingsError, match="There is no file"):
        read_landmarks(tmp_path / "none.csv")
