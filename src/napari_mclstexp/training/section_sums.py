"""Sums over the spots of each section, from which a ridge on any of the sections is had at once.

Rank and penalty are chosen, and slopes calibrated, by leaving sections out again and again; with
these sums each such fit costs one small eigendecomposition, whatever the number of spots.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from ..model.linear_head import LEAST_STD, Floats

FEW = 32  # programs up to this many are found without a whole decomposition


@dataclass(frozen=True, eq=False)
class SectionSums:
    """One section: its spots' codes and expression, and the sums a ridge needs of them.

    Attributes
    ----------
    rows
        (n,) of its spots among all.
    codes
        (n, q).
    centred
        (n, G) expression less its mean in the section.
    mean
        (G,).
    gram
        (q, q) of the codes.
    cross
        (q, G) of the codes with the standardised expression.
    squares
        (G,) sums of the squares of `centred`.
    """

    rows: NDArray[np.int64]
    codes: Floats
    centred: Floats
    mean: Floats
    gram: Floats
    cross: Floats
    squares: Floats


def section_sums(
    codes: NDArray[np.float32], expression: NDArray[np.float32], sections: NDArray[np.str_]
) -> dict[str, SectionSums]:
    """Return the sums of each section, in order of appearance."""
    sums = {}
    for name in dict.fromkeys(sections.tolist()):
        rows = np.flatnonzero(sections == name)
        z, values = codes[rows].astype(np.float64), expression[rows].astype(np.float64)
        mean = values.mean(axis=0)
        centred = values - mean
        standard = centred / (centred.std(axis=0) + LEAST_STD)
        squares = (centred**2).sum(axis=0)
        sums[name] = SectionSums(rows, z, centred, mean, z.T @ z, z.T @ standard, squares)
    return sums


@dataclass(frozen=True, eq=False)
class RidgeSolver:
    """All ridges of some sections: one eigendecomposition, then any penalty.

    Attributes
    ----------
    values, vectors
        (q,) and (q, q) of the codes' products.
    turned
        (q, G) `vectors` times the products of codes and targets.
    mean
        (G,) mean of the sections' means.
    """

    values: Floats
    vectors: Floats
    turned: Floats
    mean: Floats

    @classmethod
    def of(cls, learned: Sequence[SectionSums]) -> RidgeSolver:
        """Add up the sections that are learned from."""
        values, vectors = np.linalg.eigh(sum(each.gram for each in learned))
        n_spots = sum(len(each.rows) for each in learned)
        pooled = np.sqrt(sum(each.squares for each in learned) / n_spots) + LEAST_STD
        cross = sum(each.cross for each in learned) * pooled
        mean = np.mean([each.mean for each in learned], axis=0)
        return cls(np.maximum(values, 0), vectors, vectors.T @ cross, mean)

    def programs(self, penalty: float, rank: int) -> tuple[Floats, Floats, Floats]:
        """Return (q, R) coefficients, (R, G) loadings and (R,) shares of the fitted variance.

        The programs are the first right singular vectors of the fitted values, each with its
        largest loading positive.
        """
        coefficients = self.turned / (self.values + penalty)[:, None]
        loadings, squares = _right_vectors(np.sqrt(self.values)[:, None] * coefficients, rank)
        largest = loadings[np.arange(len(loadings)), np.abs(loadings).argmax(axis=1)]
        loadings = np.where(largest < 0, -1.0, 1.0)[:, None] * loadings
        return self.vectors @ (coefficients @ loadings.T), loadings, squares

    def leverage(self, codes: Floats, penalty: float, beyond: Floats) -> Floats:
        """Return (n,) how far outside the learned spots lie (n, q) codes; see `LinearHead`."""
        within = ((codes @ self.vectors) ** 2 / (self.values + penalty)).sum(axis=1)
        return np.asarray(within + beyond / penalty, dtype=np.float64)


def _right_vectors(matrix: Floats, rank: int) -> tuple[Floats, Floats]:
    """Return the first right singular vectors, and their shares of the sum of squares."""
    whole = max(float((matrix**2).sum()), np.finfo(np.float64).tiny)
    if rank > FEW:
        _, lengths, axes = np.linalg.svd(matrix, full_matrices=False)
        return axes[:rank], lengths[:rank] ** 2 / whole
    first = [max(len(matrix) - rank, 0), len(matrix) - 1]
    squares, left = eigh(matrix @ matrix.T, subset_by_index=first)
    squares, left = np.maximum(squares[::-1], np.finfo(np.float64).tiny), left[:, ::-1]
    return (left / np.sqrt(squares)).T @ matrix, squares / whole
