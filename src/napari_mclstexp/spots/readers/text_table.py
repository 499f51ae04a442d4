"""Tables of spots: read as text first, so that a bad value is named with its line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_numeric_dtype

from ...errors import SpotsError

FLAGS = {"true": True, "false": False, "1": True, "0": False, "1.0": True, "0.0": False}


def read_table(path: Path, *, sep: str | None = None, header: int | None = 0) -> pd.DataFrame:
    """Read a text table with every value as text.

    Raises
    ------
    SpotsError
        If the file is missing, empty, or no table.
    """
    if not path.is_file():
        raise SpotsError(f"There is no file {path}; check the path.")
    if sep is None:
        sep = "," if ".csv" in path.suffixes else "\t"
    try:
        table = pd.read_csv(path, sep=sep, header=header, dtype=str, keep_default_na=False)
    except (ValueError, OSError, EOFError) as error:
        raise SpotsError(f"{path} cannot be read as a table ({error}).") from error
    table.columns = [str(column).strip() for column in table.columns]
    return table


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
    if not is_numeric_dtype(said_there):
        said_there = said_there.astype(str).str.strip()
    values = pd.to_numeric(said_there, errors="coerce").to_numpy(dtype=np.float64)
    wrong = ~np.isfinite(values)
    if wrong.any():
        at = int(np.argmax(wrong))
        value = "" if pd.isna(said_there.iloc[at]) else str(said_there.iloc[at])
        said = f"{value!r}, which is no number" if value else "empty"
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
            f"{path}: in_tissue of the spot {names[at]} is {str(value)!r} "
            f"({wrong.sum():,} such spots in all); it must be True or False, or 1 or 0."
        )
    return np.array(flags, dtype=bool)[each]
