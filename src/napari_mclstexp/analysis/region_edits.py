"""What a person does to drawn regions: nest, merge, rename, remove; trees in, trees out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import SettingsError

if TYPE_CHECKING:
    pass
from collections.abc import Iterable

from .region import Region, region_of


def flat(regions: Sequence[Region]) -> tuple[Region, ...]:
    """Return all regions of the trees, parents before children, each as it is in its tree."""
    return tuple(each for region in regions for each in region.walk())


def find(regions: Sequence[Region], region_id: str) -> Region:
    """Return a region by its id.

    Raises
    ------
    SettingsError
        If it is gone.
    """
    for each in flat(regions):
        if each.id == region_id:
            return each
    raise SettingsError("That region is no longer there; choose another.")


def changed(regions: Sequence[Region], region: Region) -> tuple[Region, ...]:
    """Return the trees with a region in place of the one that has its id."""
    return tuple(
        region if each.id == region.id else replace(each, children=changed(each.children, region))
        for each in regions
    )


def removed(regions: Sequence[Region], ids: Iterable[str]) -> tuple[Region, ...]:
    """Return the trees without some regions; what was inside them moves up."""
    gone = set(ids)
    kept: list[Region] = []
    for each in regions:
        below = removed(each.children, gone)
        kept += below if each.id in gone else [replace(each, children=below)]
    return tuple(kept)


def merged(regions: Sequence[Region], ids: Sequence[str]) -> tuple[Region, ...]:
    """Return the trees with some regions made one, called and coloured as the first of them.

    Raises
    ------
    SettingsError
        If they are fewer than two, or one is locked.
    """
    from shapely import make_valid, union_all

    if len(set(ids)) < 2:
        raise SettingsError("Choose two or more regions to merge.")
    parts = [find(regions, each) for each in ids]
    for part in parts:
        if part.locked:
            raise SettingsError(f"{part.name} is locked; untick it in the tree to merge it.")
    shape = union_all([make_valid(part.shape()) for part in parts])
    first = parts[0]
    polygons = region_of(shape, first.name).polygons
    rest = removed(regions, ids[1:])
    return changed(rest, replace(find(rest, first.id), polygons=polygons))


def nested(regions: Sequence[Region]) -> tuple[Region, ...]:
    """Return the trees that the shapes make: each region within the smallest that surrounds it."""
    from shapely import make_valid

    every = [replace(each, children=()) for each in flat(regions)]
    shapes = [make_valid(each.shape()) for each in every]
    order = sorted(range(len(every)), key=lambda i: shapes[i].area)
    parent: dict[int, int] = {}
    for place, small in enumerate(order):
        for large in order[place + 1 :]:
            # Hand-drawn borders cross a little: nearly all inside is inside.
            if shapes[large].intersection(shapes[small]).area >= 0.95 * shapes[small].area:
                parent[small] = large
                break

    def tree(i: int) -> Region:
        return replace(
            every[i], children=tuple(tree(j) for j in range(len(every)) if parent.get(j) == i)
        )

    return tuple(tree(i) for i in range(len(every)) if i not in parent)


def painted(
    mask: NDArray[np.bool_], scale: float, offset: tuple[float, float] = (0.0, 0.0)
) -> Region:
    """Turn a painted mask into a region.

    Parameters
    ----------
    mask
        (h, w) whether each pixel was painted.
    scale
        Level-0 px per pixel of the mask.
    offset
        (x, y) of the mask's top-left corner in level-0 px.

    Raises
    ------
    SettingsError
        If nothing was painted.
    """
    from shapely import polygonize, union_all
    from shapely.geometry import LineString
    from skimage.measure import find_contours

    if not mask.any():
        raise SettingsError("Nothing was painted; paint over the tissue first.")
    lines = [
        LineString((ring[:, ::-1] - 0.5) * scale + offset)
        for ring in find_contours(np.pad(mask, 1).astype(float), 0.5)
        if len(ring) > 3
    ]
    inside = []
    for part in polygonize(lines).geoms:
        point = part.representative_point()
        column = int((point.x - offset[0]) / scale)
        row = int((point.y - offset[1]) / scale)
        if 0 <= row < mask.shape[0] and 0 <= column < mask.shape[1] and mask[row, column]:
            inside.append(part)
    return region_of(union_all(inside).simplify(scale / 2), "")


def renamed(regions: Sequence[Region], region_id: str, name: str) -> tuple[Region, ...]:
    """Return the trees with one region called otherwise."""
    return tuple(
        replace(
            each,
            name=name if each.id == region_id else each.name,
            children=renamed(each.children, region_id, name),
        )
        for each in regions
    )


def recoloured(
    regions: Sequence[Region], region_id: str, colour: tuple[int, int, int]
) -> tuple[Region, ...]:
    """Return the trees with one region in another colour."""
    return tuple(
        replace(
            each,
            colour=colour if each.id == region_id else each.colour,
            children=recoloured(each.children, region_id, colour),
        )
        for each in regions
    )
