"""A plain table of x and y, for spots from anywhere."""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...errors import SpotsError
from ..build import make_spots
from ..schema import PIXEL_COLUMNS, SpotMetadata
from .text_table import numbers

PLATFORM = "table"
PAIRS = (("x", "y"), *PIXEL_COLUMNS)
NAMES = ("barcode", "spot", "id", "name")


def read_xy(path: Path, table: pd.DataFrame) -> anndata.AnnData:
    """Make spots of a table with x and y in level-0 pixels, and possibly a name of each spot.

    Raises
    ------
    SpotsError
        Naming the line of what is wrong.
    """
    lower = {column.lower(): column for column in table.columns}
    pair = next((p for p in PAIRS if set(p) <= set(lower)), None)
    if pair is None:
        raise SpotsError(
            f"{path} has the columns {', '.join(table.columns[:6]) or '(none)'} and needs x and y "
            "in pixels of the slide."
        )
    x, y = (numbers(path, table, lower[name]) for name in pair)
    named = next((lower[name] for name in NAMES if name in lower), None)
    names = (
        [f"spot_{i + 1}" for i in range(len(table))]
        if named is None
        else table[named].str.strip().tolist()
    )

    def position(column: str) -> NDArray[np.int64]:
        if column not in lower:
            return np.zeros(len(table), dtype=np.int64)
        return numbers(path, table, lower[column]).astype(np.int64)

    return make_spots(
        barcodes=names,
        xy=np.column_stack([x, y]),
        array_row=position("array_row"),
        array_col=position("array_col"),
        metadata=SpotMetadata(platform=PLATFORM, source=str(path)),
    )
