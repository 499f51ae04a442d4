"""Which spots share a sequence: neighbours of one section, in training and in the bank alike."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def neighbour_sequences(xy: NDArray[np.float64], longest: int) -> list[NDArray[np.int64]]:
    """Cut the spots of a section into compact sequences of almost equal length.

    The spots are halved (or parted as the number of sequences asks) across their longer side,
    again and again. The same spots always give the same sequences.

    Parameters
    ----------
    xy
        (n, 2) centres.
    longest
        Most spots in a sequence.

    Returns
    -------
    Row numbers of each sequence; together they are 0 to n - 1, each once.
    """
    return _cut(np.arange(len(xy)), xy, -(-len(xy) // longest))


def _cut(rows: NDArray[np.int64], xy: NDArray[np.float64], parts: int) -> list[NDArray[np.int64]]:
    if parts <= 1:
        return [np.sort(rows)] if len(rows) else []
    axis = int(np.ptp(xy[rows], axis=0).argmax())
    ordered = rows[np.lexsort((rows, xy[rows, axis]))]
    left = parts // 2
    at = round(len(rows) * left / parts)
    return _cut(ordered[:at], xy, left) + _cut(ordered[at:], xy, parts - left)


def random_sequences(n: int, longest: int, random: np.random.Generator) -> list[NDArray[np.int64]]:
    """Cut n spots into random sequences of `longest`, the last one shorter if need be."""
    order = random.permutation(n)
    return [order[start : start + longest] for start in range(0, n, longest)]
