"""Lines of equal value on a smooth map, as a picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LEVELS = 6
_MAX_PIXELS = 4_000_000


def contour_zoom(shape: tuple[int, int]) -> int:
    """Return how many times finer than the map its lines are drawn."""
    return max(1, min(4, int(np.sqrt(_MAX_PIXELS / (shape[0] * shape[1])))))


def contour_lines(
    image: NDArray[np.float32], limits: tuple[float, float], levels: int = LEVELS
) -> NDArray[np.float32]:
    """Draw lines where a map crosses values that divide a range evenly.

    Parameters
    ----------
    image
        (h, w), NaN where nothing is known.
    limits
        The range.
    levels
        How many lines there are between its ends.

    Returns
    -------
    (h z, w z) float32, z being `contour_zoom`: on a line its value, elsewhere NaN.
    """
    from scipy import ndimage

    zoom = contour_zoom(image.shape[:2])
    known = np.isfinite(image)
    filled = np.where(known, image, limits[0])
    fine = ndimage.zoom(filled, zoom, order=1, grid_mode=True, mode="nearest")
    inside = np.kron(known, np.ones((zoom, zoom), dtype=bool))
    values = np.linspace(*limits, levels + 2)[1:-1]
    band = np.digitize(fine, values)
    line = np.zeros(band.shape, dtype=bool)
    line[:, :-1] |= band[:, :-1] != band[:, 1:]
    line[:-1] |= band[:-1] != band[1:]
    line = ndimage.binary_dilation(line, iterations=zoom - 1) if zoom > 1 else line
    above = ndimage.maximum_filter(band, 2 * zoom + 1)
    drawn = np.full(band.shape, np.nan, dtype=np.float32)
    here = line & ndimage.binary_erosion(inside, iterations=2 * zoom) & (above > 0)
    drawn[here] = values[above[here] - 1]
    return drawn
