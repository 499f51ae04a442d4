"""Numbers written as text, converted where pandas can be trusted with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

# What a file may write. pandas' own reading of numbers, `to_numeric` and `read_csv`, follows an
# exponent of a dozen digits out of its table of powers and takes the process with it.
NUMBER = r"[+-]?(?:\d{1,300}(?:\.\d{0,300})?|\.\d{1,300})(?:[eE][+-]?\d{1,3})?"
# Of `read_csv`: Python's own reading, which is slower and has no such table.
EXACT: Final = "round_trip"


def as_numbers(values: pd.Series) -> NDArray[np.float64]:
    """Return (n,) values as numbers, NaN for each that is none."""
    import pandas as pd
    from pandas.api.types import is_numeric_dtype

    if not is_numeric_dtype(values):
        texts = values.astype(str).str.strip()
        values = texts.where(texts.str.fullmatch(NUMBER))
    return pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
