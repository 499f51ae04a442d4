"""Between which values the colours run, by percentile."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

UNCERTAINTY = "YlOrBr"  # of how sure a value is, never of a gene: pale where sure, dark where not
DIVERGING = "PiYG"  # of differences and programs: green where there is more, pink where less


def percentile_limits(
    values: NDArray[np.floating[Any]], low: float = 1.0, high: float = 99.0
) -> tuple[float, float]:
    """Return the values at two percentiles, as limits that colours can run between.

    Values that are not finite are left out. Where the percentiles meet (a gene that is silent in
    nearly all spots), the whole range is taken, and where all values are one, 1 is added above it;
    without any value the limits are 0 and 1. So the first limit is always below the second.

    Parameters
    ----------
    values
        Any shape.
    low, high
        Percentiles, 0..100.

    Examples
    --------
    >>> import numpy as np
    >>> percentile_limits(np.array([0.0, 1.0, np.nan, 2.0]), 0, 50)
    (0.0, 1.0)
    """
    finite = values[np.isfinite(values)].astype(np.float64)
    if not finite.size:
        return 0.0, 1.0
    lower, upper = (float(value) for value in np.percentile(finite, [low, high]))
    if not _distinct(lower, upper):
        lower, upper = float(finite.min()), float(finite.max())
    if not _distinct(lower, upper):
        upper = lower + 1.0
    return lower, upper


def symmetric(limits: tuple[float, float]) -> tuple[float, float]:
    """Return limits as far from 0 as the farther of two, so that no colour of an end means 0."""
    most = max(abs(limit) for limit in limits)
    return -most, most


def _distinct(lower: float, upper: float) -> bool:
    # Closer than float32 can tell apart, napari and the graphics card divide by zero.
    return upper - lower > 1e-6 * max(1.0, abs(lower), abs(upper))
