"""Counts whose truth is known, and painted cohorts, for the tests of the evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Simulated:
    """Poisson counts of known rates.

    Attributes
    ----------
    counts, totals
        (n, G) and (n,).
    truth
        (n, G) the share of each gene in each spot.
    """

    counts: NDArray[np.int64]
    totals: NDArray[np.float64]
    truth: NDArray[np.float64]


def simulate(n: int = 400, genes: int = 60, depth: float = 4000.0, seed: int = 0) -> Simulated:
    """Genes of very different levels and spatial contrasts, in spots of different depths."""
    random = np.random.default_rng(seed)
    level = random.lognormal(0, 1.2, genes)
    contrast = random.uniform(0, 0.8, genes)
    state = random.normal(size=(n, 5)) @ random.normal(size=(5, genes)) / 5**0.5
    share = level * np.exp(contrast * state)
    share /= share.sum(axis=1, keepdims=True)
    depths = depth * random.lognormal(0, 0.3, n)
    counts = random.poisson(share * depths[:, None])
    return Simulated(counts, counts.sum(axis=1).astype(float), share)


def true_ceiling(simulated: Simulated, normalise: Any, draws: int = 60) -> NDArray[np.float64]:
    """The correlation that the best predictor reaches: of the mean over many fresh measurements."""
    random = np.random.default_rng(99)
    rates = simulated.truth * simulated.totals[:, None]
    mean = np.zeros_like(simulated.truth)
    for _ in range(draws):
        fresh = random.poisson(rates)
        mean += normalise(fresh, fresh.sum(axis=1)) / draws
    reached = []
    for _ in range(20):
        fresh = random.poisson(rates)
        measured = normalise(fresh, fresh.sum(axis=1))
        p, m = mean - mean.mean(axis=0), measured - measured.mean(axis=0)
        with np.errstate(invalid="ignore"):
            reached.append((p * m).sum(0) / np.sqrt((p**2).sum(0) * (m**2).sum(0)))
    return np.nanmean(reached, axis=0)
