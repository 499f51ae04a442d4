"""Named regions on a slide: a tree of polygons, what is in them, and how two differ."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import SettingsError

if TYPE_CHECKING:
    from shapely.geometry import MultiPolygon, Polygon

NOT_REPLICATES = (
    "Spots of one slide are not replicates: p and FDR say how clear the picture is on this slide, "
    "not whether another patient would show it."
)


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
        Whether QuPath may change it.
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
        """Return it as shapely has it."""
        from shapely.geometry import MultiPolygon, Polygon

        return MultiPolygon([Polygon(rings[0], rings[1:]) for rings in self.polygons])

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

    Parameters
    ----------
    xy, labels
        (n, 2) centres in level-0 pixels and (n,) domains; "" belongs to none.
    colours
        One for each domain, in the order of their names.
    """
    from shapely import union_all
    from shapely.geometry import Point
    from sklearn.neighbors import NearestNeighbors

    if len(xy) < 2:
        raise SettingsError("There are too few spots to make regions of.")
    pitch = float(np.median(NearestNeighbors(n_neighbors=1).fit(xy).kneighbors()[0]))
    regions = []
    for place, name in enumerate(sorted(set(labels.tolist()) - {""})):
        discs = [Point(x, y).buffer(pitch * 0.62, quad_segs=4) for x, y in xy[labels == name]]
        shape = union_all(discs).simplify(pitch * 0.05)
        colour = colours[place] if place < len(colours) else Region.colour
        regions.append(region_of(shape, name, colour=colour))
    return tuple(regions)


def spots_in(region: Region, xy: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return (n,) whether each of (n, 2) centres lies in a region, its border included."""
    from shapely import intersects_xy, prepare

    shape = region.shape()
    prepare(shape)
    return np.asarray(intersects_xy(shape, xy[:, 0], xy[:, 1]))


def region_report(
    regions: Sequence[Region],
    xy: NDArray[np.float64],
    um_per_px: float,
    expression: NDArray[np.float32] | None = None,
    genes: Sequence[str] = (),
) -> pd.DataFrame:
    """Tell what is in every region.

    Returns
    -------
    A row for each region of the trees: ``region, within, spots, area_mm2``, and the mean of every
    gene, NaN where there are no spots.
    """
    rows = []
    for top in regions:
        for parent, region in _with_parents(top, ""):
            inside = spots_in(region, xy)
            row: dict[str, object] = {
                "region": region.name,
                "within": parent,
                "spots": int(inside.sum()),
                "area_mm2": region.shape().area * um_per_px**2 / 1e6,
            }
            for column, gene in enumerate(genes):
                assert expression is not None
                values = expression[inside, column]
                row[gene] = float(values.mean()) if len(values) else float("nan")
            rows.append(row)
    return pd.DataFrame(rows)


def compare_regions(
    expression: NDArray[np.float32],
    genes: tuple[str, ...],
    one: NDArray[np.bool_],
    other: NDArray[np.bool_],
) -> pd.DataFrame:
    """Compare the spots of two regions, gene by gene (Wilcoxon rank sum, FDR, effect size).

    Parameters
    ----------
    expression, genes
        (n, G) and G names.
    one, other
        (n,) whether each spot is in either; spots in both are left out of the second.

    Returns
    -------
    As `marker_genes`, for the first region against the second, strongest effect first.

    Raises
    ------
    SettingsError
        If either has fewer than three spots.
    """
    from .domains import marker_genes

    other = other & ~one
    for what, spots in (("first", one), ("second", other)):
        if spots.sum() < 3:
            raise SettingsError(
                f"The {what} region has {int(spots.sum())} spots of its own; three are the least "
                "that can be compared."
            )
    both = one | other
    labels = np.where(one, "one", "other")[both]
    table = marker_genes(expression[both], genes, labels)
    table = table[table["domain"] == "one"].drop(columns="domain")
    strongest = (table["auc"] - 0.5).abs().sort_values(ascending=False, kind="stable").index
    return table.loc[strongest].reset_index(drop=True)


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


def _with_parents(region: Region, parent: str) -> list[tuple[str, Region]]:
    below = [pair for child in region.children for pair in _with_parents(child, region.name)]
    return [(parent, region), *below]


def _ring(coordinates: object) -> tuple[tuple[float, float], ...]:
    return tuple((float(x), float(y)) for x, y in coordinates)  # type: ignore[attr-defined]
