"""A spot's features are the weighted tissue around it, relative to the section, and no more."""

from __future__ import annotations

import numpy as np
import pytest

from napari_mclstexp.errors import Cancelled, SettingsError
from napari_mclstexp.inference import pooled_features as pooling
from napari_mclstexp.inference.pooled_features import (
    feature_slices,
    pooled_features,
    project_spots_on,
    spots_on_tissue,
)
from napari_mclstexp.inference.section_looks import looks_at, looks_of_tissue
from napari_mclstexp.model.section_level import LOOK_UM
from napari_mclstexp.progress import CancelToken
from support.map_kit import CONFIG, make_map, saved, small_tiles, tissue_picture, values

WIDTHS = CONFIG.widths_um
WIDE = (24.0, 130.0)  # the second is worked out on coarser cells


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    path = tmp_path_factory.mktemp("map") / "slide.png"
    with saved(tissue_picture(700, 500), path) as slide:
        return make_map(slide)


@pytest.fixture(scope="module")
def spots():
    return np.random.default_rng(0).uniform((80, 50), (690, 490), (40, 2))


def by_definition(found, width):
    """Weighted mean and std of every channel at each cell, straight from the formula."""
    sigma = width / found.grid.cell_um
    mean, std = values(found).astype(float)
    row, col = np.mgrid[: found.grid.rows, : found.grid.cols]
    reach = int(3 * sigma + 0.5)
    out = np.full((2, found.channels, found.grid.rows, found.grid.cols), np.nan)
    for r in range(found.grid.rows):
        for c in range(found.grid.cols):
            near = (abs(row - r) <= reach) & (abs(col - c) <= reach)
            weight = np.exp(-((row - r) ** 2 + (col - c) ** 2) / 2 / sigma**2) * near * found.share
            if weight.sum() > 0:
                weight /= weight.sum()
                average = (mean * weight).sum((1, 2))
                square = ((mean**2 + std**2) * weight).sum((1, 2))
                out[0, :, r, c], out[1, :, r, c] = average, np.sqrt(square - average**2)
    return out


def test_features_are_what_their_definition_says(found):
    cells = [(12, 20), (5, 9), (25, 40), (2, 3)]  # among them one at the tissue's edge
    xy = np.array([[(c + 0.5) * 16, (r + 0.5) * 16] for r, c in cells])
    features = pooled_features(found, xy, [24.0])
    expected = by_definition(found, 24.0)
    tissue = found.share > 0.25
    for (_, name), part in feature_slices(found, [24.0]).items():
        for half, start in ((0, part.start), (1, (part.start + part.stop) // 2)):
            pooled = expected[half, found.groups[name]]
            there = pooled[:, tissue]
            flat = there.std(1) <= 1e-4 * abs(there.mean(1)) + 1e-7
            spread = np.where(flat, 1, there.std(1))
            relative = (pooled - there.mean(1)[:, None, None]) / spread[:, None, None]
            relative[flat] = 0
            scale = 1 / np.sqrt((part.stop - part.start) * len(found.groups))
            np.testing.assert_allclose(
                features[:, start : start + len(pooled)],
                np.array([relative[:, r, c] for r, c in cells]) * scale,
                atol=2e-3 * scale,
            )


def test_order_and_scale_of_the_features(found, spots):
    slices = feature_slices(found, WIDTHS)
    assert list(slices) == [(w, g) for w in WIDTHS for g in ("colour", "stage1", "stage3")]
    starts = [part.start for part in slices.values()]
    assert starts == [0, *(part.stop for part in slices.values())][:-1]
    assert [part.stop - part.start for part in slices.values()] == [14, 64, 96] * 2
    row, col = np.mgrid[: found.grid.rows, : found.grid.cols][:, found.share > 0.25]
    centres = np.column_stack([col + 0.5, row + 0.5]) * found.grid.cell_px
    features = pooled_features(found, centres, WIDTHS)
    assert abs(features.mean(axis=0)).max() < 1e-4  # relative to the section's tissue
    for part in slices.values():
        varies = features[:, part].std(axis=0) > 0
        squares = (features[:, part] ** 2).mean(axis=0)[varies] * (part.stop - part.start) * 6
        np.testing.assert_allclose(squares, 1, rtol=0.01)


def test_a_wide_width_on_coarser_cells_is_close_to_its_definition(found, spots):
    features = pooled_features(found, spots, WIDE)[
        :, feature_slices(found, WIDE)[WIDE[1], "colour"]
    ]
    expected = by_definition(found, WIDE[1])[:, found.groups["colour"]]
    row, col = (found.grid.in_cells(spots).T + 0.5).astype(int)
    for half in (0, 1):
        for channel in range(3):
            mine = features[:, half * 7 + channel]
            r = np.corrcoef(mine, expected[half, channel, row, col])[0, 1]
            assert r > 0.98


def test_one_spot_has_the_same_value_alone_as_among_others(found, spots):
    together = pooled_features(found, spots, WIDE)
    for i in (0, 17, 39):
        np.testing.assert_array_equal(
            pooled_features(found, spots[i : i + 1], WIDE)[0], together[i]
        )
    reordered = np.random.default_rng(1).permutation(40)
    np.testing.assert_array_equal(
        pooled_features(found, spots[reordered], WIDE), together[reordered]
    )


def test_projecting_gives_the_product_and_does_not_depend_on_blocks(found, spots, monkeypatch):
    features = pooled_features(found, spots, WIDE)
    components = np.random.default_rng(2).normal(size=(features.shape[1], 3)).astype(np.float32)
    everywhere = np.vstack([spots, [[-500.0, 20.0], [5.0, 5.0]]])
    projected, squares = project_spots_on(found, everywhere, WIDE, components)
    np.testing.assert_allclose(projected[:40], features @ components, atol=1e-4)
    np.testing.assert_allclose(squares[:40], (features**2).sum(axis=1), rtol=1e-4)
    assert not projected[40].any()
    assert squares[40] == 0
    monkeypatch.setattr(pooling, "_BLOCK_VALUES", 20_000)
    np.testing.assert_array_equal(pooled_features(found, spots, WIDE), features)
    with pytest.raises(SettingsError, match="components are for 5 features"):
        project_spots_on(found, spots, WIDE, components[:5])


def test_off_the_tissue_a_spot_has_the_sections_mean_and_edges_are_no_error(found):
    xy = np.array([[36.0, 200.0], [699.9, 499.9], [300.0, 400.0], [-9e3, 0.0], [9e4, 9e4], [0, 0]])
    narrow = (5.0, 40.0)
    on_tissue = spots_on_tissue(found, xy, narrow)
    assert on_tissue.tolist() == [False, True, True, False, False, False]
    features = pooled_features(found, xy, narrow)
    assert np.isfinite(features).all()
    assert (features != 0).any(axis=1).tolist() == on_tissue.tolist()


def test_a_half_filled_map_is_pooled_over_what_is_done(tmp_path, monkeypatch, spots):
    monkeypatch.setenv("NAPARI_MCLSTEXP_CACHE", "")
    small_tiles(monkeypatch, 256)
    seen = []

    def look(event):
        seen.append(spots_on_tissue(event.partial, spots, (8.0,)))
        assert np.isfinite(pooled_features(event.partial, spots, (8.0,))).all()

    with saved(tissue_picture(700, 500), tmp_path / "slide.png") as slide:
        make_map(slide, progress=look)
    assert 0 < seen[0].sum() < 20
    assert seen[-1].all()


def test_pooling_can_be_cancelled(found, spots):
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        pooled_features(found, spots, WIDTHS, cancel=token)


def test_looks_are_colours_as_they_are_and_not_relative_to_the_section(found):
    cells = [(12, 20), (5, 9), (25, 40)]
    xy = np.array([[(c + 0.5) * 16, (r + 0.5) * 16] for r, c in cells])
    expected = by_definition(found, LOOK_UM)[:, found.groups["colour"]]
    looks = looks_at(found, xy)
    for row, (r, c) in zip(looks, cells, strict=True):
        np.testing.assert_allclose(row, expected[:, :, r, c].ravel(), atol=0.012)
    assert (looks[:, :3] > 0.2).all()  # red, green and blue of tissue, about 0 were they relative


def test_looks_of_the_tissue_are_taken_from_tissue_only(found):
    looks = looks_of_tissue(found)
    assert len(looks) == (found.share > 0.25).sum()
    darkest = looks[:, :3].min(axis=1)
    assert darkest.max() < 0.9  # no glass among them
