"""How well prediction and measurement agree on one gene, over the spots that have both."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def correlation(predicted: NDArray[np.float32], measured: NDArray[np.float32]) -> float | None:
    """Return Pearson's correlation of two (n,) arrays where both are finite.

    None if fewer than three spots have both, or either does not vary over them.
    """
    both = np.isfinite(predicted) & np.isfinite(measured)
    x, y = predicted[both].astype(np.float64), measured[both].astype(np.float64)
    if x.size < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    return float(np.corrcoef(x, y)[0, 1])
