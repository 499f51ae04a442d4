"""A scale that contradicts the spots' platform is refused wherever a section is read."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest

from napari_mclstexp.cohort.checks import check_cohort
from napari_mclstexp.errors import SlideError, SpotsError
from napari_mclstexp.spots.geometry import spacing, um_per_px_from_spots
from napari_mclstexp.spots.schema import SpotMetadata
from support.engine_kit import painted_section


@pytest.fixture
def section(tmp_path):
    """A legacy ST section of 49 spots at 200 µm: 100 px at 2 µm per px."""
    made = painted_section(tmp_path, "a", seed=1)
    spots = made.spots.copy()
    spots.obsm["spatial"] = spots.obsm["spatial"] * 2
    SpotMetadata("legacy-st", "a.tsv", 200.0, 100.0).write(spots)
    from PIL import Image

    picture = Image.open(made.slide_path)
    picture.resize((picture.width * 2, picture.height * 2)).save(made.slide_path)
    return dataclasses.replace(made, spots=spots)


def opened(section, **changes):
    with dataclasses.replace(section, **changes).open() as slide:
        return slide.um_per_px


@pytest.mark.parametrize("scale", [1.6, 2.0, 2.45])
def test_a_scale_within_a_quarter_is_believed(section, scale):
    assert opened(section, um_per_px=scale) == scale


@pytest.mark.parametrize(("scale", "apart"), [(1.4, "140"), (2.6, "260"), (0.5, "50")])
def test_a_scale_that_contradicts_the_array_is_refused(section, scale, apart):
    words = (
        f"section a: at {scale:g} µm per px its spots lie {apart} µm apart, but 200 µm on a "
        "legacy-st array.*about 2 µm per px"
    )
    with pytest.raises(SlideError, match=words):
        opened(section, um_per_px=scale)


def test_spots_that_were_left_out_are_no_contradiction(section):
    few = section.spots[(section.spots.obs["array_col"] % 2 == 0).to_numpy()].copy()
    every_other = few[(few.obs["array_row"] % 2 == 0).to_numpy()].copy()
    assert every_other.n_obs == 16
    assert opened(section, spots=every_other) == 2.0
    with pytest.raises(SlideError, match="400 µm on a legacy-st array"):
        opened(section, spots=every_other, um_per_px=3.0)
    assert opened(section, spots=section.spots[:5].copy(), um_per_px=3.0) == 3.0  # too few to say


def test_a_visium_array_counts_in_halves(section):
    spots = section.spots.copy()
    row, col = (spots.obs[each].to_numpy() for each in ("array_row", "array_col"))
    spots.obs["array_col"] = 2 * col + row % 2
    hexagon = np.column_stack([(col + row % 2 / 2) * 50, row * 50 * 3**0.5 / 2]) + 20
    spots.obsm["spatial"] = hexagon
    SpotMetadata("visium", "outs", 100.0, 55.0).write(spots)
    assert opened(section, spots=spots) == 2.0
    with pytest.raises(SlideError, match="150 µm apart, but 100 µm on a visium array"):
        opened(section, spots=spots, um_per_px=3.0)


def test_a_needle_s_width_of_a_visium_array_has_its_neighbours_in_other_rows(section):
    n = 15
    spots = section.spots[:n].copy()
    row = np.arange(n)
    spots.obs["array_row"], spots.obs["array_col"] = row, row % 2
    spots.obsm["spatial"] = np.column_stack([row % 2 / 2 * 50, row * 50 * 3**0.5 / 2]) + 20.0
    SpotMetadata("visium", "outs", 100.0, 55.0).write(spots)
    assert opened(section, spots=spots) == 2.0
    with pytest.raises(SlideError, match="60 µm apart, but 100 µm on a visium array"):
        opened(section, spots=spots, um_per_px=1.2)


def test_the_check_of_a_cohort_names_the_line(section, tmp_path):
    section.spots.write_h5ad(tmp_path / "a.h5ad")
    table = tmp_path / "cohort.csv"
    table.write_text("section,patient,slide,spots,counts,um_per_px\na,P,a.png,a.h5ad,,4\n")
    (problem,) = check_cohort(table).errors
    assert (problem.line, problem.column) == (2, "slide")
    assert re.search("this scale is wrong; give about 2 µm per px", problem.what)


def test_spots_less_than_a_pixel_apart_tell_the_scale_of_a_small_picture(section):
    spots = section.spots.copy()
    spots.obsm["spatial"] = spots.obsm["spatial"] / 200
    SpotMetadata("legacy-st", "a.tsv", 200.0, None).write(spots)
    assert um_per_px_from_spots(spots) == pytest.approx(400.0)
    spots.obsm["spatial"] = np.ones_like(spots.obsm["spatial"])
    with pytest.raises(SpotsError, match="on top of each other"):
        um_per_px_from_spots(spots)


def test_two_spots_have_a_distance_and_one_has_none():
    assert spacing(np.array([[0.0, 0.0], [3.0, 4.0]])) == 5.0
    assert spacing(np.array([[1.0, 1.0]])) == 0.0
