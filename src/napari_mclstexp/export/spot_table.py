"""Tables as CSV, for a spreadsheet: a row for each spot, or any other table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from ..analysis.predicted_programs import programs_of
from ..errors import SettingsError
from ..files import atomic_file
from ..spots.schema import has_positions, positions, read_programs

if TYPE_CHECKING:
    from anndata import AnnData


def spot_table(data: AnnData, genes: Sequence[str] | None = None) -> pd.DataFrame:
    """Return a row for each spot: obs, the place in pixels of level 0, programs, and genes.

    Columns ``program_1``, ``program_2``, ... hold the scores of the programs of a linear head.

    Parameters
    ----------
    data
        A prediction, or other spots with expression.
    genes
        Some of its genes; if not given, all, and the programs. A gene that is called like a column
        of obs gets ``_gene`` behind its name.

    Raises
    ------
    SettingsError
        If it lacks a gene.
    """
    chosen = list(data.var_names if genes is None else genes)
    for each in chosen:
        if each not in data.var_names:
            raise SettingsError(f"The result has no gene {each}; see napari-mclstexp info.")
    table = data.obs.copy()
    if has_positions(data):
        table["x_px"], table["y_px"] = positions(data).T
    kept = read_programs(data) if genes is None else None
    if kept is not None:
        for program, scores in zip(programs_of(data), kept[0].T, strict=True):
            table[program.key] = scores
    joined: pd.DataFrame = table.join(data[:, chosen].to_df(), rsuffix="_gene")
    return joined


def write_table(table: pd.DataFrame, path: Path, *, index: bool = False) -> None:
    """Write a table as a CSV file, whole or not at all.

    A text that a spreadsheet would run as a formula gets an apostrophe before it, which makes the
    spreadsheet show it as it is; numbers stay numbers.

    Raises
    ------
    OutputError
        If it cannot be written there.
    """
    safe = table.rename(columns=_as_text, index=_as_text if index else None)
    for place, kind in enumerate(safe.dtypes):
        if not pd.api.types.is_numeric_dtype(kind):
            safe.isetitem(place, [_as_text(each) for each in safe.iloc[:, place]])
    with atomic_file(path) as temporary:
        safe.to_csv(temporary, index=index)


def _as_text(cell: Any) -> Any:
    """Return a cell as a spreadsheet may read it: no text begins a formula."""
    if not isinstance(cell, str) or not cell.startswith(("=", "+", "-", "@")):
        return cell
    try:
        float(cell)
    except ValueError:
        return f"'{cell}"
    return cell
