"""CSV files of any length: formatted a block of rows at a time, on every core."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..files import as_cell, atomic_file
from ..running.ahead import worked_ahead

if TYPE_CHECKING:
    import pyarrow as pa

VALUES_AT_ONCE = 2**20  # about 10 MB of text


def write_csv(path: Path, names: Sequence[object], blocks: Iterable[Sequence[Any]]) -> None:
    """Write a CSV file, whole or not at all.

    A text that a spreadsheet would run as a formula gets an apostrophe before it, which makes the
    spreadsheet show it as it is; numbers stay numbers, and what is missing is empty.

    Parameters
    ----------
    path
        The file.
    names
        Of the columns.
    blocks
        Rows, many at a time: for each column in turn a (rows,) array or Series, or for several
        neighbours a (columns, rows) array of numbers.

    Raises
    ------
    OutputError
        If it cannot be written there.
    """
    workers = os.cpu_count() or 1
    with atomic_file(path) as temporary, temporary.open("wb") as file:
        file.write(_header(names))
        for _, text in worked_ahead(_formatted, blocks, threads=workers, ahead=workers):
            file.write(text)


def _header(names: Sequence[object]) -> bytes:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow([as_cell(str(each)) for each in names])
    return line.getvalue().encode()


def _formatted(block: Sequence[Any]) -> memoryview:
    import pyarrow as pa
    from pyarrow.csv import WriteOptions
    from pyarrow.csv import write_csv as write

    columns = [each for part in block for each in _columns(part)]
    table = pa.table(columns, names=[str(i) for i in range(len(columns))])
    for style in ("none", "needed"):
        text = pa.BufferOutputStream()
        try:
            write(table, text, WriteOptions(include_header=False, quoting_style=style))
        except pa.ArrowInvalid:  # a text with a comma, a quote or a line end in it
            if style == "needed":
                raise
        else:
            break
    return memoryview(text.getvalue())


def _columns(part: Any) -> list[pa.Array]:
    import pyarrow as pa

    if isinstance(part, np.ndarray) and part.ndim == 2:
        missing = bool(np.isnan(part).any())
        return [pa.array(each, from_pandas=missing) for each in part]
    column = pd.Series(part)
    if column.dtype.kind in "iuf" and isinstance(column.dtype, np.dtype):
        return [pa.array(column.to_numpy(), from_pandas=True)]
    if isinstance(column.dtype, pd.CategoricalDtype):
        texts = np.array([_cell(each) for each in column.cat.categories] + [None], dtype=object)
        return [pa.array(texts[column.cat.codes.to_numpy()], pa.string())]
    return [pa.array([_cell(each) for each in column], pa.string())]


def _cell(value: Any) -> str | None:
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return None
    text = as_cell(value)
    return text if isinstance(text, str) else str(text)
