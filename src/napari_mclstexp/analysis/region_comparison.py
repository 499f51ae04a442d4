"""Which genes differ between two regions, as it was found: what is shown, kept and saved of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from .expression import Expression
    from .region import Region

COLUMNS = ("gene", "auc", "difference", "fdr")
CLEAR = 0.05  # FDR below which a gene is said to differ
REST = "the rest"  # what a region is compared with, unless another is chosen


@dataclass(frozen=True, eq=False)
class RegionComparison:
    """A finished comparison.

    Attributes
    ----------
    what
        The two sides in words: "Tumour and the rest".
    of
        "predicted" or "measured".
    table
        What :func:`~napari_mclstexp.analysis.region_statistics.compare_regions` returned.
    one, other
        Ids of the two regions; `other` is "" for all spots outside the first. "" where it is not
        known, in comparisons of earlier versions.
    first
        What the first region was called, or "".
    """

    what: str
    of: str
    table: pd.DataFrame
    one: str = ""
    other: str = ""
    first: str = ""

    @property
    def up(self) -> pd.DataFrame:
        """The genes that are higher in the first region, the strongest first."""
        return up_and_down(self.table)[0]

    @property
    def down(self) -> pd.DataFrame:
        """The genes that are lower in the first region, the strongest first."""
        return up_and_down(self.table)[1]

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        columns = {str(name): self.table[name].tolist() for name in self.table.columns}
        sides = {"one": self.one, "other": self.other, "first": self.first}
        return {"what": self.what, "of": self.of, "columns": columns, **sides}

    @classmethod
    def read(cls, document: dict[str, Any]) -> RegionComparison:
        """Return it from its JSON.

        Raises
        ------
        KeyError, TypeError, ValueError
            If it is not as :meth:`document` gives it.
        """
        import pandas as pd

        table = pd.DataFrame(document["columns"])
        if missing := [name for name in COLUMNS if name not in table]:
            raise ValueError(f"the comparison of regions lacks its column {missing[0]}")
        sides = {name: str(document.get(name, "")) for name in ("one", "other", "first")}
        return cls(str(document["what"]), str(document["of"]), table, **sides)


def up_and_down(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the genes that are higher in the first region, and those that are lower.

    Each is sorted by how well it tells the regions apart (AUC), the clearest first. Genes at which
    neither is higher (AUC of exactly 0.5) are in none.
    """
    higher = table[table["auc"] > 0.5].sort_values("auc", ascending=False, kind="stable")
    lower = table[table["auc"] < 0.5].sort_values("auc", kind="stable")
    return higher.reset_index(drop=True), lower.reset_index(drop=True)


def compare(
    expression: Expression,
    genes: tuple[str, ...],
    xy: NDArray[np.float64],
    one: Region,
    other: Region | None,
    of: str,
) -> RegionComparison:
    """Compare the spots of a region with those of another, or with all others.

    Parameters
    ----------
    expression, genes
        (n, G) and what each column is called.
    xy
        (n, 2) centres of the spots in level-0 px.
    one, other
        The regions; None for all spots outside the first.
    of
        "predicted" or "measured": what `expression` is.

    Raises
    ------
    SettingsError
        If too few spots are on either side.
    """
    import numpy as np

    from .region_statistics import compare_regions, spots_in

    second = np.ones(len(xy), dtype=bool) if other is None else spots_in(other, xy)
    table = compare_regions(expression, genes, spots_in(one, xy), second)
    what = f"{one.name} and {REST if other is None else other.name}"
    return RegionComparison(what, of, table, one.id, "" if other is None else other.id, one.name)
