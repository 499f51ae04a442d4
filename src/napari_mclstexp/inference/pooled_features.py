"""Features of spots: the feature map around them under Gaussian weights, relative to the section.

The order of the features: width by width; in a width, group by group of the map (``"colour"``,
then layers as configured); in a group, the mean of each channel, then its standard deviation.

A feature is a property of the tissue's cells, and spots read it between cells' centres. So one
spot has the same value alone or among others, and any number of spots costs one pass over cells.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ..errors import SettingsError
from ..progress import CancelToken
from ..running.ahead import worked_ahead
from .cell_pooling import Level, Part, Places, Values, levels_of, reduce
from .feature_map_store import CHUNK, FeatureMap

_SQUARED_AT_ONCE = 16  # features of every spot
_PROJECTED_AT_ONCE = 64  # features of every cell that is read
_MULTIPLIED_AT_ONCE = 8192  # cells
_BLOCK_VALUES = 1_000_000  # of channels and cells that are filtered at once


def feature_slices(
    feature_map: FeatureMap, widths: Sequence[float]
) -> dict[tuple[float, str], slice]:
    """Return which features belong to each width in µm and group, in order.

    The first half of each is means, the second standard deviations.
    """
    slices, start = {}, 0
    for width in widths:
        for name, channels in feature_map.groups.items():
            stop = start + 2 * (channels.stop - channels.start)
            slices[width, name] = slice(start, stop)
            start = stop
    return slices


def spots_on_tissue(
    feature_map: FeatureMap, xy: NDArray[np.float64], widths: Sequence[float]
) -> NDArray[np.bool_]:
    """Tell which (n, 2) spots have tissue within three standard deviations of the finest width."""
    level = Level.of(feature_map, Part.of(feature_map, widths), min(widths))
    return level.read_at(feature_map.grid.in_cells(xy)).on_tissue


def pooled_features(
    feature_map: FeatureMap,
    xy: NDArray[np.float64],
    widths: Sequence[float],
    *,
    cancel: CancelToken | None = None,
) -> Values:
    """Return the features of spots.

    Mean and standard deviation of every channel under Gaussian weights, each relative to its mean
    and in units of its spread over all tissue cells of the section; divided by the square roots
    of the number of features in its group and of the number of groups, so that each group counts
    alike, and a spot's features have a mean square sum of 1.

    Parameters
    ----------
    feature_map
        Whole; or in part, then of what is done.
    xy
        (n, 2) in level-0 pixels.
    widths
        Standard deviations of the weights in µm.
    cancel
        Ends the work within a second.

    Returns
    -------
    (n, F) in the order of `feature_slices`; 0, the section's mean, off the tissue
    (see `spots_on_tissue`).
    """
    slices = feature_slices(feature_map, widths)
    out = np.zeros((len(xy), max(each.stop for each in slices.values())), dtype=np.float32)
    at = feature_map.grid.in_cells(xy)
    levels = levels_of(feature_map, widths)
    places = [level.read_at(at) for level in levels]
    off = ~places[int(np.argmin(widths))].on_tissue

    def keep(index: int, features: slice, values: Values) -> None:
        out[:, features] = places[index].interpolate(values).T

    _for_blocks(feature_map, widths, levels, keep, cancel)
    out[off] = 0
    return out


def project_spots_on(
    feature_map: FeatureMap,
    xy: NDArray[np.float64],
    widths: Sequence[float],
    components: Values,
    *,
    cancel: CancelToken | None = None,
) -> tuple[Values, NDArray[np.float64]]:
    """Return `pooled_features` times components, without ever holding all features of all spots.

    The cells are projected, and the spots read between them.

    Parameters
    ----------
    feature_map, xy, widths, cancel
        See `pooled_features`.
    components
        (F, q).

    Returns
    -------
    (n, q), and the (n,) squared lengths of the features.
    """
    expected = max(each.stop for each in feature_slices(feature_map, widths).values())
    if len(components) != expected:
        raise SettingsError(
            f"The components are for {len(components)} features and the feature map gives "
            f"{expected}; use the encoder, layers and widths they were made with."
        )
    components = np.asarray(components, dtype=np.float32)
    at = feature_map.grid.in_cells(xy)
    levels = levels_of(feature_map, widths)
    places = [level.read_at(at) for level in levels]
    projections = [_Projection(place, components) for place in places]
    squares = np.zeros(len(xy))

    def project(index: int, features: slice, values: Values) -> None:
        projection = projections[index]
        read = projection.add(features, values)
        for start in range(0, len(read), _SQUARED_AT_ONCE):
            some = projection.places.interpolate(read[start : start + _SQUARED_AT_ONCE])
            np.add(squares, np.einsum("cn,cn->n", some, some), out=squares)

    _for_blocks(feature_map, widths, levels, project, cancel)
    out = np.zeros((components.shape[1], len(xy)), dtype=np.float32)
    while projections:
        out += projections.pop(0).at_spots()
    off = ~places[int(np.argmin(widths))].on_tissue
    out[:, off], squares[off] = 0, 0
    return np.ascontiguousarray(out.T), squares


class _Projection:
    """One width's features times components, at the cells that spots are read between.

    Few features at a time would mean going through the memory of all products for each few; so
    they are collected first.
    """

    def __init__(self, places: Places, components: Values) -> None:
        self._cells, self.places = places.compact()
        self._components = components
        self._products = np.zeros((components.shape[1], len(self._cells)), dtype=np.float32)
        self._waiting: list[tuple[slice, Values]] = []

    def add(self, features: slice, values: Values) -> Values:
        """Add the (c, n_cells) values of some features; return those that are read."""
        read = values[:, self._cells] if values.shape[1] else np.zeros_like(values)
        self._waiting.append((features, read))
        if sum(len(each) for _, each in self._waiting) >= _PROJECTED_AT_ONCE:
            self._multiply()
        return read

    def at_spots(self) -> Values:
        """Return the (q, n) products at the spots."""
        self._multiply()
        return self.places.interpolate(self._products)

    def _multiply(self) -> None:
        if self._waiting and len(self._cells) and len(self._waiting[0][1][0]):
            rows = np.concatenate([self._components[features] for features, _ in self._waiting])
            values = np.concatenate([each for _, each in self._waiting])
            for start in range(0, len(self._cells), _MULTIPLIED_AT_ONCE):
                part = slice(start, start + _MULTIPLIED_AT_ONCE)
                self._products[:, part] += rows.T @ values[:, part]
        self._waiting.clear()


def _for_blocks(
    feature_map: FeatureMap,
    widths: Sequence[float],
    levels: Sequence[Level],
    use: Callable[[int, slice, Values], None],
    cancel: CancelToken | None,
) -> None:
    """Call `use` with a width's index, which features, and their (c, n_cells) values; in order."""
    part = levels[0].part
    weights = part.weights(feature_map)
    slices = feature_slices(feature_map, widths)
    finest_first = np.argsort([level.step for level in levels], kind="stable")
    cancel = cancel or CancelToken()

    def pool(block: tuple[str, int, Values, Values]) -> list[tuple[int, slice, Values]]:
        cancel.raise_if_cancelled()
        name, offset, mean, square = block
        group = feature_map.groups[name]
        n = group.stop - group.start
        scale = 1 / math.sqrt(2 * n * len(slices))
        found, step = [], 1
        for index in finest_first.tolist():
            level = levels[index]
            mean, square = (reduce(each, level.step // step) for each in (mean, square))
            step = level.step
            middle = level.pool(mean)
            spread = np.sqrt(np.maximum(level.pool(square) - middle**2, 0))
            first = slices[widths[index], name].start + offset
            for start, values in ((first, middle), (first + n, spread)):
                features = slice(start, start + len(values))
                found.append((index, features, level.relative(values, scale)))
        return found

    def weigh(mean: NDArray[np.float16], std: NDArray[np.float16]) -> tuple[Values, Values]:
        first = part.fill(mean.astype(np.float32))
        square = first**2 + part.fill(std.astype(np.float32)) ** 2
        return first * weights, square * weights

    workers = min(4, os.cpu_count() or 1)
    blocks = ((name, at, *weigh(mean, std)) for name, at, mean, std in _blocks(feature_map, part))
    for _, found in worked_ahead(pool, blocks, threads=workers, ahead=workers, name="pooling"):
        for each in found:
            use(*each)


def _blocks(
    feature_map: FeatureMap, part: Part
) -> Iterator[tuple[str, int, NDArray[np.float16], NDArray[np.float16]]]:
    """Yield a group's name, the first channel in it, and mean and std of some channels."""
    rows, cols = part.within(feature_map.grid)
    n_cells = (rows.stop - rows.start) * (cols.stop - cols.start)
    at_once = max(1, _BLOCK_VALUES // n_cells)
    for chunk in range(0, feature_map.channels, CHUNK):
        read = slice(chunk, min(chunk + CHUNK, feature_map.channels))
        mean, std = feature_map.read(read, rows, cols)
        for name, group in feature_map.groups.items():
            for start in range(max(read.start, group.start), min(read.stop, group.stop), at_once):
                stop = min(start + at_once, read.stop, group.stop)
                some = slice(start - chunk, stop - chunk)
                yield name, start - group.start, mean[some], std[some]
