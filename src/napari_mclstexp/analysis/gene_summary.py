"""What one wants to know of a gene at a glance: how it spreads, its like, where it peaks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..spots.geometry import neighbours
from .expression import Expression, correlation_with

GOOD, FAIR = 0.4, 0.2  # held-out PCC from which a gene is called so
BINS = 30
_NEIGHBOURS = 6
UNPROVEN = "not shown to be predicted"


@dataclass(frozen=True, eq=False)
class GeneFacts:
    """Of one gene.

    Attributes
    ----------
    counts, edges
        (b,) spots in each bin, (b + 1,) limits of the bins.
    alike
        The genes whose values go up and down with it most, with their Pearson correlation.
    peak
        Row of the spot about which it is highest, or None where it is the same everywhere.
    """

    counts: NDArray[np.int64]
    edges: NDArray[np.float64]
    alike: tuple[tuple[str, float], ...]
    peak: int | None


def trust_word(pcc: float | None) -> str:
    """Return "good", "fair", "poor" or "unknown" for a held-out correlation."""
    if pcc is None or not np.isfinite(pcc):
        return "unknown"
    return "good" if pcc >= GOOD else "fair" if pcc >= FAIR else "poor"


def is_unproven(pcc: float | None, low: float | None) -> bool:
    """Whether a gene was not shown to be predicted: its held-out score may well be zero.

    Parameters
    ----------
    pcc, low
        Its held-out correlation, and the lower end of that one's interval, where they are known.
    """
    decides = pcc if low is None else low
    return decides is not None and decides <= 0


def gene_facts(
    values: NDArray[np.float32],
    xy: NDArray[np.float64],
    expression: Expression,
    genes: tuple[str, ...],
    own: str,
    most: int = 8,
) -> GeneFacts:
    """Gather the facts of a gene.

    Parameters
    ----------
    values
        (n,) of the gene, or of a signature.
    xy
        (n, 2) places of the spots.
    expression, genes
        (n, G) and G names, to find its like among.
    own
        Its name, which is not its own like.
    most
        How many of its like.
    """
    known = np.isfinite(values)
    counts, edges = np.histogram(values[known], BINS)
    r = correlation_with(expression if known.all() else expression[known], values[known])
    order = [i for i in np.argsort(-r, kind="stable") if genes[i] != own][:most]
    alike = tuple((genes[i], float(r[i])) for i in order if r[i] > 0)
    return GeneFacts(counts, edges, alike, _peak(values, xy))


def _peak(values: NDArray[np.float32], xy: NDArray[np.float64]) -> int | None:
    """The spot with the highest mean over itself and its neighbours: a place, not an outlier."""
    known = np.flatnonzero(np.isfinite(values))
    if len(known) < 2 or np.ptp(values[known]) == 0:
        return None
    near = np.column_stack([np.arange(len(known)), neighbours(xy[known], _NEIGHBOURS)])
    return int(known[np.argmax(values[known][near].mean(axis=1))])
