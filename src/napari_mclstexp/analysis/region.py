"""Named regions on a slide: a tree of polygons, what is in them, and how two differ."""

from __future__ import annotations

import os
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import SettingsError

ON_HEXAGONS, ON_SQUARES = 0.62, 0.75  # radius of a disc, in pitches: half of what lies between
ENOUGH = 1000  # spots that tell of what kind the array is

if TYPE_CHECKING:
    from shapely.geometry import MultiPolygon, Polygon


@dataclass(frozen=True)
class Region:
    """A region that a person drew, or a domain that became one.

    Attributes
    ----------
    name
        What it is called.
    polygons
        Each an outer ring and its holes; rings are ((x, y), ...) in level-0 pixels, closed.
    colour
        Red, green, blue, 0 to 255.
    children
        Regions inside it.
    locked
        Whether its border is fixed, here and in QuPath, whose ``isLocked`` it is.
    id
        Stays with it through files.
    """

    name: str
    polygons: tuple[tuple[tuple[tuple[float, float], ...], ...], ...]
    colour: tuple[int, int, int] = (200, 80, 80)
    children: tuple[Region, ...] = ()
    locked: bool = False
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def shape(self) -> MultiPolygon:
        """Return it as shapely has it: valid where its border crosses itself, overlaps once."""
        from shapely import MultiPolygon, Polygon, make_valid, union_all

        whole = MultiPolygon([Polygon(rings[0], rings[1:]) for rings in self.polygons])
        if whole.is_valid:
            return whole
        parts = [make_valid(part) for part in whole.geoms]
        joined = union_all(parts)
        areas = [each for each in getattr(joined, "geoms", [joined]) if each.area > 0]
        return MultiPolygon([one for each in areas for one in getattr(each, "geoms", [each])])

    def walk(self) -> list[Region]:
        """Return it and all below it."""
        return [self, *(below for child in self.children for below in child.walk())]


def region_of(shape: Polygon | MultiPolygon, name: str, **more: object) -> Region:
    """Return a region of a shapely polygon or of several.

    Raises
    ------
    SettingsError
        If there is no area.
    """
    from shapely.geometry.polygon import orient

    # Turned as GeoJSON wants them, so that regions come back from files as they went.
    parts = [
        orient(part)
        for part in getattr(shape, "geoms", [shape])
        if not part.is_empty and part.geom_type == "Polygon"
    ]
    polygons = tuple(
        tuple(_ring(ring.coords) for ring in (part.exterior, *part.interiors)) for part in parts
    )
    if not polygons:
        raise SettingsError(f"The region {name} has no area; draw it again.")
    return Region(name, polygons, **more)  # type: ignore[arg-type]


def domain_regions(
    xy: NDArray[np.float64],
    labels: NDArray[np.str_],
    colours: Sequence[tuple[int, int, int]] = (),
) -> tuple[Region, ...]:
    """Turn domains into regions: a disc on every spot, those that touch made one.

    Neighbours touch, on a square array across its diagonals too, so that no gap is left between
    them.

    Parameters
    ----------
    xy, labels
        (n, 2) centres in level-0 pixels and (n,) domains; "" belongs to none.
    colours
        One for each domain, in the order of their names.
    """
    from shapely import buffer, points, union_all

    from ..spots.geometry import spacing

    if len(xy) < 2:
        raise SettingsError("There are too few spots to make regions of.")
    pitch = spacing(xy)
    radius = pitch * (ON_SQUARES if _on_squares(xy, pitch) else ON_HEXAGONS)
    names = sorted(set(labels.tolist()) - {""})

    def shape_of(name: str) -> MultiPolygon | Polygon:
        discs = buffer(points(xy[labels == name]), radius, quad_segs=4)
        # Its other way keeps each ring apart from each, in time that grows with their square.
        return union_all(discs).simplify(pitch * 0.05, preserve_topology=False)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        shapes = list(pool.map(shape_of, names))
    given = dict(enumerate(colours))
    return tuple(
        region_of(shape, name, colour=given.get(place, Region.colour))
        for place, (shape, name) in enumerate(zip(shapes, names, strict=True))
    )


def _on_squares(xy: NDArray[np.float64], pitch: float) -> bool:
    """Whether a spot's sixth neighbour is across a diagonal, not one of six about it."""
    if len(xy) < 7:
        return False
    from scipy.spatial import KDTree

    some = xy[:: max(1, len(xy) // ENOUGH)]
    distance, _ = KDTree(xy).query(some, k=[7])
    return bool(np.median(distance) > 1.2 * pitch)


def _ring(coordinates: object) -> tuple[tuple[float, float], ...]:
    return tuple((float(x), float(y)) for x, y in coordinates)  # type: ignore[attr-defined]
