"""A polygon with holes as one shape of napari's, edited corner by corner, and back."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Shapes

from napari_mclstexp.widgets.layers.region_shapes import outline, polygon_of


def ring(x, y, side):
    corners = ((x, y), (x + side, y), (x + side, y + side), (x, y + side))
    return tuple((float(a), float(b)) for a, b in (*corners, corners[0]))


POLYGON = (ring(0, 0, 100), ring(20, 20, 10), ring(60, 60, 20))


def moved(polygon, number, corner, to):
    """The polygon with one corner elsewhere, at both ends of its closed ring."""
    corners = list(polygon[number][:-1])
    corners[corner] = to
    rings = list(polygon)
    rings[number] = (*corners, corners[0])
    return tuple(rings)


def test_it_comes_back_as_it_went_and_holes_are_not_filled():
    shape = outline(POLYGON)
    assert polygon_of(shape, POLYGON) == POLYGON
    layer = Shapes([shape], shape_type="polygon")
    assert layer.get_value((5, 5))[0] == 0
    assert layer.get_value((25, 25))[0] is None  # in a hole
    assert layer.get_value((70, 70))[0] is None


@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize("corner", [0, 1, 3])
def test_any_copy_of_a_corner_can_be_moved(number, corner):
    shape = outline(POLYGON)
    x, y = POLYGON[number][corner]
    copies = np.flatnonzero((shape == (y, x)).all(axis=1))
    assert len(copies) == {(0, 0): 3, (1, 0): 2, (2, 0): 2}.get((number, corner), 1)
    for place in copies:
        edited = shape.copy()
        edited[place] += (3, -2)
        assert polygon_of(edited, POLYGON) == moved(POLYGON, number, corner, (x - 2, y + 3))


def test_a_corner_comes_and_goes():
    shape = outline(POLYGON)
    more = np.insert(shape, 2, (30.0, 105.0), axis=0)
    found = polygon_of(more, POLYGON)
    assert found is not None
    assert found[0] == ((0, 0), (100, 0), (105, 30), (100, 100), (0, 100), (0, 0))
    assert found[1:] == POLYGON[1:]
    first_of_hole = int(np.flatnonzero((shape == (20, 20)).all(axis=1))[0])
    fewer = polygon_of(np.delete(shape, first_of_hole, axis=0), POLYGON)
    assert fewer is not None
    assert fewer[1] == ((30, 20), (30, 30), (20, 30), (30, 20))
    assert (fewer[0], fewer[2]) == (POLYGON[0], POLYGON[2])
    last_of_outer = polygon_of(np.delete(shape, 3, axis=0), POLYGON)
    assert last_of_outer is not None
    assert last_of_outer[0] == ((0, 0), (100, 0), (100, 100), (0, 0))


def test_what_cannot_be_told_is_said():
    shape = outline(POLYGON)
    assert polygon_of(shape[:-3], POLYGON) is None
    bridge = 5  # between the outer ring and the first hole
    assert polygon_of(np.insert(shape, bridge, (9.0, 9.0), axis=0), POLYGON) is None


def test_a_hole_of_two_corners_is_none():
    triangle = ((20.0, 20.0), (30.0, 20.0), (30.0, 30.0), (20.0, 20.0))
    polygon = (POLYGON[0], triangle)
    shape = outline(polygon)
    found = polygon_of(np.delete(shape, 6, axis=0), polygon)
    assert found == (POLYGON[0],)
