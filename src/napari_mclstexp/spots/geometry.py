"""How far apart spots are, which are neighbours, and what that says of the slide's scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import SlideError, SpotsError
from ..slides import Slide
from .schema import SpotMetadata, positions

if TYPE_CHECKING:
    import anndata

ENOUGH = 10  # spots; fewer may all stand apart from their neighbours
SAME_SCALE = 0.25  # share by which a scale may differ from what the platform's pitch says
ARRAYS = ("legacy-st", "visium")  # platforms whose pitch is made, and cannot differ


def um_per_px_from_spots(spots: anndata.AnnData) -> float:
    """Return the size of a level-0 pixel in µm: the platform's pitch over the spots' spacing.

    The spacing is the median distance to the nearest neighbour, so that spots that were left out
    do not matter.

    Raises
    ------
    SpotsError
        If the pitch of the platform is not known, or there are too few spots.
    """
    metadata = SpotMetadata.read(spots)
    if metadata.um_per_px is not None:
        return metadata.um_per_px
    if metadata.pitch_um is None:
        raise SpotsError(
            "The distance between these spots in µm is not known, so the slide's scale cannot be "
            "derived from them; give µm per pixel (--um-per-px)."
        )
    if spots.n_obs < ENOUGH:
        raise SpotsError(
            f"{spots.n_obs} spots are too few to derive the slide's scale from; "
            "give µm per pixel (--um-per-px)."
        )
    apart = spacing(positions(spots))
    if not apart > 0:
        raise SpotsError(
            "The spots stand on top of each other, so the slide's scale cannot be derived from "
            "them; check their coordinates, or give µm per pixel (--um-per-px)."
        )
    return metadata.pitch_um / apart


def know_scale(slide: Slide, spots: anndata.AnnData, section: str = "") -> None:
    """Derive the slide's scale from the spots if the file does not state it, or check it by them.

    Parameters
    ----------
    slide, spots
        Of one section.
    section
        Its name, for the sentence.

    Raises
    ------
    SlideError
        If neither the slide nor the spots tell, or if they contradict each other.
    """
    if slide.um_per_px is not None:
        check_scale(slide, spots, section)
        return
    try:
        slide.calibrate(um_per_px_from_spots(spots), "spots")
    except SpotsError as error:
        raise SlideError(
            f"{slide.path.name} does not say how large its pixels are, and the spots do not tell "
            "either; give µm per pixel (--um-per-px, or the field in the Slide dock)."
        ) from error


def check_scale(slide: Slide, spots: anndata.AnnData, section: str = "") -> None:
    """Make sure that the slide's scale agrees with how far apart its platform's spots are.

    A wrong scale shows a model tissue at another magnification, and nothing else would tell.

    Parameters
    ----------
    slide, spots, section
        As for `know_scale`; spots of other platforms, or fewer than ten, say nothing.

    Raises
    ------
    SlideError
        If both differ by more than a quarter.
    """
    known = SpotMetadata.read(spots)
    if slide.um_per_px is None or known.platform not in ARRAYS or not known.pitch_um:
        return
    apart = spacing(positions(spots)) * slide.um_per_px
    if spots.n_obs < ENOUGH or not apart > 0:
        return
    steps = _array_steps(spots, hexagonal=known.platform == "visium")
    expected = known.pitch_um * max(steps, 1.0)
    too_far = steps > 0 and apart > (1 + SAME_SCALE) * expected  # some may have been left out
    if too_far or apart < (1 - SAME_SCALE) * expected:
        of = f"The section {section}" if section else slide.path.name
        right = slide.um_per_px * expected / apart
        raise SlideError(
            f"{of}: at {slide.um_per_px:.3g} µm per px its spots lie {apart:.0f} µm apart, but "
            f"{expected:.0f} µm on a {known.platform} array, so this scale is wrong; give about "
            f"{right:.3g} µm per px (--um-per-px, or the column um_per_px of a cohort), or check "
            "that the spots are of this image."
        )


def _array_steps(spots: anndata.AnnData, *, hexagonal: bool) -> float:
    """Return how many pitches a spot's nearest neighbour is away on the array; 0 if not known."""
    row, col = (spots.obs[each].to_numpy(dtype=float) for each in ("array_row", "array_col"))
    # On a hexagonal array, rows count by half a root of three pitches, columns by halves.
    xy = np.column_stack([col / 2, row * 3**0.5 / 2]) if hexagonal else np.column_stack([col, row])
    return spacing(xy)


def spacing(xy: NDArray[np.float64]) -> float:
    """Return the median distance of (n, 2) positions to the nearest other, 0 if there is none."""
    if len(xy) < 2:
        return 0.0
    from scipy.spatial import KDTree

    distance, _ = KDTree(xy).query(xy, k=2)
    return float(np.median(distance[:, 1]))


def neighbours(xy: NDArray[np.float64], k: int) -> NDArray[np.int64]:
    """Return the rows of the k nearest others of (n, 2) positions, or of all if there are fewer.

    Returns
    -------
    (n, k), the nearest first; a position is not its own neighbour.
    """
    from sklearn.neighbors import NearestNeighbors

    k = min(k, len(xy) - 1)
    if k < 1:
        return np.empty((len(xy), 0), dtype=np.int64)
    rows = NearestNeighbors(n_neighbors=k).fit(xy).kneighbors(return_distance=False)
    return np.asarray(rows, dtype=np.int64)
