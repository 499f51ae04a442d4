"""How a person shapes regions that are there: grow, add, subtract, cut, split; trees in and out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import uuid4

from ..errors import SettingsError
from .region import Region, region_of
from .region_edits import changed, find

if TYPE_CHECKING:
    from shapely.geometry import LineString
    from shapely.geometry.base import BaseGeometry

Size = tuple[int, int]  # width and height of a slide, in level-0 px
_ROUND = 16  # segments of a quarter circle


def grown(
    regions: Sequence[Region],
    ids: Sequence[str],
    um: float,
    um_per_px: float | None,
    within: Size | None = None,
) -> tuple[Region, ...]:
    """Return the trees with the borders of some regions moved outwards.

    Parameters
    ----------
    ids
        Of the regions.
    um
        By how many µm; below 0, inwards.
    um_per_px
        Of the slide's level-0 px.
    within
        The slide, beyond which nothing grows.

    Raises
    ------
    SettingsError
        If none is chosen, one is locked or would vanish, or the scale is not known.
    """
    found = tuple(regions)
    for each in _free(regions, ids, "grow"):
        shape = _buffered(each, um, um_per_px, within)
        if shape.is_empty:
            raise SettingsError(
                f"{each.name} would vanish: it is narrower than twice {-um:g} µm; choose fewer µm."
            )
        polygons = region_of(shape, each.name).polygons
        found = changed(found, replace(find(found, each.id), polygons=polygons))
    return found


def ringed(
    regions: Sequence[Region],
    ids: Sequence[str],
    um: float,
    um_per_px: float | None,
    within: Size | None = None,
) -> tuple[Region, ...]:
    """Return the trees with a ring around some regions, each a region of its own.

    Below 0 µm the ring lies inside the border: the outer rim of the region. A region narrower than
    that is rim throughout.

    Raises
    ------
    SettingsError
        If none is chosen, `um` is 0, nothing of a ring lies on the slide, or the scale is unknown.
    """
    if um == 0:
        raise SettingsError("A ring of 0 µm has no area; choose more µm.")
    made = []
    for each in _chosen(regions, ids, "have a ring"):
        wide, own = _buffered(each, um, um_per_px, within), _valid(each)
        shape = wide.difference(own) if um > 0 else own.difference(wide)
        where = f"{um:g} µm around" if um > 0 else f"outer {-um:g} µm"
        if not _polygons(shape):
            raise SettingsError(f"Around {each.name} nothing of the slide is left for a ring.")
        made.append(region_of(_only_areas(shape), f"{each.name}, {where}", colour=each.colour))
    return (*regions, *made)


def added(regions: Sequence[Region], region_id: str, shape: BaseGeometry) -> tuple[Region, ...]:
    """Return the trees with a shape added to a region.

    Raises
    ------
    SettingsError
        If the region is gone or locked.
    """
    (each,) = _free(regions, [region_id], "change")
    return _reshaped(regions, each, _valid(each).union(shape), "")


def taken_out(regions: Sequence[Region], region_id: str, shape: BaseGeometry) -> tuple[Region, ...]:
    """Return the trees with a shape taken out of a region.

    Raises
    ------
    SettingsError
        If the region is gone or locked, or nothing of it would be left.
    """
    (each,) = _free(regions, [region_id], "change")
    left = _valid(each).difference(shape)
    return _reshaped(regions, each, left, f"Nothing of {each.name} would be left.")


def subtracted(regions: Sequence[Region], ids: Sequence[str]) -> tuple[Region, ...]:
    """Return the trees with all but the first of some regions taken out of the first.

    The others stay as they are.

    Raises
    ------
    SettingsError
        If they are fewer than two, the first is locked, or nothing of it would be left.
    """
    from shapely import union_all

    first, *others = _chosen(regions, ids, "subtract")
    if not others:
        raise SettingsError("Choose two regions: the first, and what is to be taken out of it.")
    return taken_out(regions, first.id, union_all([_valid(each) for each in others]))


def split(regions: Sequence[Region], ids: Sequence[str]) -> tuple[Region, ...]:
    """Return the trees with each separate part of some regions made a region of its own.

    Raises
    ------
    SettingsError
        If none of them has several parts, or one of them is locked.
    """
    chosen = _free(regions, ids, "split")
    apart = [each for each in chosen if len(each.polygons) > 1]
    if not apart:
        names = ", ".join(each.name for each in chosen)
        raise SettingsError(
            f"{names} is of one part; draw a line through it with Cut to make it two."
        )
    found = tuple(regions)
    for each in apart:
        shapes = [polygon for polygon in _valid(each).geoms if polygon.area > 0]
        found = _replaced(found, each, [region_of(shape, each.name) for shape in shapes])
    return found


def cut(
    regions: Sequence[Region], line: LineString, ids: Sequence[str] = ()
) -> tuple[tuple[Region, ...], tuple[Region, ...]]:
    """Cut the regions that a line crosses along it.

    Parameters
    ----------
    line
        Drawn by hand, in level-0 px. Where an end lies inside a region, that end cuts nothing.
    ids
        Only these regions; all if there are none.

    Returns
    -------
    The trees, and the regions that were cut, as they were.

    Raises
    ------
    SettingsError
        If it cuts through none, or only through locked ones.
    """
    found, done, locked = tuple(regions), [], []
    for each in [one for tree in regions for one in tree.walk()]:
        if ids and each.id not in ids:
            continue
        parts = _polygons(_valid(each))
        pieces = [piece for part in parts for piece in _pieces(part, line)]
        if len(pieces) <= len(parts):
            continue
        if each.locked:
            locked.append(each.name)
            continue
        found = _replaced(found, each, [region_of(piece, each.name) for piece in pieces])
        done.append(each)
    if not done and locked:
        raise SettingsError(f"{locked[0]} is locked; untick it in the list to cut it.")
    if not done:
        raise SettingsError(
            "The line cuts through no region; draw it from outside of one, across, to the outside."
        )
    return found, tuple(done)


def filled(regions: Sequence[Region], ids: Sequence[str]) -> tuple[Region, ...]:
    """Return the trees with the holes of some regions filled.

    Raises
    ------
    SettingsError
        If none has a hole, or one is locked.
    """
    chosen = _free(regions, ids, "fill")
    if all(len(polygon) == 1 for each in chosen for polygon in each.polygons):
        names = ", ".join(each.name for each in chosen)
        raise SettingsError(f"There are no holes in {names}.")
    found = tuple(regions)
    for each in chosen:
        outer = tuple(polygon[:1] for polygon in each.polygons)
        found = changed(found, replace(find(found, each.id), polygons=outer))
    return found


def _chosen(regions: Sequence[Region], ids: Sequence[str], verb: str) -> list[Region]:
    found = [find(regions, each) for each in dict.fromkeys(ids)]
    if not found:
        raise SettingsError(f"No region is selected; select what is to {verb} in the list.")
    return found


def _free(regions: Sequence[Region], ids: Sequence[str], verb: str) -> list[Region]:
    found = _chosen(regions, ids, verb)
    for each in found:
        if each.locked:
            raise SettingsError(f"{each.name} is locked; untick it in the list to {verb} it.")
    return found


def _buffered(
    region: Region, um: float, um_per_px: float | None, within: Size | None
) -> BaseGeometry:
    from shapely.geometry import box

    if um_per_px is None:
        raise SettingsError("The pixel size of the slide is not known; enter it in Slide first.")
    shape = _valid(region).buffer(um / um_per_px, quad_segs=_ROUND)
    return shape if within is None else shape.intersection(box(0, 0, *within))


def _reshaped(
    regions: Sequence[Region], region: Region, shape: BaseGeometry, empty: str
) -> tuple[Region, ...]:
    if not _polygons(shape):
        raise SettingsError(empty)
    polygons = region_of(_only_areas(shape), region.name).polygons
    return changed(regions, replace(region, polygons=polygons))


def _replaced(
    regions: tuple[Region, ...], region: Region, parts: list[Region]
) -> tuple[Region, ...]:
    """Put parts in a region's place; what was in it goes with the part that holds most of it."""
    now = find(regions, region.id)
    shapes = [_valid(part) for part in parts]
    children: list[list[Region]] = [[] for _ in parts]
    for child in now.children:
        shape = _valid(child)
        most = max(range(len(parts)), key=lambda i: shapes[i].intersection(shape).area)
        children[most].append(child)
    made = [
        replace(
            now, polygons=part.polygons, children=tuple(own), id=now.id if i == 0 else str(uuid4())
        )
        for i, (part, own) in enumerate(zip(parts, children, strict=True))
    ]
    return _put(regions, now.id, made)


def _put(regions: tuple[Region, ...], region_id: str, made: list[Region]) -> tuple[Region, ...]:
    found: list[Region] = []
    for each in regions:
        if each.id == region_id:
            found += made
        else:
            found.append(replace(each, children=_put(each.children, region_id, made)))
    return tuple(found)


def _pieces(part: BaseGeometry, line: LineString) -> list[BaseGeometry]:
    from shapely.ops import polygonize

    if not part.intersects(line):
        return [part]
    lines = part.boundary.union(line)  # noded: a stroke may cross itself
    return [each for each in polygonize(lines) if part.contains(each.representative_point())]


def _valid(region: Region) -> BaseGeometry:
    """Return the shape of a region, which a hand may have drawn across itself, as areas."""
    from shapely import make_valid

    return _only_areas(make_valid(region.shape()))


def _only_areas(shape: BaseGeometry) -> BaseGeometry:
    from shapely.geometry import MultiPolygon

    return MultiPolygon(_polygons(shape))


def _polygons(shape: BaseGeometry) -> list[BaseGeometry]:
    if shape.geom_type == "Polygon":
        return [] if shape.is_empty else [shape]
    return [part for each in getattr(shape, "geoms", ()) for part in _polygons(each)]
