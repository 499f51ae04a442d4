"""What a place of a slide looks like as it is, not relative to its section: colour and density."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..model.section_level import LOOK_UM
from .cell_pooling import TISSUE_CELL, Level, Part, Values, reduce
from .feature_map import COLOUR
from .feature_map_store import FeatureMap

MOST_PLACES = 4096  # of a section's tissue


def looks_at(feature_map: FeatureMap, xy: NDArray[np.float64]) -> Values | None:
    """Return what the tissue around (n, 2) spots looks like, or None where no colour is kept.

    Mean and standard deviation of each colour channel under Gaussian weights of `LOOK_UM`.

    Returns
    -------
    (n, 14) of red, green, blue, haematoxylin, eosin, DAB and the share that is white.
    """
    if COLOUR not in feature_map.groups:
        return None
    part = Part.of(feature_map, [LOOK_UM])
    level = Level.of(feature_map, part, LOOK_UM)
    weights = part.weights(feature_map)
    mean, std = (
        part.fill(each.astype(np.float32))
        for each in feature_map.read(feature_map.groups[COLOUR], *part.within(feature_map.grid))
    )
    square = mean**2 + std**2
    middle, squared = (level.pool(reduce(each * weights, level.step)) for each in (mean, square))
    spread = np.sqrt(np.maximum(squared - middle**2, 0))
    places = level.read_at(feature_map.grid.in_cells(xy))
    return np.asarray(places.interpolate(np.concatenate([middle, spread])).T, dtype=np.float32)


def looks_of_tissue(feature_map: FeatureMap) -> Values | None:
    """Return (m, 14) what places all over the tissue look like, or None without any or colour."""
    cells = np.argwhere(feature_map.share > TISSUE_CELL)
    if not len(cells):
        cells = np.argwhere(feature_map.share > 0)
    if not len(cells):
        return None
    chosen = np.unique(np.linspace(0, len(cells) - 1, MOST_PLACES).astype(np.int64))
    xy = (cells[chosen][:, ::-1].astype(np.float64) + 0.5) * feature_map.grid.cell_px
    return looks_at(feature_map, xy)
