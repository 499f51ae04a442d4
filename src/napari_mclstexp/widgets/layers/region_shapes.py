"""Regions as the shapes of a napari layer, and back.

A polygon is one shape, its holes with it: the outer ring, then each hole by a bridge there and
back. napari draws neither the bridge nor what is in the hole, and a click in a hole is none on the
region. Coordinates are level-0 pixels, (x, y) in regions and (y, x) in the layer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...analysis.region import Region

if TYPE_CHECKING:
    import pandas as pd

Ring = tuple[tuple[float, float], ...]
Polygon = tuple[Ring, ...]
_ELLIPSE_POINTS = 64
LINES = ("line", "path")


@dataclass(frozen=True)
class Found:
    """What stands in a layer.

    Attributes
    ----------
    polygons
        Of each region that has an id.
    rings
        Outlines of shapes that were drawn since, closed.
    lines
        Lines that were drawn since, (n, 2) x and y.
    unclear
        Whether a shape of a region was edited in a way that its holes cannot be told from.
    """

    polygons: dict[str, tuple[Polygon, ...]] = field(default_factory=dict)
    rings: tuple[Ring, ...] = ()
    lines: tuple[NDArray[np.float64], ...] = ()
    unclear: bool = False


def outline(polygon: Polygon) -> NDArray[np.float64]:
    """Return a polygon with its holes as the corners of one shape, (n, 2) y and x."""
    outer, *holes = (np.asarray(ring[:-1], dtype=float)[:, ::-1] for ring in polygon)
    if not holes:
        return outer
    parts = [outer]
    for hole in holes:
        parts += [outer[:1], hole, hole[:1]]
    return np.concatenate(parts)


def polygon_of(corners: NDArray[np.float64], before: Polygon) -> Polygon | None:
    """Return the polygon that a shape has become.

    Parameters
    ----------
    corners
        (n, 2) y and x: all may have moved, or one have come or gone.
    before
        What it was.

    Returns
    -------
    None if it cannot be told.
    """
    if len(before) == 1:
        return (_closed(corners),) if len(corners) > 2 else None
    old, owners = outline(before), _owners(before)
    if len(corners) == len(old) + 1:
        place = _first_other(old, corners)
        owner = owners[place - 1][0]
        if owner != owners[place % len(owners)][0]:
            return None  # on the bridge between two rings, where there is no border
        owners.insert(place, (owner, None))
    elif len(corners) == len(old) - 1:
        place = _first_other(corners, old)
        ring, corner = owners[place]
        if _copies(owners, ring, corner) > 1:
            # One of two that are drawn as one: both go, and the ring begins with the next.
            keep = [i for i, owner in enumerate(owners) if owner != (ring, corner)]
            corners = np.delete(old, [i for i in range(len(old)) if i not in keep], axis=0)
            owners = [owners[i] for i in keep]
        else:
            del owners[place]
    elif len(corners) != len(old):
        return None
    rings: list[Ring] = []
    for number, ring_before in enumerate(before):
        found: dict[object, NDArray[np.float64]] = {}
        for i, (ring, corner) in enumerate(owners):
            if ring != number:
                continue
            key: object = ("new", i) if corner is None else corner
            was = None if corner is None else np.asarray(ring_before[corner])[::-1]
            # Of a corner that stands twice, the copy that was moved.
            if key not in found or (was is not None and not np.array_equal(corners[i], was)):
                found[key] = corners[i]
        if len(found) > 2:
            rings.append(_closed(np.array(list(found.values()))))
        elif number == 0:
            return None
    return tuple(rings)


def read_shapes(layer: Any, before: dict[str, Region]) -> Found:
    """Return what stands in a layer.

    Parameters
    ----------
    layer
        Of shapes, with the features of :func:`features`.
    before
        The regions that it showed, by id.
    """
    import pandas as pd

    table = layer.features
    polygons: dict[str, dict[int, Polygon]] = {}
    rings: list[Ring] = []
    lines: list[NDArray[np.float64]] = []
    unclear = False
    for i, (data, kind) in enumerate(zip(layer.data, layer.shape_type, strict=True)):
        known = "id" in table and pd.notna(table["id"].iloc[i]) and str(table["id"].iloc[i])
        corners = np.asarray(data, dtype=float)[:, -2:]
        if known:
            part = int(table["part"].iloc[i])
            region = before.get(str(known))
            if region is None or part >= len(region.polygons):
                continue
            polygon = polygon_of(corners, region.polygons[part])
            unclear = unclear or polygon is None
            if polygon is not None:
                polygons.setdefault(str(known), {})[part] = polygon
        elif kind in LINES:
            lines.append(corners[:, ::-1])
        else:
            rings.append(_closed(_ellipse(corners) if kind == "ellipse" else corners))
    ordered = {name: tuple(parts[i] for i in sorted(parts)) for name, parts in polygons.items()}
    return Found(ordered, tuple(rings), tuple(lines), unclear)


def features(regions: Sequence[Region]) -> pd.DataFrame:
    """Return whose each shape is: region and polygon, and what is written on it."""
    import pandas as pd

    rows = []
    for each in regions:
        largest = int(np.argmax([_area(polygon[0]) for polygon in each.polygons]))
        rows += [
            (each.id, part, each.name if part == largest else "")
            for part in range(len(each.polygons))
        ]
    return pd.DataFrame(rows or [("", 0, "")], columns=["id", "part", "label"])


def _area(ring: Ring) -> float:
    x, y = np.asarray(ring).T
    return abs(float(np.dot(x[:-1], y[1:]) - np.dot(x[1:], y[:-1]))) / 2


def _owners(polygon: Polygon) -> list[tuple[int, int | None]]:
    """Return of each corner of :func:`outline` its ring, and its number in it."""
    found: list[tuple[int, int | None]] = [(0, i) for i in range(len(polygon[0]) - 1)]
    for number, ring in enumerate(polygon[1:], start=1):
        corners = [(number, i) for i in range(len(ring) - 1)]
        found += [(0, 0), *corners, (number, 0)]
    return found


def _copies(owners: list[tuple[int, int | None]], ring: int, corner: int | None) -> int:
    return owners.count((ring, corner))


def _first_other(short: NDArray[np.float64], long: NDArray[np.float64]) -> int:
    """Return the place of the corner that the longer of two outlines has and the other has not."""
    same = (short == long[: len(short)]).all(axis=1)
    return len(short) if same.all() else int(np.argmin(same))


def _closed(corners: NDArray[np.float64]) -> Ring:
    xy = [(float(x), float(y)) for y, x in corners]
    return (*xy, xy[0])


def _ellipse(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the outline of an ellipse that touches the sides of a box."""
    centre = corners.mean(axis=0)
    right, down = (corners[1] - corners[0]) / 2, (corners[3] - corners[0]) / 2
    angle = np.linspace(0, 2 * np.pi, _ELLIPSE_POINTS, endpoint=False)[:, None]
    return np.asarray(centre + np.cos(angle) * right + np.sin(angle) * down)
