"""Smooth maps: true where there are spots, nothing where there are none."""

from __future__ import annotations

import numpy as np
import pytest

from napari_mclstexp.analysis.maps.heatmap import HeatmapGeometry
from napari_mclstexp.spots.geometry import spacing

PITCH = 100.0


def square(n, pitch=PITCH):
    rows, columns = np.mgrid[:n, :n]
    return np.column_stack((columns.ravel(), rows.ravel())) * pitch


def hexagonal(n, pitch=PITCH):
    rows, columns = np.mgrid[:n, :n]
    x = columns + 0.5 * (rows % 2)
    return np.column_stack((x.ravel(), rows.ravel() * np.sqrt(3) / 2)) * pitch


def at(geometry, image, xy):
    """The map's value at positions."""
    column, row = np.floor((np.asarray(xy) - geometry.origin) / geometry.pixel).astype(int).T
    return image[row, column]


@pytest.mark.parametrize("grid", [square, hexagonal])
def test_a_map_closes_the_grid_and_ends_within_a_pitch_of_it(grid):
    xy = grid(8)
    geometry = HeatmapGeometry.build(xy)
    image = geometry.render(np.ones(len(xy), dtype=np.float32))
    rng = np.random.default_rng(0)
    within = rng.uniform(PITCH / 2, 5.5 * PITCH, size=(500, 2))
    assert np.isfinite(at(geometry, image, within)).all()
    height, width = geometry.shape
    rows, columns = np.nonzero(np.isfinite(image))
    centres = np.column_stack((columns + 0.5, rows + 0.5)) * geometry.pixel + geometry.origin
    nearest = np.linalg.norm(centres[:, None] - xy[None], axis=2).min(axis=1)
    assert nearest.max() <= PITCH
    assert rows.min() > 0
    assert rows.max() < height - 1
    assert columns.min() > 0
    assert columns.max() < width - 1


def test_a_map_of_one_value_has_that_value_everywhere():
    xy = hexagonal(6)
    image = HeatmapGeometry.build(xy).render(np.full(len(xy), 2.5, dtype=np.float32))
    np.testing.assert_allclose(image[np.isfinite(image)], 2.5, rtol=1e-5)


def test_a_map_peaks_where_the_spot_is():
    xy = square(7)
    values = np.zeros(len(xy), dtype=np.float32)
    values[10] = 1.0  # at (300, 100)
    geometry = HeatmapGeometry.build(xy)
    image = geometry.render(values)
    row, column = np.unravel_index(np.nanargmax(image), image.shape)
    found = (np.array([column, row]) + 0.5) * geometry.pixel + geometry.origin
    np.testing.assert_allclose(found, (300, 100), atol=geometry.pixel)
    assert at(geometry, image, [(300, 100)])[0] > 0.6
    assert at(geometry, image, [(500, 100)])[0] < 0.01


def test_a_map_follows_a_smooth_trend():
    xy = square(10)
    geometry = HeatmapGeometry.build(xy)
    image = geometry.render(xy[:, 0].astype(np.float32))
    points = np.random.default_rng(1).uniform(200, 700, size=(200, 2))
    np.testing.assert_allclose(at(geometry, image, points), points[:, 0], atol=0.25 * PITCH)


def test_a_hole_in_the_spots_stays_a_hole_but_one_missing_spot_does_not():
    xy = square(12)
    middle = np.abs(xy - 600).max(axis=1) <= 150  # nine spots around (600, 600)
    single = (xy == (200, 200)).all(axis=1)
    xy = xy[~(middle | single)]
    geometry = HeatmapGeometry.build(xy)
    image = geometry.render(np.ones(len(xy), dtype=np.float32))
    assert np.isnan(at(geometry, image, [(600, 600)])[0])
    assert np.isfinite(at(geometry, image, [(200, 200)])[0])


def test_a_map_is_clipped_to_tissue_save_for_the_spots_themselves():
    xy = square(8)
    geometry = HeatmapGeometry.build(xy, diameter=55, inside=lambda points: points[:, 0] < 350)
    image = geometry.render(np.ones(len(xy), dtype=np.float32))
    known = np.isfinite(at(geometry, image, [(250, 250), (500, 300), (450, 250), (340, 250)]))
    assert known.tolist() == [True, True, False, True]


def test_spots_not_predicted_yet_are_left_blank_and_do_not_darken_their_neighbours():
    xy = square(8)
    values = np.full(len(xy), 2.0, dtype=np.float32)
    values[xy[:, 0] > 350] = np.nan
    geometry = HeatmapGeometry.build(xy)
    image = geometry.render(values)
    assert np.isnan(at(geometry, image, [(500, 300), (390, 300)])).all()
    np.testing.assert_allclose(at(geometry, image, [(300, 300), (340, 300)]), 2.0, rtol=1e-5)
    assert np.isnan(geometry.render(np.full(len(xy), np.nan, dtype=np.float32))).all()


def test_a_single_spot_makes_a_map_of_its_own_size():
    geometry = HeatmapGeometry.build(np.array([[50.0, 80.0]]), diameter=55)
    image = geometry.render(np.array([3.0], dtype=np.float32))
    assert at(geometry, image, [(50, 80)])[0] == 3.0


def test_the_raster_of_a_huge_slide_stays_bounded():
    xy = square(300, pitch=8.0)
    geometry = HeatmapGeometry.build(xy)
    assert geometry.shape[0] * geometry.shape[1] <= 1_010_000
    image = geometry.render(np.ones(len(xy), dtype=np.float32))
    assert np.isfinite(at(geometry, image, xy)).all()


def test_spacing_is_the_distance_of_neighbours():
    assert spacing(hexagonal(5)) == pytest.approx(PITCH)
    assert spacing(np.array([[1.0, 2.0]])) == 0.0
