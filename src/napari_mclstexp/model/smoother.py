"""A linear head as the weighted sum over reference spots that it is.

A ridge's values are weighted sums of its targets. Evidence shows the weights; how much a spot's
features ask of them, its leverage, says how far its value may be off.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .linear_head import Floats, LinearHead, section_targets


class Smoother:
    """A linear head and the spots it was fitted to, solved once for any number of other spots.

    Parameters
    ----------
    head
        The head.
    bank_codes
        (N, q) of the spots that the head was fitted to, in their kept precision.
    """

    def __init__(self, head: LinearHead, bank_codes: NDArray[Any]) -> None:
        from scipy.linalg import cho_factor

        self._head = head
        self._bank = np.asarray(bank_codes, dtype=np.float64)
        products = self._bank.T @ self._bank
        products[np.diag_indices_from(products)] += head.penalty
        self._factor = cho_factor(products, overwrite_a=True)

    def weights(self, codes: NDArray[Any]) -> Floats:
        """Return the (n, N) weights of the reference spots in the predictions at (n, q) codes.

        The weights times the spots' targets, cut to the programs, are the predicted differences.
        They may be negative and do not sum to 1.
        """
        return self._solved(codes) @ self._bank.T

    def leverage(self, codes: NDArray[Any], beyond: NDArray[Any]) -> Floats:
        """Return (n,) how far outside the reference spots the features lie.

        0 at their centre; of a ridge, it is the variance of the value in that of a measurement.
        What the axes leave out counts as a direction in which no reference spot lies.

        Parameters
        ----------
        codes
            (n, q).
        beyond
            (n,), from :func:`~napari_mclstexp.model.linear_head.beyond_axes`.
        """
        solved = self._solved(codes)
        return np.asarray(
            (solved * codes).sum(axis=1) + beyond / self._head.penalty, dtype=np.float64
        )

    def _solved(self, codes: NDArray[Any]) -> Floats:
        from scipy.linalg import cho_solve

        query = np.asarray(codes, dtype=np.float64)
        return np.asarray(cho_solve(self._factor, query.T).T, dtype=np.float64)


class Contributions:
    """What each reference spot adds to a linear head's values.

    Parameters
    ----------
    head
        The head.
    bank_codes, expression, sections
        (N, q) codes, (N, G) expression and (N,) section names of the spots it was fitted to.
    """

    def __init__(
        self,
        head: LinearHead,
        bank_codes: NDArray[Any],
        expression: NDArray[Any],
        sections: NDArray[Any],
    ) -> None:
        self._head, self._smoother = head, Smoother(head, bank_codes)
        self._programs = section_targets(expression, sections) @ head.loadings.T

    def __call__(self, code: NDArray[Any], column: int) -> Floats:
        """Return (N,) what each spot adds to one gene's value at a (q,) code.

        They add up to the predicted value less the gene's mean.
        """
        weights = self._smoother.weights(np.atleast_2d(code))[0]
        cut = self._programs @ self._head.loadings[:, column]
        return np.asarray(weights * self._head.slope * cut, dtype=np.float64)
