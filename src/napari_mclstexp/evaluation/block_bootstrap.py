"""How sure a difference between two methods is, given few sections with many spots.

Neighbouring spots resemble each other and most genes follow a few programs, so neither spots nor
genes are independent samples. Sections are drawn instead, and in each whole blocks of neighbouring
spots, the same ones for both methods; genes stay as they are. Simulated errors that reach over a
quarter of a section are held by such an interval about as often as it says; with blocks alone, or
with spots, it is far too narrow. It speaks for sections like these, and not for other patients.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans

BLOCKS = 16  # of a section: more are smaller than what neighbours have in common
SPOTS = 8  # of a block, at least and on average
DRAWS = 2000
_AT_ONCE = 2_000_000  # correlations in memory


def spatial_blocks(
    xy: NDArray[np.float64], blocks: int = BLOCKS, seed: int = 0
) -> NDArray[np.int64]:
    """Cut a section into compact blocks of neighbouring spots.

    Parameters
    ----------
    xy
        (n, 2) centres.
    blocks, seed
        Most blocks, and of their start.

    Returns
    -------
    (n,) the block of each spot, from 0; all 0 where there are too few spots to cut.
    """
    number = min(blocks, len(xy) // SPOTS)
    if number < 2:
        return np.zeros(len(xy), dtype=np.int64)
    found = KMeans(number, n_init=1, random_state=seed).fit_predict(xy)
    return np.unique(found, return_inverse=True)[1].astype(np.int64)


def pcc_draws(
    predicted: NDArray[np.float32],
    measured: NDArray[np.float32],
    blocks: NDArray[np.int64],
    genes: Mapping[str, NDArray[np.int64]],
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> dict[str, NDArray[np.float64]]:
    """Mean PCC over some genes, in sections made of randomly drawn blocks.

    A draw's correlations follow from sums over each block, so that all draws together are a few
    matrix products.

    Parameters
    ----------
    predicted, measured
        (n, G)
    blocks
        (n,) as `spatial_blocks` gives them.
    genes
        Columns to average over, by a name.
    draws, seed
        How many; the same seed draws the same blocks for every method.

    Returns
    -------
    (draws,) for each name; NaN where there is one block only.
    """
    number = int(blocks.max(initial=0)) + 1
    if number < 2:
        return {name: np.full(draws, np.nan) for name in genes}
    # Around the section's mean, so that no digits are lost between the sums.
    p = predicted.astype(np.float64) - predicted.mean(axis=0, dtype=np.float64)
    m = measured.astype(np.float64) - measured.mean(axis=0, dtype=np.float64)
    member = np.zeros((number, len(p)))
    member[blocks, np.arange(len(p))] = 1
    size = member.sum(axis=1)
    sums = [member @ each for each in (p, m, p * p, m * m, p * m)]
    times = np.random.default_rng(seed).multinomial(number, np.full(number, 1 / number), draws)
    out = {name: np.empty(draws) for name in genes}
    step = max(1, _AT_ONCE // max(p.shape[1], 1))
    for first in range(0, draws, step):
        drawn = times[first : first + step].astype(np.float64)
        n = (drawn @ size)[:, None]
        sp, sm, spp, smm, spm = (drawn @ each for each in sums)
        vp, vm = spp - sp**2 / n, smm - sm**2 / n
        # What is left of a constant by rounding is no variance.
        known = (vp > 1e-9 * spp) & (vm > 1e-9 * smm)
        with np.errstate(divide="ignore", invalid="ignore"):
            r = np.where(known, (spm - sp * sm / n) / np.sqrt(vp * vm), np.nan)
        for name, columns in genes.items():
            out[name][first : first + step] = _mean_known(r[:, columns])
    return out


def interval(drawn: Sequence[NDArray[np.float64]], seed: int = 0) -> tuple[float, float]:
    """95 % interval of a mean over sections, which are drawn with replacement too.

    Parameters
    ----------
    drawn
        For each section, (draws,) values; sections that could not be drawn from are NaN.
    seed
        Of the draws of sections.

    Returns
    -------
    Low and high; NaN without any draws. Of one section it is that of its blocks alone.
    """
    known = [each for each in drawn if np.isfinite(each).all()]
    if not known:
        return float("nan"), float("nan")
    values = np.stack(known)
    number, draws = values.shape
    random = np.random.default_rng(seed)
    sections, draw = (random.integers(0, most, (DRAWS, number)) for most in (number, draws))
    low, high = np.percentile(values[sections, draw].mean(axis=1), [2.5, 97.5])
    return float(low), float(high)


def _mean_known(values: NDArray[np.float64]) -> NDArray[np.float64]:
    known = np.isfinite(values)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(known, values, 0).sum(axis=1) / known.sum(axis=1))
