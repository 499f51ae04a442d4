"""Tissue is found, ink and glass are not; grids are laid on tissue in µm."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw
from scipy.spatial import cKDTree

from napari_mclstexp.errors import SettingsError, SlideError, SpotsError
from napari_mclstexp.slides import open_slide
from napari_mclstexp.spots import GridSettings, find_tissue, lay_grid
from napari_mclstexp.spots.tissue import Tissue

SIDE = 1200
GLASS = (243, 241, 243)


def slide_with(tmp_path, draw=None, um_per_px=2.0, name="s.png"):
    image = Image.new("RGB", (SIDE, SIDE), GLASS)
    if draw is not None:
        draw(ImageDraw.Draw(image))
    noisy = np.asarray(image) + np.random.default_rng(0).normal(scale=3, size=(SIDE, SIDE, 3))
    Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(tmp_path / name)
    slide = open_slide(tmp_path / name)
    if um_per_px is not None:
        slide.calibrate(um_per_px, "user")
    return slide


def tissue(pen):
    pen.ellipse((300, 300, 900, 900), fill=(205, 130, 185))
    pen.ellipse((500, 500, 700, 700), fill=GLASS)  # a lumen


INKS = {
    "green": (40, 140, 70),
    "blue": (30, 60, 170),
    "black": (25, 25, 28),
    "red": (200, 25, 30),
}


def test_tissue_is_found_with_its_lumen_and_without_dust(tmp_path):
    def draw(pen):
        tissue(pen)
        pen.ellipse((100, 100, 106, 106), fill=(150, 60, 140))

    with slide_with(tmp_path, draw) as slide:
        found = find_tissue(slide)
    inside, lumen, dust, glass = np.array([[350, 600], [600, 600], [103, 103], [1100, 200]])
    np.testing.assert_array_equal(
        found.contains(np.array([inside, lumen, dust, glass], dtype=float)),
        [True, False, False, False],
    )
    assert found.share == pytest.approx(np.pi * (300**2 - 100**2) / SIDE**2, rel=0.05)


@pytest.mark.parametrize("ink", INKS)
def test_pen_marks_are_not_tissue(tmp_path, ink):
    def draw(pen):
        tissue(pen)
        pen.line((100, 1050, 1100, 1100), fill=INKS[ink], width=30)
        pen.arc((200, 200, 1000, 1000), 180, 270, fill=INKS[ink], width=22)

    with slide_with(tmp_path, draw) as slide:
        found = find_tissue(slide)
    marked = np.array([[600.0, 1075.0], [213.0, 560.0]])
    assert not found.contains(marked).any()
    assert found.contains(np.array([[350.0, 600.0]])).all()


@pytest.mark.parametrize(
    "stain",
    [(120, 130, 170), (150, 158, 155), (215, 90, 105)],
    ids=["bluish haematoxylin", "faded greenish grey", "strong eosin"],
)
def test_stains_near_the_colours_of_pens_are_tissue(tmp_path, stain):
    with slide_with(tmp_path, lambda pen: pen.ellipse((300, 300, 900, 900), fill=stain)) as slide:
        found = find_tissue(slide)
    assert found.share == pytest.approx(np.pi * 300**2 / SIDE**2, rel=0.05)


def test_yellowed_glass_is_no_tissue(tmp_path):
    """What counts is how much green light is lost against this slide's own glass."""

    def draw(pen):
        pen.rectangle((0, 0, SIDE, SIDE), fill=(250, 205, 190))
        pen.ellipse((300, 300, 900, 900), fill=(205, 130, 185))

    with slide_with(tmp_path, draw) as slide:
        found = find_tissue(slide)
    assert found.share == pytest.approx(np.pi * 300**2 / SIDE**2, rel=0.05)


def test_the_faintest_eosin_is_tissue_and_a_grey_shadow_is_not(tmp_path):
    def draw(pen):
        pen.ellipse((100, 100, 500, 500), fill=(235, 215, 235))
        pen.ellipse((700, 700, 1100, 1100), fill=(190, 190, 190))

    with slide_with(tmp_path, draw) as slide:
        found = find_tissue(slide)
    np.testing.assert_array_equal(
        found.contains(np.array([[300.0, 300.0], [900.0, 900.0]])), [True, False]
    )


def test_an_empty_slide_has_no_tissue_and_no_grid(tmp_path):
    with slide_with(tmp_path) as slide:
        assert find_tissue(slide).share == 0
        with pytest.raises(SpotsError, match="No tissue was found"):
            lay_grid(slide)


def test_points_outside_the_slide_are_not_on_tissue(tmp_path):
    with slide_with(tmp_path, tissue) as slide:
        found = find_tissue(slide)
    assert not found.contains(np.array([[-5.0, 600.0], [600.0, 99999.0]])).any()


@pytest.mark.parametrize(("layout", "neighbours"), [("hex", 6), ("square", 4)])
def test_a_grid_has_its_pitch_in_um_and_lies_on_tissue(tmp_path, layout, neighbours):
    with slide_with(tmp_path, tissue) as slide:
        found = find_tissue(slide)
        spots = lay_grid(slide, GridSettings(100, 55, layout), tissue=found)
    xy = spots.obsm["spatial"]
    assert found.contains(xy).all()
    gaps = cKDTree(xy).query(xy, k=2)[0][:, 1] * 2.0
    assert np.median(gaps) == pytest.approx(100, rel=1e-3)
    around = [len(each) - 1 for each in cKDTree(xy).query_ball_point(xy, 51)]
    assert np.bincount(around).argmax() == neighbours
    if layout == "hex":  # Visium's numbering: row and column have the same parity
        assert ((spots.obs["array_row"] + spots.obs["array_col"]) % 2 == 0).all()
    assert spots.obs_names.is_unique
    assert spots.uns["mclstexp"]["spot_diameter_um"] == 55.0


def test_a_grid_needs_a_scale_and_sensible_numbers(tmp_path):
    with (
        slide_with(tmp_path, tissue, um_per_px=None) as slide,
        pytest.raises(SlideError, match="give µm per pixel"),
    ):
        lay_grid(slide)
    with slide_with(tmp_path, tissue) as slide:
        for bad in ({"pitch_um": 0}, {"diameter_um": float("nan")}, {"layout": "round"}):
            with pytest.raises(SettingsError):
                lay_grid(slide, GridSettings(**bad))
        with pytest.raises(SettingsError, match="choose a wider one"):
            lay_grid(slide, GridSettings(pitch_um=0.5))


@pytest.mark.parametrize("size", [(300, 900), (900, 300)])
def test_a_grid_reaches_every_corner_of_a_tall_and_of_a_wide_slide(tmp_path, size):
    Image.new("RGB", size, (205, 130, 185)).save(tmp_path / "all.png")
    with open_slide(tmp_path / "all.png") as slide:
        slide.calibrate(2.0, "user")
        everywhere = Tissue(np.ones((size[1], size[0]), dtype=bool), (1.0, 1.0))
        xy = lay_grid(slide, GridSettings(60, 55, "square"), tissue=everywhere).obsm["spatial"]
    assert len(xy) == 300 * 900 / 30**2
    np.testing.assert_allclose(xy.min(axis=0), [15, 15])
    np.testing.assert_allclose(xy.max(axis=0), np.subtract(size, 15))
