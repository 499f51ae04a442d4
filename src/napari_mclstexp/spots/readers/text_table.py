"""Tables of spots: read as text first, so that a bad value is named with its line."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_numeric_dtype

from ...errors import SpotsError
from ...reading import check_file, guarded
from ...reading.numbers import as_numbers
from ...reading.plain_files import Unpacked, most_unpacked
from ..schema import FARTHEST_PX

TABLE = "a table"
MOST_COLUMNS = 1000

FLAGS = {"true": True, "false": False, "1": True, "0": False, "1.0": True, "0.0": False}


def read_table(path: Path, *, sep: str | None = None, header: int | None = 0) -> pd.DataFrame:
    """Read a text table with every value as text.

    Raises
    ------
    SpotsError
        If the file is missing, empty, or no table.
    """
    sep = sep or separator(path)
    names = [each.strip() for each in check_columns(path, sep, MOST_COLUMNS)]
    twice = next((each for each in names if each and names.count(each) > 1), None)
    if twice is not None and header is not None:
        raise SpotsError(f"{path} has the column {twice} more than once; keep one of them.")
    with guarded(path, TABLE, SpotsError), open_unpacked(path, TABLE) as file:
        table: pd.DataFrame = pd.read_csv(
            file, sep=sep, header=header, dtype=str, keep_default_na=False, encoding="utf-8-sig"
        )
    if not isinstance(table.index, pd.RangeIndex):
        raise SpotsError(
            f"{path} has more values in its lines than columns in its header; name every column."
        )
    table.columns = [str(column).strip() for column in table.columns]
    return table


def separator(path: Path) -> str:
    """Return what stands between the values of a table, by its name."""
    return "," if ".csv" in path.suffixes else "\t"


@contextmanager
def open_unpacked(path: Path, what: str) -> Iterator[IO[bytes]]:
    """Open a table for reading, unpacked where its name says that it is packed.

    Raises
    ------
    SpotsError
        If it is missing, or unpacks to more than a table of its size has.
    """
    from pandas.io.common import get_handle

    size = check_file(path, what, SpotsError).st_size
    with guarded(path, what, SpotsError):
        packed = path.suffix.lower() not in (".csv", ".tsv", ".txt", ".mtx")
        most = most_unpacked(size) if packed else size
        with (
            get_handle(path, "rb", compression="infer", is_text=False) as opened,
            io.BufferedReader(Unpacked(cast("IO[bytes]", opened.handle), most)) as file,
        ):
            yield file


def unpacked_lines(path: Path) -> list[str]:
    """Return the lines of a table, without those that are empty."""
    with guarded(path, TABLE, SpotsError), open_unpacked(path, TABLE) as file:
        text = file.read().decode("utf-8")
    return [line for line in text.splitlines() if line.strip()]


def check_columns(path: Path, sep: str, most: int) -> list[str]:
    """Return what the first line of a table holds, if it has no more columns than it can have.

    Raises
    ------
    SpotsError
        If it has more, or is missing or damaged.
    """
    longest = 1000 * most  # bytes of a header
    with guarded(path, TABLE, SpotsError), open_unpacked(path, TABLE) as file:
        line = file.readline(longest)
    columns = line.count(sep.encode()) + 1
    if columns > most or len(line) >= longest:
        raise SpotsError(
            f"{path} has {columns:,} columns, more than such a table can have ({most:,}); check "
            "that it is the right file."
        )
    text = line.decode("utf-8-sig", errors="replace")
    with guarded(path, TABLE, SpotsError):
        return next(csv.reader([text.rstrip("\r\n")], delimiter=sep), [])


def numbers(
    path: Path, table: pd.DataFrame, column: str, first_line: int = 2
) -> NDArray[np.float64]:
    """Return a column as numbers.

    Raises
    ------
    SpotsError
        Naming the line and the value that is no number, or that is missing.
    """
    said_there = table[column]
    values = as_numbers(said_there)
    wrong = ~(np.abs(values) < FARTHEST_PX)
    if wrong.any():
        at = int(np.argmax(wrong))
        missing = is_numeric_dtype(said_there) and np.isnan(values[at])
        value = "" if missing else str(said_there.iloc[at]).strip()
        said = f"{value[:40]!r}, which is no number" if value else "empty"
        if np.isfinite(values[at]):
            said = f"{value[:40]!r}, which is too large"
        raise SpotsError(
            f"{path}, line {at + first_line}: {column} is {said} "
            f"({int(wrong.sum()):,} such lines in all); fill it in or remove the spot."
        )
    return values


def in_tissue_flags(path: Path, values: pd.Series, names: Sequence[str]) -> NDArray[np.bool_]:
    """Return which spots are in tissue, written as flags, numbers, words or categories.

    Raises
    ------
    SpotsError
        Naming the first spot of which the file does not say it, or says something else.
    """
    each, kinds = pd.factorize(values, use_na_sentinel=False)  # a few kinds, millions of bins
    flags = [FLAGS.get(str(kind).strip().lower()) for kind in kinds]
    wrong = np.array([flag is None for flag in flags], dtype=bool)[each]
    if wrong.any():
        at = int(np.argmax(wrong))
        value = values.iloc[at]
        if pd.isna(value) or not str(value).strip():
            raise SpotsError(
                f"{path} does not say whether the spot {names[at]} is in tissue "
                f"({wrong.sum():,} spots in all); fill in True or False in in_tissue."
            )
        raise SpotsError(
            f"{path}: in_tissue of the spot {names[at]} is {str(value)[:40]!r} "
            f"({wrong.sum():,} such spots in all); it must be True or False, or 1 or 0."
        )
    return np.array(flags, dtype=bool)[each]
