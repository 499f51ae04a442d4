"""Tables in parquet, tried before they are trusted, with values of the kinds that they need."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pandas as pd
from pandas.api.types import is_numeric_dtype

from ...errors import SpotsError
from ...reading import check_file, guarded
from ...reading.hdf5_checks import check_unpacked
from ...reading.trial import try_reading

MOST_TRIED = 16 * 2**20  # bytes of such a file


def read_parquet(
    path: Path, what: str, columns: Sequence[str] | None = None, *, texts: Sequence[str] = ()
) -> pd.DataFrame:
    """Read a table that has a value in each place.

    Parameters
    ----------
    path, what
        The file, and what it should be.
    columns
        Those that are read, as far as they are there; all by default, with the index.
    texts
        Those of them that hold text; others hold numbers, or yes and no.

    Raises
    ------
    SpotsError
        If it is missing or damaged, or naming the column and row of a value that is missing or of
        another kind.
    """
    from pyarrow import parquet

    size = check_file(path, what, SpotsError).st_size

    def read(*, threads: bool = True, rows: bool = True) -> pd.DataFrame:
        with parquet.ParquetFile(path) as file:
            about = file.metadata
            there = file.schema_arrow.names
            read_ones = None if columns is None else [each for each in columns if each in there]
            unpacked = sum(
                about.row_group(i).column(k).total_uncompressed_size
                for i in range(about.num_row_groups)
                for k in range(about.num_columns)
            )
            check_unpacked(path, what, SpotsError, max(unpacked, 8 * about.num_rows), size)
            if not rows:
                return pd.DataFrame()
            table: pd.DataFrame = file.read(columns=read_ones, use_threads=threads).to_pandas()
            return table

    with guarded(path, what, SpotsError):
        # Some damages end the process; of a large file, the part that tells of the rest is tried.
        try_reading(partial(read, threads=False, rows=size <= MOST_TRIED))
        table = read()
    for name in table if columns is not None else ():
        _check_column(path, table[name], name in texts)
    return table


def _check_column(path: Path, values: pd.Series, is_text: bool) -> None:
    lacking = values.isna()
    if lacking.any():
        raise SpotsError(
            f"{path}, row {int(lacking.to_numpy().argmax()) + 1}: {values.name} is empty "
            f"({int(lacking.sum()):,} such rows in all); fill it in or remove the spot."
        )
    if not is_text and not is_numeric_dtype(values):
        raise SpotsError(
            f"{path}: {values.name} holds {values.dtype} ({str(values.iloc[0])[:40]!r}), not "
            "numbers; write the table anew, or as tissue_positions.csv."
        )
