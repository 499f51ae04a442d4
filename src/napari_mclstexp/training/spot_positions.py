"""Where a spot is, as the learned position tables count it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..cohort.section import Section
from ..model import PositionsConfig
from ..spots.schema import positions

Rows = NDArray[np.int64]


def spot_positions(section: Section, config: PositionsConfig) -> tuple[Rows, Rows]:
    """Return the (n,) rows and columns of a section's spots in the position tables.

    Array positions (the paper); or, as STMCL has them, how far down and across the section a spot
    lies, from 0 at its first spot to the last row of the table at its last, so that sections laid
    differently on their arrays share positions.
    """
    if config.kind == "array":
        obs = section.spots.obs
        rows, cols = (obs[name].to_numpy(dtype=np.int64) for name in ("array_row", "array_col"))
        return rows.copy(), cols.copy()
    xy = positions(section.spots)
    cols, rows = (
        _steps(xy[:, axis], size) for axis, size in ((0, config.n_cols), (1, config.n_rows))
    )
    return rows, cols


def _steps(along: NDArray[np.float64], size: int) -> Rows:
    extent = float(np.ptp(along))
    if extent == 0:
        return np.zeros(len(along), dtype=np.int64)
    return np.asarray(np.round((along - along.min()) / extent * (size - 1)), dtype=np.int64)
