"""Where expression is drawn as an image: smooth, as contours, or as very many spots."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..analysis.maps.contours import contour_lines, contour_zoom
from ..analysis.maps.raster import Raster, smooth_raster, spot_raster
from .shown import Coloured

if TYPE_CHECKING:
    from ..session.display import Style
    from ..session.session import Session


def image_of(
    session: Session, style: Style, wanted: Coloured
) -> tuple[NDArray[np.float32], tuple[float, float], float]:
    """Return the picture of a gene that has values; contours divide its limits.

    Returns
    -------
    The (h, w) picture, (x, y) of its top-left corner, and the side of a pixel, in world units.
    """
    assert session.spots is not None
    scale = session.um_per_px or 1.0
    place = (session.shown.number, scale)
    source, gene = wanted.source, wanted.gene
    if style == "points":
        build = partial(spot_raster, session.spots, scale)
        image, raster = session.expression.image("spots", source, gene, place, build)
        return image, raster.origin, raster.pixel

    spots = session.spots

    def smooth() -> Raster:  # the tissue is looked for only when a raster is to be made
        return smooth_raster(spots, scale, session.tissue)

    image, raster = session.expression.image("smooth", source, gene, place, smooth)
    if style == "heatmap":
        return image, raster.origin, raster.pixel
    return (
        contour_lines(image, wanted.limits),
        raster.origin,
        raster.pixel / contour_zoom(image.shape),
    )
