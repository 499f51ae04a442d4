"""Regions grown, added to, subtracted, cut and split, against areas worked out by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from shapely.geometry import LineString, box

from napari_mclstexp.analysis.region import Region, region_of
from napari_mclstexp.analysis.region_classes import RegionClass, checked_classes, reclassified
from napari_mclstexp.analysis.region_edits import flat
from napari_mclstexp.analysis.region_shaping import (
    added,
    cut,
    filled,
    grown,
    ringed,
    split,
    subtracted,
    taken_out,
)
from napari_mclstexp.errors import SettingsError

SCALE = 0.5  # µm per px: 100 px are 50 µm


def square(name="Tumour", x=1000.0, y=1000.0, side=100.0, **more):
    return region_of(box(x, y, x + side, y + side), name, colour=(1, 2, 3), **more)


def areas(regions):
    return [each.shape().area for each in flat(regions)]


def test_a_region_grows_by_so_many_µm_on_all_sides():
    one = square()
    (grown_one,) = grown((one,), [one.id], 25, SCALE)
    # 50 px more on each side, the corners round: the square, four strips, and one circle.
    expected = 100**2 + 4 * 100 * 50 + math.pi * 50**2
    assert grown_one.shape().area == pytest.approx(expected, rel=0.002)
    assert (grown_one.id, grown_one.name, grown_one.colour) == (one.id, "Tumour", (1, 2, 3))
    (shrunk,) = grown((one,), [one.id], -12.5, SCALE)
    assert shrunk.shape().area == pytest.approx(50**2)


def test_nothing_grows_beyond_the_slide():
    one = square(x=0, y=0)
    (grown_one,) = grown((one,), [one.id], 25, SCALE, within=(100, 500))
    assert grown_one.shape().bounds == (0, 0, 100, 150)


def test_what_cannot_grow_is_said():
    one = square()
    with pytest.raises(SettingsError, match="Tumour would vanish: it is narrower than twice 25 µm"):
        grown((one,), [one.id], -25, SCALE)
    with pytest.raises(SettingsError, match="pixel size of the slide is not known"):
        grown((one,), [one.id], 25, None)
    with pytest.raises(SettingsError, match="No region is selected"):
        grown((one,), [], 25, SCALE)
    locked = replace(one, locked=True)
    with pytest.raises(SettingsError, match="Tumour is locked; untick it in the list to grow it"):
        grown((locked,), [one.id], 25, SCALE)


def test_a_ring_lies_outside_the_region_or_within_it_and_is_a_region_of_its_own():
    one = square()
    _, around = ringed((one,), [one.id], 25, SCALE)
    assert around.name == "Tumour, 25 µm around"
    assert around.shape().area == pytest.approx(4 * 100 * 50 + math.pi * 50**2, rel=0.002)
    assert around.shape().intersection(one.shape()).area == pytest.approx(0, abs=1e-6)
    before, within = ringed((one,), [one.id], -12.5, SCALE)
    assert before == one
    assert within.name == "Tumour, outer 12.5 µm"
    assert within.shape().area == pytest.approx(100**2 - 50**2)
    assert len(within.polygons[0]) == 2  # with a hole


def test_the_second_is_taken_out_of_the_first_and_stays():
    one, other = square(), square("Necrosis", 1050, 1050)
    first, second = subtracted((one, other), [one.id, other.id])
    assert first.shape().area == 100**2 - 50**2
    assert second == other
    with pytest.raises(SettingsError, match="Nothing of Tumour would be left"):
        subtracted((one, square("All", 900, 900, 500, id="all")), [one.id, "all"])


def test_a_drawn_part_is_added_or_taken_out():
    one = square()
    (more,) = added((one,), one.id, box(1100, 1000, 1150, 1100))
    assert more.shape().area == 150 * 100
    (less,) = taken_out((one,), one.id, box(1025, 1025, 1075, 1075))
    assert less.shape().area == 100**2 - 50**2
    assert len(less.polygons[0]) == 2
    assert areas(filled((less,), [one.id])) == [100**2]
    with pytest.raises(SettingsError, match="no holes in Tumour"):
        filled((one,), [one.id])


def test_a_line_cuts_what_it_crosses_and_children_go_with_their_part():
    child = square("Gland", 1010, 1060, 20)
    one, far = replace(square(), children=(child,)), square("Far", 5000, 5000)
    found, done = cut((one, far), LineString([(990, 1050), (1110, 1050)]))
    upper, lower, inner = None, None, None
    for each in flat(found):
        if each.name == "Gland":
            inner = each
        elif each.name == "Tumour":
            middle = each.shape().centroid.y
            upper, lower = (each, lower) if middle < 1050 else (upper, each)
    assert upper is not None
    assert lower is not None
    assert (upper.shape().area, lower.shape().area) == (5000, 5000)
    assert lower.children == (inner,) == (child,)
    assert one.id in {upper.id, lower.id}
    assert upper.id != lower.id
    assert far in found
    assert [each.id for each in done] == [one.id]


def test_a_cut_through_a_hole_does_not_fill_it():
    shape = box(0, 0, 100, 100) - box(40, 40, 60, 60)
    found, _ = cut((region_of(shape, "Gland"),), LineString([(-5, 50), (105, 50)]))
    assert areas(found) == [4800, 4800]


def test_a_line_that_ends_inside_cuts_nothing():
    one = square()
    with pytest.raises(SettingsError, match="cuts through no region"):
        cut((one,), LineString([(990, 1050), (1050, 1050)]))
    with pytest.raises(SettingsError, match="Tumour is locked"):
        cut((replace(one, locked=True),), LineString([(990, 1050), (1110, 1050)]))
    other = square("Stroma", 1200)
    found, done = cut((one, other), LineString([(990, 1050), (1400, 1050)]), [other.id])
    assert [each.name for each in done] == ["Stroma"]
    assert len(found) == 3


def test_separate_parts_become_regions_of_their_own():
    two = region_of(box(0, 0, 10, 10).union(box(50, 0, 60, 20)), "Glands", id="two")
    found = split((two,), ["two"])
    assert sorted(areas(found)) == [100, 200]
    assert [each.name for each in found] == ["Glands", "Glands"]
    with pytest.raises(SettingsError, match="Tumour is of one part; draw a line through it"):
        split((square(id="one"),), ["one"])


def test_regions_of_a_changed_class_change_and_others_stay():
    tumour, now = RegionClass("Tumour", (1, 2, 3)), RegionClass("Carcinoma", (9, 9, 9))
    own = replace(square(), colour=(7, 7, 7))
    inner, outer = square(), Region("Gland", square().polygons, (4, 4, 4))
    found = reclassified((replace(outer, children=(inner,)), own), {tumour: now})
    assert [(each.name, each.colour) for each in flat(found)] == [
        ("Gland", (4, 4, 4)),
        ("Carcinoma", (9, 9, 9)),
        ("Tumour", (7, 7, 7)),
    ]


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        ((), "no classes left"),
        (("A", " "), "Class 2 has no name"),
        (("A", "B", "A "), "two classes called A"),
    ],
)
def test_classes_that_cannot_be_used_are_said(names, sentence):
    with pytest.raises(SettingsError, match=sentence):
        checked_classes([RegionClass(name, (0, 0, 0)) for name in names])
