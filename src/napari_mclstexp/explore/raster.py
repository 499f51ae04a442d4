"""The raster of smooth maps over a slide's spots, clipped to its tissue."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .heatmap import HeatmapGeometry

if TYPE_CHECKING:
    from anndata import AnnData

    from ..spots import Tissue


def raster_over(spots: AnnData, um_per_px: float, tissue: Tissue | None) -> HeatmapGeometry:
    """Return the raster over some spots, in µm from the slide's top-left corner.

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
        np.asarray(spots.obsm["spatial"][:, :2], dtype=np.float64) * um_per_px,
        diameter=float(spots.uns.get("mclstexp", {}).get("spot_diameter_um", 0.0)),
        inside=None if tissue is None else lambda xy: tissue.contains(xy / um_per_px),
    )
