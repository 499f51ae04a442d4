"""Which genes differ between two regions, as it was found: what is shown, kept and saved of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("gene", "auc", "difference", "fdr")


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
    """

    what: str
    of: str
    table: pd.DataFrame

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        columns = {str(name): self.table[name].tolist() for name in self.table.columns}
        return {"what": self.what, "of": self.of, "columns": columns}

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
        return cls(str(document["what"]), str(document["of"]), table)
