"""How well a prediction agrees with a measurement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


def pcc_per_gene(predicted: NDArray[Any], measured: NDArray[Any]) -> NDArray[np.float64]:
    """Pearson correlation of each gene over the spots.

    Parameters
    ----------
    predicted, measured
        (n, G) in the same unit; of `measured` also (n, 1), for all genes alike.

    Returns
    -------
    (G,), NaN for genes that have no variance in either, or are not measured.
    """
    p = predicted.astype(np.float64) - predicted.mean(axis=0, dtype=np.float64)
    m = measured.astype(np.float64) - measured.mean(axis=0, dtype=np.float64)
    norm = np.sqrt((p**2).sum(axis=0) * (m**2).sum(axis=0))
    # A constant column leaves rounding errors, whose correlation would be noise.
    constant = (np.ptp(predicted, axis=0) == 0) | (np.ptp(measured, axis=0) == 0)
    norm[constant] = np.nan
    return np.asarray((p * m).sum(axis=0) / norm)


@dataclass(frozen=True)
class Summary:
    """Mean correlations, and how many genes could not be scored.

    Attributes
    ----------
    mean, mean_top
        Over all scored genes, and over the `n_top` with the highest mean measured expression.
    n_genes, n_left_out, n_top
        Genes scored, genes without variance or measurement, genes in the top.
    """

    mean: float
    mean_top: float
    n_genes: int
    n_left_out: int
    n_top: int


def summarise(pcc: NDArray[np.float64], measured: NDArray[Any], top: int = 50) -> Summary:
    """Summarise the correlations of G genes by what was measured, (n, G)."""
    scored = np.isfinite(pcc)
    level = np.where(scored, measured.mean(axis=0, dtype=np.float64), -np.inf)
    highest = np.argsort(-level, kind="stable")[: min(top, int(scored.sum()))]
    return Summary(
        mean=float(pcc[scored].mean()) if scored.any() else float("nan"),
        mean_top=float(pcc[highest].mean()) if len(highest) else float("nan"),
        n_genes=int(scored.sum()),
        n_left_out=int((~scored).sum()),
        n_top=len(highest),
    )


def correlation(predicted: NDArray[Any], measured: NDArray[Any]) -> float | None:
    """Return Pearson's correlation of two (n,) arrays where both are finite.

    None if fewer than three spots have both, or either does not vary over them.
    """
    both = np.isfinite(predicted) & np.isfinite(measured)
    if both.sum() < 3:
        return None
    found = float(pcc_per_gene(predicted[both][:, None], measured[both][:, None])[0])
    return found if np.isfinite(found) else None
