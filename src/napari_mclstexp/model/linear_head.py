"""The linear head: a few expression programs, read linearly from what is seen around a spot.

A spot's features are projected on principal axes (its codes); a reduced-rank ridge reads the
programs from the codes, and a gene is its mean plus its loadings on the programs. Everything here
is numpy, in 64 bits inside; how the head is fitted stands in `training`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError

Floats = NDArray[np.float64]
LEAST_STD = 1e-3  # added to each gene's std, so that genes hardly counted stay small


@dataclass(frozen=True, eq=False, repr=False)
class LinearHead:
    """A reduced-rank ridge from features to expression.

    Attributes
    ----------
    components
        (F, q) float32 principal axes; features times these are codes.
    coefficients
        (q, R) from codes to the scores of the programs.
    loadings
        (R, G) of the genes on the programs, orthonormal rows; the program that explains most is
        the first, and each one's largest loading is positive.
    share
        (R,) of the variance of all fitted values, before the rank was cut.
    mean
        (G,) in the model's unit, from which a section's values differ: of the training sections'
        means, unless the section's own level is known.
    slope
        By which predicted differences are multiplied, calibrated on sections left out.
    penalty
        Of the ridge.
    """

    components: NDArray[np.float32]
    coefficients: Floats
    loadings: Floats
    share: Floats
    mean: Floats
    slope: float
    penalty: float

    @property
    def rank(self) -> int:
        """How many programs there are."""
        return len(self.loadings)

    def codes(self, features: NDArray[Any]) -> NDArray[np.float32]:
        """Return (n, q) codes of (n, F) features; the bank keeps those of its spots.

        Raises
        ------
        ModelError
            If the features are not those that the head was fitted to.
        """
        if features.ndim != 2 or features.shape[1] != len(self.components):
            raise ModelError(
                f"The features are of shape {features.shape} and the model reads "
                f"{len(self.components):,} a spot; compute them with the model's own encoder."
            )
        return np.asarray(features @ self.components, dtype=np.float32)

    def program_scores(self, codes: NDArray[Any]) -> Floats:
        """Return (n, R) scores of the programs at (n, q) codes."""
        return np.asarray(codes, dtype=np.float64) @ self.coefficients

    def predict(self, codes: NDArray[Any], columns: NDArray[np.int64] | None = None) -> Floats:
        """Return (n, G) expression in the model's unit, or of some genes.

        Parameters
        ----------
        codes
            (n, q).
        columns
            Of the genes wanted; all by default.
        """
        kept = slice(None) if columns is None else columns
        differences = self.program_scores(codes) @ self.loadings[:, kept]
        return self.mean[kept] + self.slope * differences

    def on_level(self, level: Floats | None) -> LinearHead:
        """Return the head for a section of a known (G,) level; see `section_level`."""
        return self if level is None else replace(self, mean=level)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return all that the head is by name, to be kept in a file of arrays."""
        return {field.name: np.asarray(getattr(self, field.name)) for field in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> LinearHead:
        """Read what :meth:`arrays` gave.

        Raises
        ------
        ModelError
            If a part is missing, or the parts do not fit each other.
        """
        lacking = [field.name for field in fields(cls) if field.name not in arrays]
        if lacking:
            raise ModelError(
                f"The model's linear head lacks its {lacking[0]}; get the model folder anew."
            )
        kept = {field.name: np.asarray(arrays[field.name]) for field in fields(cls)}
        q, rank = kept["coefficients"].shape if kept["coefficients"].ndim == 2 else (-1, -1)
        n_genes = kept["mean"].size
        wanted = {
            "components": (len(kept["components"]), q),
            "loadings": (rank, n_genes),
            "share": (rank,),
            "mean": (n_genes,),
            "slope": (),
            "penalty": (),
        }
        for name, shape in wanted.items():
            if kept[name].shape != shape:
                raise ModelError(
                    f"The {name} of the model's linear head is of shape {kept[name].shape}, which "
                    "does not fit its other parts; get the model folder anew."
                )
        return cls(
            components=kept["components"].astype(np.float32),
            slope=float(kept["slope"]),
            penalty=float(kept["penalty"]),
            **{
                name: kept[name].astype(np.float64)
                for name in ("coefficients", "loadings", "share", "mean")
            },
        )


def beyond_axes(squares: NDArray[Any], codes: NDArray[Any]) -> Floats:
    """Return (n,) squared lengths of what a head's axes leave out of features.

    Parameters
    ----------
    squares
        (n,) squared lengths of the features.
    codes
        (n, q) features on the axes.
    """
    kept = (np.asarray(codes, dtype=np.float64) ** 2).sum(axis=1)
    return np.asarray(np.maximum(squares - kept, 0.0), dtype=np.float64)


def section_targets(expression: NDArray[Any], sections: NDArray[Any]) -> Floats:
    """Return what a linear head learns: each gene relative to its own section.

    A gene is centred and divided by its standard deviation within each section, so that no
    section weighs more because it was sequenced deeper, then scaled back by the deviation over
    all of them, so that values keep the unit.

    Parameters
    ----------
    expression
        (N, G) in the model's unit.
    sections
        (N,) names of the spots' sections.
    """
    values = np.asarray(expression, dtype=np.float64)
    centred, standard = np.empty_like(values), np.empty_like(values)
    for name in np.unique(sections):
        rows = sections == name
        centred[rows] = values[rows] - values[rows].mean(axis=0)
        standard[rows] = centred[rows] / (centred[rows].std(axis=0) + LEAST_STD)
    return np.asarray(standard * (centred.std(axis=0) + LEAST_STD), dtype=np.float64)
