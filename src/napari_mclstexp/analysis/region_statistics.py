"""What is in a region, and how two regions differ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import SettingsError
from .expression import Expression, mean_of_genes
from .markers import rank_sums, wilcoxon_table
from .region import Region

if TYPE_CHECKING:
    import pandas as pd

NOT_REPLICATES = (
    "Spots of one slide are not replicates: p and FDR say how clear the picture is on this slide, "
    "not whether another patient would show it."
)


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
    expression: Expression | None = None,
    genes: Sequence[str] = (),
) -> pd.DataFrame:
    """Tell what is in every region.

    Returns
    -------
    A row for each region of the trees: ``region, within, spots, area_mm2``, and the mean of every
    gene, NaN where there are no spots.
    """
    import pandas as pd

    rows = []
    for top in regions:
        for parent, region in _with_parents(top, ""):
            inside = spots_in(region, xy)
            mean = mean_of_genes(expression, inside).tolist() if expression is not None else ()
            row: dict[str, object] = {
                "region": region.name,
                "within": parent,
                "spots": int(inside.sum()),
                "area_mm2": region.shape().area * um_per_px**2 / 1e6,
            }
            rows.append(row | dict(zip(genes, mean, strict=True)))
    return pd.DataFrame(rows)


def compare_regions(
    expression: Expression,
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
    other = other & ~one
    for what, spots in (("first", one), ("second", other)):
        if spots.sum() < 3:
            raise SettingsError(
                f"The {what} region has {int(spots.sum())} spots of its own; three are the least "
                "that can be compared."
            )
    ranks = rank_sums(expression, np.where(one, 0, np.where(other, 1, -1)), 2)
    difference = mean_of_genes(expression, one) - mean_of_genes(expression, other)
    table = wilcoxon_table(expression, genes, ranks, 0, difference)
    strongest = (table["auc"] - 0.5).abs().sort_values(ascending=False, kind="stable").index
    return table.loc[strongest].reset_index(drop=True)


def _with_parents(region: Region, parent: str) -> list[tuple[str, Region]]:
    below = [pair for child in region.children for pair in _with_parents(child, region.name)]
    return [(parent, region), *below]
