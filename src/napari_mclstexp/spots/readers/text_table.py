"""Small text tables of spots: read as text first, so that a bad value is named with its line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...errors import SpotsError


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
    values = pd.to_numeric(table[column].str.strip(), errors="coerce").to_numpy(dtype=np.float64)
    wrong = ~np.isfinite(values)
    if wrong.any():
        at = int(np.argmax(wrong))
        value = table[column].iloc[at].strip()
        said = f"{value!r}, which is no number" if value else "empty"
        raise SpotsError(
            f"{path}, line {at + first_line}: {column} is {said} "
            f"({int(wrong.sum()):,} such lines in all); fill it in or remove the spot."
        )
    return values
