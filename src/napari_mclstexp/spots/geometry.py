"""µm per pixel from the spacing of spots, where the platform's pitch is known."""

from __future__ import annotations

import anndata
import numpy as np
from scipy.spatial import cKDTree

from ..errors import SpotsError

ENOUGH = 10  # spots; fewer may all stand apart from their neighbours


def um_per_px_from_spots(spots: anndata.AnnData) -> float:
    """Return the size of a level-0 pixel in µm: the platform's pitch over the spots' spacing.

    The spacing is the median distance to the nearest neighbour, so that spots that were left out
    do not matter.

    Raises
    ------
    SpotsError
        If the pitch of the platform is not known, or there are too few spots.
    """
    facts = spots.uns.get("mclstexp", {})
    if "um_per_px" in facts:
        return float(facts["um_per_px"])
    if "pitch_um" not in facts:
        raise SpotsError(
            "The distance between these spots in µm is not known, so the slide's scale cannot be "
            "derived from them; give µm per pixel (--um-per-px)."
        )
    if spots.n_obs < ENOUGH:
        raise SpotsError(
            f"{spots.n_obs} spots are too few to derive the slide's scale from; "
            "give µm per pixel (--um-per-px)."
        )
    xy = np.asarray(spots.obsm["spatial"], dtype=np.float64)
    nearest = cKDTree(xy).query(xy, k=2)[0][:, 1]
    spacing = float(np.median(nearest))
    if not spacing > 0:
        raise SpotsError(
            "The spots stand on top of each other, so the slide's scale cannot be derived from "
            "them; check their coordinates, or give µm per pixel (--um-per-px)."
        )
    return float(facts["pitch_um"]) / spacing
