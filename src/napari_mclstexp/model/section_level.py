"""How much of each gene a whole section has: what the other part of a linear head cannot see.

A linear head reads every place relative to its own section. How much there is of a gene in the
section is the mean, over all its tissue, of what was measured at the reference spots whose
surroundings look most alike: their stain, how dense it is, how much is glass or fat.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .linear_head import LEAST_STD, Floats, LinearHead

LOOK_UM = 160.0  # standard deviation of the Gaussian weights around a spot
NEAREST = 50
MOST = 8.0  # times a mean level, or a part of it
_AT_ONCE = 4096  # places


def relative_level(level: Floats, mean: Floats) -> Floats:
    """Return (G,) how many times a gene's mean level a section has of it, within bounds."""
    return np.asarray(np.clip((level + LEAST_STD) / (mean + LEAST_STD), 1 / MOST, MOST))


def section_level(
    looks: NDArray[np.float32], known: NDArray[np.float32], expression: NDArray[np.float32]
) -> Floats:
    """Return the (G,) level of a section's genes, in the unit of the expression.

    Parameters
    ----------
    looks
        (m, C) of places all over the section's tissue; see `inference.section_looks`.
    known
        (N, C) of the reference spots.
    expression
        (N, G) that was measured there.
    """
    from sklearn.neighbors import NearestNeighbors

    centre, spread = known.mean(axis=0, dtype=np.float64), known.std(axis=0, dtype=np.float64)
    scale = np.where(spread > 0, spread, np.inf)  # what does not vary tells nothing
    search = NearestNeighbors(n_neighbors=min(NEAREST, len(known))).fit((known - centre) / scale)
    weights = np.zeros(len(known))
    for start in range(0, len(looks), _AT_ONCE):
        part = (looks[start : start + _AT_ONCE] - centre) / scale
        nearest = search.kneighbors(part, return_distance=False)
        weights += np.bincount(nearest.ravel(), minlength=len(known))
    return np.asarray(weights / weights.sum() @ expression, dtype=np.float64)


def on_own_level(
    head: LinearHead,
    looks: NDArray[np.float32] | None,
    known: NDArray[np.float32] | None,
    expression: NDArray[np.float32],
) -> tuple[LinearHead, Floats]:
    """Return a head on the level of a section, and (G,) how many times the mean level that is.

    Parameters
    ----------
    head
        As it was fitted.
    looks, known, expression
        As for :func:`section_level`; where looks are not known, the head stays as it is.
    """
    if looks is None or known is None:
        return head, np.ones(len(head.mean))
    level = section_level(looks, known, expression)
    return head.on_level(level), relative_level(level, head.mean)
