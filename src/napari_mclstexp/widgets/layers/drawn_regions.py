"""What a person drew or moved on the layer of regions, taken into the trees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from ...analysis.region import Region, region_of
from ...analysis.region_classes import RegionClass
from ...analysis.region_edits import changed, find, flat, removed
from ...analysis.region_shaping import added, cut, taken_out
from ...errors import SettingsError

if TYPE_CHECKING:
    from shapely.geometry import MultiPolygon

    from .region_shapes import Found, Ring

Purpose = Literal["new", "add", "take out"]
NEW: Purpose = "new"


@dataclass(frozen=True)
class Drawn:
    """What became of the regions.

    Attributes
    ----------
    regions
        The trees.
    what
        The step, for undo: "Draw a region".
    select
        Ids of the regions that are selected from now on; None leaves the selection.
    say
        What the person is told, or "".
    put_back
        Whether the layer shows something that does not hold.
    """

    regions: tuple[Region, ...]
    what: str = ""
    select: tuple[str, ...] | None = None
    say: str = ""
    put_back: bool = False


def taken_in(
    found: Found,
    before: tuple[Region, ...],
    given: RegionClass,
    purpose: Purpose,
    selected: tuple[str, ...],
) -> Drawn:
    """Take what stands in the layer into the trees.

    Parameters
    ----------
    found
        What stands in the layer.
    before
        The trees that it showed.
    given
        The class of a new region.
    purpose, selected
        What drawn shapes are for, and of which regions.

    Raises
    ------
    SettingsError
        If a line cuts nothing, or a shape belongs to no region.
    """
    if found.lines:
        return _cut(found, before, selected)
    shapes = [shape for shape in map(_areas, found.rings) if not shape.is_empty]
    if shapes and purpose != NEW:
        return _reshaped(shapes, before, purpose, selected)
    regions, step, fixed = _moved(found, before)
    new = tuple(region_of(shape, given.name, colour=given.colour) for shape in shapes)
    say = ""
    if fixed:
        say = f"{', '.join(fixed)}: locked, so it stays; untick it to change it."
    elif found.unclear:
        say = "A corner cannot stand there: it would join a hole to the border. It was put back."
    return Drawn(
        regions=regions + new,
        what="Draw a region" if new else step,
        select=tuple(each.id for each in new) if new else None,
        say=say,
        put_back=bool(fixed) or found.unclear,
    )


def painted_in(
    region: Region,
    before: tuple[Region, ...],
    given: RegionClass,
    purpose: Purpose,
    selected: tuple[str, ...],
) -> Drawn:
    """Take a region that was painted into the trees; as :func:`taken_in`."""
    if purpose != NEW:
        return _reshaped([region.shape()], before, purpose, selected)
    named = replace(region, name=given.name, colour=given.colour)
    return Drawn((*before, named), "Paint a region", (region.id,))


def region_under(regions: Sequence[Region], point: tuple[float, float], near: float) -> str | None:
    """Return the id of the smallest region under a point, or else of one whose border is near.

    Parameters
    ----------
    point
        (x, y) in level-0 px.
    near
        Up to how far from its border, in level-0 px.
    """
    from shapely.geometry import Point

    where = Point(*point)
    inside: list[tuple[float, str]] = []
    beside: list[tuple[float, str]] = []
    for each in flat(regions):
        shape = _region_areas(each)
        distance = shape.distance(where)
        if distance == 0:
            inside.append((shape.area, each.id))
        elif distance <= near:
            beside.append((distance, each.id))
    return min(inside or beside, default=(0.0, None))[1]


def _moved(found: Found, before: tuple[Region, ...]) -> tuple[tuple[Region, ...], str, list[str]]:
    """Return the trees with what was moved or deleted, the step, and what is locked."""
    every = flat(before)
    gone = [each.id for each in every if each.id not in found.polygons and not found.unclear]
    regions, fixed, moved = removed(before, gone), [], 0
    for old in every:
        polygons = found.polygons.get(old.id, old.polygons)
        if old.id in gone or polygons == old.polygons:
            continue
        if old.locked:
            fixed.append(old.name)
            continue
        moved += 1
        regions = changed(regions, replace(find(regions, old.id), polygons=polygons))
    return regions, "Change a region" if moved else "Remove a region", fixed


def _reshaped(
    shapes: list[MultiPolygon],
    before: tuple[Region, ...],
    purpose: Purpose,
    selected: tuple[str, ...],
) -> Drawn:
    from shapely import union_all

    if len(selected) != 1:
        raise SettingsError(
            "Select one region first: what you draw is added to it, or taken out of it."
        )
    target = find(before, selected[0])
    change = added if purpose == "add" else taken_out
    what = f"Add to {target.name}" if purpose == "add" else f"Take a part out of {target.name}"
    return Drawn(change(before, target.id, union_all(shapes)), what, selected)


def _cut(found: Found, before: tuple[Region, ...], selected: tuple[str, ...]) -> Drawn:
    from shapely.geometry import LineString

    regions = before
    names: list[str] = []
    for line in found.lines:
        regions, cut_up = cut(regions, LineString(line), selected)
        names += [each.name for each in cut_up]
    return Drawn(regions, f"Cut {', '.join(dict.fromkeys(names))}", ())


def _areas(ring: Ring) -> MultiPolygon:
    """Return what a ring drawn by hand surrounds; it may cross itself, or have no area."""
    from shapely import make_valid
    from shapely.geometry import MultiPolygon, Polygon

    shape = make_valid(Polygon(ring))
    parts = [
        part
        for each in getattr(shape, "geoms", [shape])
        for part in getattr(each, "geoms", [each])
        if part.geom_type == "Polygon" and part.area > 0
    ]
    return MultiPolygon(parts)


def _region_areas(region: Region) -> MultiPolygon:
    from shapely import make_valid

    shape: MultiPolygon = make_valid(region.shape())
    return shape
