"""Gaussian weights over the cells of a feature map, on cells as coarse as each width allows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .cell_grid import CellGrid
from .feature_map_store import FeatureMap

REACH = 3.0  # standard deviations; the weights end there
TISSUE_CELL = 0.25  # share of tissue from which a cell counts for the section's statistics
_FINEST = 2.0  # working cells in a standard deviation: more would only cost time
_LEAST_WEIGHT = 1e-9  # below it is rounding
_LEAST_SPREAD = 1e-4  # of a channel's mean; 16 bits cannot tell less from nothing

Values = NDArray[np.float32]


@dataclass(frozen=True)
class Part:
    """The rectangle of cells that is worked on: the tissue, and what its finest weights reach.

    Its corner and sides are multiples of the coarsest working cell, so that working cells lie on
    a grid from the slide's origin too; it may reach beyond the map.
    """

    rows: slice
    cols: slice

    @classmethod
    def of(cls, feature_map: FeatureMap, widths: Sequence[float]) -> Part:
        """Return the rectangle for widths in µm."""
        sigmas = [width / feature_map.grid.cell_um for width in widths]
        step = _working_cells(max(sigmas))
        margin = math.ceil(REACH * min(sigmas)) + 1
        sides = []
        for axis, length in enumerate(feature_map.share.shape):
            there = np.flatnonzero((feature_map.share > 0).any(axis=1 - axis))
            first, last = (int(there[0]), int(there[-1]) + 1) if len(there) else (0, 1)
            start, stop = max(0, first - margin), min(length, last + margin)
            sides.append(slice(start // step * step, -(-stop // step) * step))
        return cls(*sides)

    def within(self, grid: CellGrid) -> tuple[slice, slice]:
        """Return its rows and columns as far as the map has them."""
        return (
            slice(self.rows.start, min(self.rows.stop, grid.rows)),
            slice(self.cols.start, min(self.cols.stop, grid.cols)),
        )

    def fill(self, inside: Values) -> Values:
        """Return (..., rows, cols) values of this rectangle, 0 beyond the map."""
        missing = (
            self.rows.stop - self.rows.start - inside.shape[-2],
            self.cols.stop - self.cols.start - inside.shape[-1],
        )
        before = [(0, 0)] * (inside.ndim - 2)
        return np.pad(inside, [*before, (0, missing[0]), (0, missing[1])])

    def weights(self, feature_map: FeatureMap) -> Values:
        """Return the (rows, cols) weights of its cells."""
        return self.fill(feature_map.weights()[self.within(feature_map.grid)])


@dataclass(frozen=True, eq=False)
class Places:
    """Where spots lie between four cells: (4, n) rows of the cells' values, and their weights."""

    index: NDArray[np.intp]
    weight: Values

    @property
    def on_tissue(self) -> NDArray[np.bool_]:
        """Which spots have a cell with a value beside them."""
        return np.asarray(self.weight.sum(axis=0) > 0)

    def compact(self) -> tuple[NDArray[np.intp], Places]:
        """Return the cells that are read at all, and the places among these alone."""
        cells, index = np.unique(self.index, return_inverse=True)
        return cells, Places(index.reshape(self.index.shape), self.weight)

    def interpolate(self, values: Values) -> Values:
        """Return (c, n) values at the spots of (c, cells); 0 where no cell has one."""
        out = np.zeros((len(values), self.index.shape[1]), dtype=np.float32)
        if values.shape[1]:
            for index, weight in zip(self.index, self.weight, strict=True):
                out += values[:, index] * weight
        return out


@dataclass(frozen=True, eq=False)
class Level:
    """One width's weights over its working cells, which are `step` cells wide.

    Attributes
    ----------
    total
        (rows, cols) weight of the tissue around each working cell.
    filled
        Which have any; only their values are kept, in this order.
    counted
        Which of those count for the section's statistics.
    """

    part: Part
    step: int
    sigma: float
    total: Values
    filled: NDArray[np.bool_]
    counted: NDArray[np.bool_]

    @classmethod
    def of(cls, feature_map: FeatureMap, part: Part, width: float) -> Level:
        """Return the weights of a width in µm."""
        sigma = width / feature_map.grid.cell_um
        step = _working_cells(sigma)
        # A mean over cells is a weighting too, and its variance part of what is asked for.
        sigma = math.sqrt(sigma**2 - (step**2 - 1) / 12) / step
        weights = reduce(part.weights(feature_map), step)
        total = _weighted(weights, sigma)
        filled = total > _LEAST_WEIGHT
        tissue = weights[filled] > TISSUE_CELL
        counted = tissue if tissue.any() else weights[filled] > 0
        return cls(part, step, sigma, total[filled], filled, counted)

    @property
    def n_cells(self) -> int:
        """How many working cells have values."""
        return len(self.total)

    def pool(self, weighted: Values) -> Values:
        """Return (c, n_cells) weighted means of (c, rows, cols) values times weights."""
        return _weighted(weighted, self.sigma)[:, self.filled] / self.total

    def relative(self, values: Values, scale: float) -> Values:
        """Return (c, n_cells) values relative to the section's, times a scale; in place."""
        if not self.counted.any():
            return values
        tissue = values[:, self.counted]
        mean, spread = tissue.mean(axis=1), tissue.std(axis=1)
        varies = spread > _LEAST_SPREAD * abs(mean) + 1e-7
        factor = np.where(varies, scale / np.maximum(spread, 1e-7), 0).astype(np.float32)
        values -= mean[:, None]
        values *= factor[:, None]
        return values

    def read_at(self, at: NDArray[np.float64]) -> Places:
        """Return the places of (n, 2) rows and columns of cells among the working cells."""
        corner = np.array([self.part.rows.start, self.part.cols.start])
        inner = (at + 0.5 - corner) / self.step - 0.5
        first = np.floor(inner)
        number = np.full(self.filled.shape, -1, dtype=np.intp)
        number[self.filled] = np.arange(self.n_cells)
        index, weight = [], []
        for down in (0, 1):
            for right in (0, 1):
                cell = first + np.array([down, right])
                there = ((cell >= 0) & (cell < number.shape)).all(axis=1)
                row, col = np.where(there[:, None], cell, 0).astype(np.intp).T
                found = np.where(there, number[row, col], -1)
                share = np.prod(1 - abs(inner - cell), axis=1)
                index.append(np.maximum(found, 0))
                weight.append(np.where(found >= 0, share, 0))
        total = np.sum(weight, axis=0)
        weights = np.array(weight) / np.where(total > 0, total, 1)
        return Places(np.array(index), weights.astype(np.float32))


def levels_of(feature_map: FeatureMap, widths: Sequence[float]) -> list[Level]:
    """Return the weights of each width, all on one rectangle of cells."""
    part = Part.of(feature_map, widths)
    return [Level.of(feature_map, part, width) for width in widths]


def _working_cells(sigma: float) -> int:
    step = 1
    while sigma / (2 * step) >= _FINEST:
        step *= 2
    return step


def _weighted(values: Values, sigma: float) -> Values:
    return np.asarray(
        ndimage.gaussian_filter(
            values, sigma, axes=(-2, -1), truncate=REACH, mode="constant", output=np.float32
        )
    )


def reduce(values: Values, step: int) -> Values:
    """Return means over squares of step x step cells of (..., rows, cols)."""
    if step == 1:
        return values
    # A row or column at a time: several times as fast as a mean over two axes.
    rows = np.add.reduce([values[..., first::step, :] for first in range(step)])
    cells = np.add.reduce([rows[..., first::step] for first in range(step)])
    return np.asarray(cells / np.float32(step**2))
