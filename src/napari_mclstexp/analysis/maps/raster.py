"""Rasters over spots: smooth maps clipped to tissue, or the spots, where they are too many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ...spots.geometry import spacing
from ...spots.schema import SpotMetadata, positions
from .heatmap import HeatmapGeometry

if TYPE_CHECKING:
    from anndata import AnnData

    from ...spots import Tissue

_MAX_PIXELS = 4_000_000
_PIXELS_PER_PITCH = 8
_PIXELS_PER_BIN = 2


class Raster(Protocol):
    """Turns (n,) values into a picture whose place is known."""

    @property
    def origin(self) -> tuple[float, float]:
        """(x, y) of the top-left corner, in µm."""

    @property
    def pixel(self) -> float:
        """Side of a pixel, in µm."""

    def render(self, values: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        """Return the (h, w) float32 picture, NaN where nothing is drawn."""


@dataclass(frozen=True, eq=False)
class SpotRaster:
    """Spots drawn into pixels: which of them, if any, covers each.

    Attributes
    ----------
    origin, pixel
        As of :class:`Raster`.
    covering
        (h, w) int32, n where there is none.
    n
        How many spots there are.
    """

    origin: tuple[float, float]
    pixel: float
    covering: NDArray[np.int32]
    n: int

    @classmethod
    def build(cls, xy: NDArray[np.float64], diameter: float) -> SpotRaster:
        """Draw spots of a diameter at (n, 2) places, all in µm; those that touch are squares."""
        pitch = spacing(xy) or max(diameter, 1.0)
        diameter = diameter or pitch / 3
        square = diameter >= 0.95 * pitch
        low, high = xy.min(axis=0) - diameter, xy.max(axis=0) + diameter
        per_pitch = _PIXELS_PER_BIN if square else _PIXELS_PER_PITCH
        pixel = max(pitch / per_pitch, float(np.sqrt(np.prod(high - low) / _MAX_PIXELS)))
        width, height = (int(n) for n in np.ceil((high - low) / pixel))
        covering = np.full((height, width), len(xy), dtype=np.int32)
        place = (xy - low) / pixel
        column, row = (place[:, axis].astype(np.int64) for axis in (0, 1))
        reach = diameter / 2 / pixel
        steps = range(-int(np.ceil(reach)), int(np.ceil(reach)) + 1)
        numbers = np.arange(len(xy), dtype=np.int32)
        for down in steps:
            for right in steps:
                x, y = column + right, row + down
                aside, below = abs(x + 0.5 - place[:, 0]), abs(y + 0.5 - place[:, 1])
                far = np.maximum(aside, below) if square else np.hypot(aside, below)
                own = (down == 0) & (right == 0)  # no spot is too small to be seen
                here = ((far <= reach) | own) & (x >= 0) & (y >= 0) & (x < width) & (y < height)
                covering[y[here], x[here]] = numbers[here]
        return cls((float(low[0]), float(low[1])), pixel, covering, len(xy))

    def render(self, values: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        """Return the (h, w) float32 picture of (n,) values."""
        return np.append(values.astype(np.float32), np.float32(np.nan))[self.covering]


def smooth_raster(spots: AnnData, um_per_px: float, tissue: Tissue | None) -> HeatmapGeometry:
    """Return the raster of smooth maps over some spots, in µm from the slide's top-left corner.

    Parameters
    ----------
    spots
        With ``obsm["spatial"]`` in level-0 px.
    um_per_px
        Of level 0.
    tissue
        What the maps are clipped to, if known.
    """
    return HeatmapGeometry.build(
        positions(spots) * um_per_px,
        diameter=_diameter(spots),
        inside=None if tissue is None else lambda xy: tissue.contains(xy / um_per_px),
    )


def spot_raster(spots: AnnData, um_per_px: float) -> SpotRaster:
    """Return the raster of the spots themselves, in µm from the slide's top-left corner."""
    return SpotRaster.build(positions(spots) * um_per_px, _diameter(spots))


def _diameter(spots: AnnData) -> float:
    return SpotMetadata.read(spots).spot_diameter_um or 0.0
