"""Where the spots stand in the world that is drawn: µm, or px while the scale is unknown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..session.spot_expression import Key, Source
from ..spots.schema import SpotMetadata, positions

if TYPE_CHECKING:
    from ..session.session import Session

_SOME_DIAMETER = 10.0  # px, of a single spot of unknown size; only so that it can be seen


def place_key(session: Session) -> Key:
    """Return what changes whenever :func:`world_positions` do."""
    return ("spots", session.expression.number, session.um_per_px or 0.0)


def world_positions(session: Session, offset: float = 0.0) -> NDArray[np.float64]:
    """Return (n, 2) places of the spots as (y, x), moved to the right by an offset."""
    assert session.spots is not None
    xy = positions(session.spots)
    return xy[:, ::-1] * (session.um_per_px or 1.0) + (0.0, offset)


def world_diameter(session: Session) -> float:
    """Return the spots' diameter, a third of their distance where it is not known."""
    assert session.spots is not None
    diameter = SpotMetadata.read(session.spots).spot_diameter_um
    if diameter is not None and session.um_per_px is not None:
        return float(diameter)
    return session.expression.spacing_px * (session.um_per_px or 1.0) / 3 or _SOME_DIAMETER


def swipe_span(session: Session) -> tuple[float, float]:
    """Return the x between which a swipe moves: those of the outermost spots."""
    extent, scale = session.expression.extent_px, session.um_per_px or 1.0
    assert extent is not None
    return extent[0][0] * scale, extent[1][0] * scale


def own_side(
    session: Session, source: Source, swipe: float, x: NDArray[np.floating[Any]]
) -> NDArray[np.bool_]:
    """Return which x are on the side of the swipe where `source` is drawn."""
    left, right = swipe_span(session)
    border = left + swipe * (right - left)
    return np.asarray(x <= border if source == "predicted" else x > border)
