"""µm per pixel from the spacing of spots, where the platform's pitch is known."""

from __future__ import annotations

import anndata
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree, cKDTree

from ..errors import SlideError, SpotsError
from ..slides import Slide

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


def know_scale(slide: Slide, spots: anndata.AnnData) -> None:
    """Derive the slide's scale from the spots if the file does not state it.

    Raises
    ------
    SlideError
        If neither the slide nor the spots tell.
    """
    if slide.um_per_px is not None:
        return
    try:
        slide.calibrate(um_per_px_from_spots(spots), "spots")
    except SpotsError as error:
        raise SlideError(
            f"{slide.path.name} does not say how large its pixels are, and the spots do not tell "
            "either; give µm per pixel (--um-per-px, or the field in the Slide dock)."
        ) from error


def spacing(positions: NDArray[np.float64]) -> float:
    """Return the median distance of (n, 2) positions to the nearest other, 0 if there is none."""
    if len(positions) < 2:
        return 0.0
    distance, _ = KDTree(positions).query(positions, k=2)
    return float(np.median(distance[:, 1]))
