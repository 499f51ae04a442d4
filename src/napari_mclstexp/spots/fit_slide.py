"""Whether spots fit the slide they are said to lie on."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
from scipy import sparse

from ..errors import SpotsError
from .build import check_counts
from .schema import SpotMetadata, positions


def check_spots(spots: anndata.AnnData, width: int, height: int) -> None:
    """Make sure that spots can be worked with on a slide of that size.

    Parameters
    ----------
    spots
        As :func:`read_spots` gives them.
    width, height
        Of the slide in level-0 pixels.

    Raises
    ------
    SpotsError
        If there are none, names repeat, coordinates are missing, centres lie outside the slide,
        or counts are negative or not whole.
    """
    source = SpotMetadata.read(spots).source or "The table of spots"
    if spots.n_obs == 0:
        raise SpotsError(f"{source} has no spots; there is nothing to predict.")
    repeated = pd.Index(spots.obs_names)[spots.obs_names.duplicated()]
    if len(repeated):
        raise SpotsError(
            f"{source} names the spot {repeated[0]} more than once; every barcode must be unique."
        )
    xy = positions(spots)
    lost = ~np.isfinite(xy).all(axis=1)
    if lost.any():
        raise SpotsError(
            f"{source} gives no coordinates for the spot {spots.obs_names[int(np.argmax(lost))]} "
            f"({lost.sum():,} spots in all)."
        )
    outside = (xy < 0).any(axis=1) | (xy[:, 0] > width) | (xy[:, 1] > height)
    if outside.any():
        first = int(np.argmax(outside))
        raise SpotsError(
            f"{source}: {outside.sum():,} of {spots.n_obs:,} spots lie outside the slide of "
            f"{width:,} x {height:,} px, {spots.obs_names[first]} at ({xy[first, 0]:.0f}, "
            f"{xy[first, 1]:.0f}) the first; they belong to another image, or to this one at "
            "another resolution."
        )
    if spots.n_vars:
        counts = sparse.csr_matrix(spots.X)
        check_counts(counts, list(spots.obs_names), list(spots.var_names), source)
