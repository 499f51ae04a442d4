"""Intervals and plausible maps, from the errors that a linear head makes where it was not trained.

Each gene's interval holds the share of those errors that it says; nothing is assumed about their
shape. A spot's errors grow with its leverage, how far its features lie from the reference spots:
on real tissue the mean squared error of a spot goes with a power of it, so intervals do too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError, SettingsError
from .linear_head import Floats

INTERVAL = 0.8  # share of measured values in an interval, unless another is asked for
LEAST = 1e-3  # of the typical leverage; less than this narrows no further
SIMILAR = 50  # reference spots whose errors are drawn from


@dataclass(frozen=True, eq=False, repr=False)
class HeldOutErrors:
    """What a linear head got wrong on each reference spot while its section was left out.

    Attributes
    ----------
    errors
        (N, G) float16 measured less predicted, in the model's unit; below 0 as it would be in a
        section of the mean level, where sections' own levels are known.
    leverage
        (N,) of each spot among those that were learned from.
    growth
        (G,) power of the leverage with which a gene's squared errors grow, 0 or more.
    typical
        Leverage at which that factor is 1.
    """

    errors: NDArray[np.float16]
    leverage: NDArray[np.float32]
    growth: Floats
    typical: float

    def widening(
        self, leverage: NDArray[Any], columns: NDArray[np.int64] | None = None
    ) -> NDArray[np.float32]:
        """Return (n, G) factors of the errors to be expected at (n,) leverages."""
        reach = np.asarray(leverage, dtype=np.float64)[:, None]
        growth = self.growth if columns is None else self.growth[columns]
        grown = np.exp(np.log(np.maximum(reach / self.typical, LEAST)) * (growth / 2))
        return np.asarray(np.sqrt(1 + reach) * grown, dtype=np.float32)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return all parts by name, to be kept in a file of arrays."""
        return {field.name: np.asarray(getattr(self, field.name)) for field in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> HeldOutErrors:
        """Read what :meth:`arrays` gave.

        Raises
        ------
        ModelError
            If a part is missing, or the parts do not fit each other.
        """
        try:
            errors = np.asarray(arrays["errors"], dtype=np.float16)
            leverage = np.asarray(arrays["leverage"], dtype=np.float32)
            growth = np.asarray(arrays["growth"], dtype=np.float64)
            kept = cls(errors, leverage, growth, float(arrays["typical"]))
        except KeyError as error:
            raise ModelError(
                f"The model's held-out errors lack {error}; get the model folder anew."
            ) from error
        if errors.shape != (len(leverage), len(growth)):
            raise ModelError(
                f"The model's held-out errors are of shape {errors.shape}, which does not fit "
                f"{len(leverage):,} leverages and {len(growth):,} genes; get the model folder anew."
            )
        return kept


def check_level(level: float) -> None:
    """Check that an interval can hold this share of the values.

    Raises
    ------
    SettingsError
        If it is no share.
    """
    if not 0 < level < 1:
        raise SettingsError(
            f"An interval cannot hold a share of {level:g} of the values; "
            "give a number between 0 and 1, such as 0.8."
        )


class ExpectedErrors:
    """The errors to expect of some genes at any spot; what no spot changes is worked out once.

    Parameters
    ----------
    held_out
        The model's.
    columns
        Which of the model's genes; all by default.
    level
        (G,) how many times their mean level the section has of these genes. A spot where a gene
        was not measured lies below its prediction by about the level, so errors below 0 go with
        it.
    """

    def __init__(
        self,
        held_out: HeldOutErrors,
        columns: NDArray[np.int64] | None = None,
        level: Floats | float = 1.0,
    ) -> None:
        self._held_out, self._columns, self._level = held_out, columns, level
        errors = held_out.errors if columns is None else held_out.errors[:, columns]
        self._scaled = errors / held_out.widening(held_out.leverage, columns)
        self._size = np.sqrt((self._scaled**2).mean(axis=0, dtype=np.float64))
        self._ends: dict[float, NDArray[Any]] = {}

    def spread(self, leverage: NDArray[Any]) -> NDArray[np.float32]:
        """Return (n, G) standard deviations of the errors to be expected at (n,) leverages."""
        wide = self._held_out.widening(leverage, self._columns)
        return np.asarray(wide * self._size, dtype=np.float32)

    def interval(
        self,
        predicted: NDArray[Any],
        leverage: NDArray[Any],
        level: float,
        *,
        floor: float = 0.0,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the lower and the upper end of each value's interval (split conformal).

        Parameters
        ----------
        predicted
            (n, G) values.
        leverage
            (n,) of the spots.
        level
            Share of measured values that shall lie within, such as 0.8.
        floor
            The least value there is, 0 for the logarithm of 1 + x.

        Raises
        ------
        SettingsError
            If the level is no share.
        """
        check_level(level)
        if level not in self._ends:
            outside = (1 - level) / 2 * (len(self._scaled) + 1) / len(self._scaled)
            shares = [min(outside, 0.5), max(1 - outside, 0.5)]
            self._ends[level] = np.quantile(self._scaled, shares, axis=0)
        low, high = self._ends[level]
        wide = self._held_out.widening(leverage, self._columns)
        low, high = (np.where(end < 0, end * self._level, end) for end in (low, high))
        lower, upper = predicted + wide * low, predicted + wide * high
        return (
            np.maximum(lower, floor).astype(np.float32),
            np.maximum(upper, floor).astype(np.float32),
        )


def samples(
    predicted: NDArray[Any],
    held_out: HeldOutErrors,
    leverage: NDArray[Any],
    *,
    scores: NDArray[Any],
    bank_scores: NDArray[Any],
    bank_sections: NDArray[Any],
    n: int,
    seed: int = 0,
    columns: NDArray[np.int64] | None = None,
    floor: float = 0.0,
) -> Iterator[NDArray[np.float32]]:
    """Yield plausible maps, which vary as much as measured ones instead of being smooth means.

    To each spot the errors of one reference spot with similar programs are added, of all genes
    at once, so that genes vary together as they do; to the whole map the mean error of one
    reference section, since a section may be off as a whole.

    Parameters
    ----------
    predicted
        (n_spots, G) values.
    held_out, leverage, columns, floor
        As for :class:`ExpectedErrors`.
    scores, bank_scores
        (n_spots, R) and (N, R) scores of the programs.
    bank_sections
        (N,) names.
    n
        How many maps.
    seed
        The same seed gives the same maps.

    Yields
    ------
    NDArray
        (n_spots, G) values.
    """
    from scipy.spatial import cKDTree

    random = np.random.default_rng(seed)
    errors = held_out.errors if columns is None else held_out.errors[:, columns]
    within = errors.astype(np.float64)
    names = np.unique(bank_sections)
    shifts = np.empty((len(names), errors.shape[1]))
    for at, name in enumerate(names):
        rows = bank_sections == name
        shifts[at] = within[rows].mean(axis=0)
        within[rows] -= shifts[at]
    within = (within / held_out.widening(held_out.leverage, columns)).astype(np.float32)
    scale = np.std(bank_scores, axis=0) + np.finfo(np.float32).eps
    alike = min(SIMILAR, len(errors))
    similar = cKDTree(bank_scores / scale).query(scores / scale, k=alike)[1]
    similar = similar.reshape(len(scores), alike)
    wide = held_out.widening(leverage, columns)
    for _ in range(n):
        drawn = similar[np.arange(len(scores)), random.integers(alike, size=len(scores))]
        whole = shifts[random.integers(len(names))]
        yield np.maximum(predicted + whole + wide * within[drawn], floor).astype(np.float32)
