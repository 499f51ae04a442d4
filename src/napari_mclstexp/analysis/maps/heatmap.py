"""Smooth maps of per-spot values; the geometry is worked out once, a gene is one product."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ...spots.geometry import spacing

if TYPE_CHECKING:
    from scipy.spatial import KDTree

Inside = Callable[[NDArray[np.float64]], NDArray[np.bool_]]

_PIXELS_PER_PITCH = 8
_MAX_PIXELS = 1_000_000
_SIGMA = 0.45  # of the Gaussian, in pitches: a spot and its neighbours blend, no more
_CUTOFF = 1.5  # pitches, where the Gaussian has fallen below 0.4 %
_NEIGHBOURS = 12  # more than a square or hexagonal grid has within the cutoff
# A map reaches this many pitches from the nearest spot: just enough to close a square grid
# (0.71), so that nothing is drawn across a hole or beyond the border.
_REACH = 0.75
_PINHOLE = 0.5  # square pitches: the gap that a single missing spot leaves, and is closed
_BLOCK = 100_000


@dataclass(frozen=True, eq=False)
class HeatmapGeometry:
    """A raster over some spots and how much each spot counts in each of its pixels.

    Attributes
    ----------
    origin
        (x, y) of the raster's top-left corner, in the unit of the positions (µm).
    pixel
        Side of a pixel, in the same unit.
    shape
        (h, w) of the raster.
    shown
        (p,) flat indices of the pixels that are drawn.
    nearest
        (p,) the spot nearest to each of them.
    weights
        (p, n) sparse; each row sums to 1.
    """

    origin: tuple[float, float]
    pixel: float
    shape: tuple[int, int]
    shown: NDArray[np.int64]
    nearest: NDArray[np.int64]
    weights: sparse.csr_matrix

    @classmethod
    def build(
        cls,
        xy: NDArray[np.float64],
        *,
        pitch: float | None = None,
        diameter: float = 0.0,
        inside: Inside | None = None,
    ) -> HeatmapGeometry:
        """Lay a raster over spots.

        Parameters
        ----------
        xy
            (n, 2) spot centres, in µm (or any other unit, then used for all lengths).
        pitch
            Distance between neighbours; by default the median distance of nearest neighbours.
        diameter
            Of a spot. Within its own circle a spot is always drawn.
        inside
            Tells of (m, 2) positions which are in tissue; the map is clipped to these.
        """
        from scipy.spatial import KDTree

        xy = np.asarray(xy, dtype=np.float64)
        tree = KDTree(xy)
        pitch = pitch or spacing(xy) or max(diameter, 1.0)
        low, high = xy.min(axis=0) - 1.5 * pitch, xy.max(axis=0) + 1.5 * pitch
        pixel = max(pitch / _PIXELS_PER_PITCH, float(np.sqrt(np.prod(high - low) / _MAX_PIXELS)))
        pitch = max(pitch, pixel)
        width, height = (int(n) for n in np.ceil((high - low) / pixel))

        def centres(flat: NDArray[np.int64]) -> NDArray[np.float64]:
            rows, columns = np.divmod(flat, width)
            corner: NDArray[np.float64] = np.column_stack((columns, rows)) * pixel + low
            return corner + pixel / 2

        everywhere = np.arange(width * height)
        distance, _ = tree.query(centres(everywhere), distance_upper_bound=_CUTOFF * pitch)
        near = _close_pinholes(
            (distance <= _REACH * pitch).reshape(height, width), _PINHOLE * (pitch / pixel) ** 2
        ).ravel() & np.isfinite(distance)
        shown = everywhere[near]
        if inside is not None:
            own_circle = distance[shown] <= diameter / 2
            shown = shown[own_circle | inside(centres(shown))]
        weights, nearest = _weights(tree, centres(shown), pitch)
        return cls((float(low[0]), float(low[1])), pixel, (height, width), shown, nearest, weights)

    def render(self, values: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        """Return the (h, w) float32 map of (n,) values.

        NaN outside the tissue, far from every spot, and where the nearest spot's value is NaN
        (not predicted yet); such spots take no part in their neighbours either.
        """
        known = np.isfinite(values)
        filled = np.where(known, values, 0).astype(np.float32)
        mixed = self.weights @ filled
        if not known.all():
            with np.errstate(divide="ignore", invalid="ignore"):
                mixed = mixed / (self.weights @ known.astype(np.float32))
            mixed[~known[self.nearest]] = np.nan
        image = np.full(self.shape[0] * self.shape[1], np.nan, dtype=np.float32)
        image[self.shown] = mixed
        return image.reshape(self.shape)


def _close_pinholes(near: NDArray[np.bool_], max_pixels: float) -> NDArray[np.bool_]:
    from scipy import ndimage

    labels, _ = ndimage.label(~near)
    small = np.bincount(labels.ravel()) <= max_pixels
    small[0] = False
    closed: NDArray[np.bool_] = near | small[labels]
    return closed


def _weights(
    tree: KDTree, points: NDArray[np.float64], pitch: float
) -> tuple[sparse.csr_matrix, NDArray[np.int64]]:
    """Return (p, n) Gaussian weights with rows that sum to 1, and the (p,) nearest spots."""
    blocks: list[sparse.csr_matrix] = [sparse.csr_matrix((0, tree.n), dtype=np.float32)]
    nearest: list[NDArray[np.int64]] = [np.empty(0, dtype=np.int64)]
    for start in range(0, len(points), _BLOCK):
        block = points[start : start + _BLOCK]
        # A list for k keeps the second axis where there is only one spot.
        ranks = np.arange(1, min(_NEIGHBOURS, tree.n) + 1)
        distance, spot = tree.query(block, k=ranks, distance_upper_bound=_CUTOFF * pitch)
        weight = np.exp(-0.5 * (distance / (_SIGMA * pitch)) ** 2)
        weight /= weight.sum(axis=1, keepdims=True)
        row, _ = np.nonzero(found := np.isfinite(distance))
        blocks.append(
            sparse.csr_matrix(
                (weight[found].astype(np.float32), (row, spot[found])), (len(block), tree.n)
            )
        )
        nearest.append(spot[:, 0].astype(np.int64))
    return sparse.vstack(blocks, format="csr"), np.concatenate(nearest)
