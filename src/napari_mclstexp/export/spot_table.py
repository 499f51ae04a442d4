"""Tables as CSV, for a spreadsheet: a row for each spot, or any other table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse

from ..analysis.expression import row_blocks
from ..analysis.predicted_programs import programs_of
from ..errors import SettingsError
from ..spots.schema import has_positions, positions, read_programs
from .csv_blocks import VALUES_AT_ONCE, write_csv

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
    chosen = _chosen(data, genes)
    joined: pd.DataFrame = _spots(data, genes).join(data[:, chosen].to_df(), rsuffix="_gene")
    return joined


def write_spot_table(
    data: AnnData, path: Path, genes: Sequence[str] | None = None, expression: Any = None
) -> None:
    """Write what :func:`spot_table` returns as a CSV file, without holding it at once.

    Parameters
    ----------
    data, path, genes
        As for :func:`spot_table`; the file.
    expression
        (n, G), if it is not in `data`: an array or sparse matrix, or one in a file, which is read
        by blocks of rows.

    Raises
    ------
    SettingsError
        If it lacks a gene.
    OutputError
        If it cannot be written there.
    """
    chosen, table = _chosen(data, genes), _spots(data, genes)
    x = data.X if expression is None else expression
    at = None if genes is None else data.var_names.get_indexer(chosen)

    def blocks() -> Iterator[list[Any]]:
        for rows in row_blocks(data.n_obs, len(table.columns) + len(chosen), VALUES_AT_ONCE):
            part = table.iloc[rows]
            values: Any = x[rows] if chosen else np.empty((len(part), 0), np.float32)
            values = values.toarray() if sparse.issparse(values) else np.asarray(values)
            values = values if at is None else values[:, at]
            columns = [part.iloc[:, i] for i in range(len(part.columns))]
            yield [part.index, *columns, np.ascontiguousarray(values.T)]

    own = [f"{gene}_gene" if gene in table.columns else gene for gene in chosen]
    write_csv(path, [table.index.name or "", *table.columns, *own], blocks())


def write_table(table: pd.DataFrame, path: Path, *, index: bool = False) -> None:
    """Write a table as a CSV file; see :func:`write_csv`.

    Raises
    ------
    OutputError
        If it cannot be written there.
    """

    def blocks() -> Iterator[list[Any]]:
        for rows in row_blocks(len(table), len(table.columns), VALUES_AT_ONCE):
            part = table.iloc[rows]
            columns = [part.iloc[:, i] for i in range(len(part.columns))]
            yield [part.index, *columns] if index else columns

    names = [table.index.name or "", *table.columns] if index else list(table.columns)
    write_csv(path, names, blocks())


def _chosen(data: AnnData, genes: Sequence[str] | None) -> list[str]:
    if genes is None:
        return list(data.var_names)
    for each in genes:
        if each not in data.var_names:
            raise SettingsError(f"The result has no gene {each}; see napari-mclstexp info.")
    return list(genes)


def _spots(data: AnnData, genes: Sequence[str] | None) -> pd.DataFrame:
    """Return the part of the table that is not genes."""
    table: pd.DataFrame = data.obs.copy()
    if has_positions(data):
        table["x_px"], table["y_px"] = positions(data).T
    kept = read_programs(data) if genes is None else None
    if kept is not None:
        for program, scores in zip(programs_of(data), kept[0].T, strict=True):
            table[program.key] = scores
    return table
