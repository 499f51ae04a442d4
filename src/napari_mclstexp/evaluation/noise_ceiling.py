"""The noise ceiling: the highest PCC that even a perfect predictor could show against counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ..inference.correlation import pcc_per_gene
from ..model.normalisation import Normalisation, normalise

FLOOR = 0.3  # a gene whose ceiling is lower is called not measurable here
REPEATS, RESAMPLES = 10, 100


@dataclass(frozen=True, eq=False)
class Ceiling:
    """The ceiling of each of G genes in one section.

    Attributes
    ----------
    value, low, high
        (G,) highest PCC, from 0 to 1, and its 95 % interval over resampled spots; 0 where two
        halves of the counts do not agree at all, NaN where a gene was not counted.
    measurable
        (G,) whether it is at least 0.3, and surely above 0.
    """

    value: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    measurable: NDArray[np.bool_]


def noise_ceiling(
    counts: Any,
    totals: NDArray[np.float64],
    normalisation: Normalisation,
    *,
    seed: int = 0,
    repeats: int = REPEATS,
    resamples: int = RESAMPLES,
) -> Ceiling:
    """Estimate how well a section's counts could be predicted at all.

    Each count is split by a fair coin into two halves (binomial thinning: of Poisson counts, two
    independent measurements of the same truth), both are normalised like the whole, and their
    correlation r is brought to the full depth by Spearman and Brown, 2r / (1 + r), which is the
    reliability; a perfect predictor correlates with the measurement by its square root.

    Parameters
    ----------
    counts
        (n, G) raw counts of the listed genes, dense or sparse.
    totals
        (n,) counts over all genes.
    normalisation
        The evaluation's rule.
    seed, repeats, resamples
        Of the splits (averaged over), and of the bootstrap over spots.
    """
    random = np.random.default_rng(seed)
    whole = (counts.toarray() if sparse.issparse(counts) else np.asarray(counts)).astype(np.int64)
    rest = np.maximum(np.asarray(totals).astype(np.int64) - whole.sum(axis=1), 0)
    halves = [_halves(whole, rest, normalisation, random) for _ in range(repeats)]
    value = _ceiling(np.mean([_agreement(one, other) for one, other in halves], axis=0))
    n = len(whole)
    drawn = np.empty((resamples, whole.shape[1]))
    for i in range(resamples):
        rows = random.integers(0, n, n)
        one, other = halves[i % repeats]
        drawn[i] = _ceiling(_agreement(one[rows], other[rows]))
    low, high = np.percentile(drawn, [2.5, 97.5], axis=0)
    silent = whole.sum(axis=0) == 0
    for each in (value, low, high):
        each[silent] = np.nan
    measurable = np.nan_to_num(value) >= FLOOR
    return Ceiling(value, low, high, measurable & (np.nan_to_num(low) > 0))


def _halves(
    whole: NDArray[np.int64],
    rest: NDArray[np.int64],
    normalisation: Normalisation,
    random: np.random.Generator,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    one, one_rest = random.binomial(whole, 0.5), random.binomial(rest, 0.5)
    other, other_rest = whole - one, rest - one_rest
    return (
        normalise(one, one.sum(axis=1) + one_rest, normalisation),
        normalise(other, other.sum(axis=1) + other_rest, normalisation),
    )


def _agreement(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float64]:
    """Correlation of the halves, 0 where a half has no variance."""
    return np.nan_to_num(pcc_per_gene(one, other), nan=0.0)


def _ceiling(r: NDArray[np.float64]) -> NDArray[np.float64]:
    r = np.clip(r, 0, 1)
    return np.asarray(np.sqrt(2 * r / (1 + r)))
