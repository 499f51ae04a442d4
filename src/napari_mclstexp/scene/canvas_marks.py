"""What stands on the canvas beside the layers: titles, a legend, a divider, where to look."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .layer_specs import Box, ColourBar, LegendEntry, Panel, PickedSpot, Swipe
from .spot_places import place_key, swipe_span, world_diameter, world_positions

if TYPE_CHECKING:
    from ..session.session import Session
    from .shown import Shown


def panel_titles(
    session: Session, shown: Shown, bars: tuple[ColourBar, ...], offset: float
) -> tuple[Panel, ...]:
    """Return the titles of maps that stand side by side on one canvas, from left to right."""
    if shown.compared:
        return tuple(Panel(bar.title, None, bar) for bar in bars)
    if not (shown.beside and len(bars) == 2):
        return ()
    (top, left), (bottom, right) = _whole(session)
    ends = ((left, min(right, left + offset)), (left + offset, right + offset))
    return tuple(
        Panel(bar.title, ((top, start), (bottom, end)), bar)
        for bar, (start, end) in zip(bars, ends, strict=True)
    )


def domain_legend(session: Session, drawn: bool) -> tuple[LegendEntry, ...]:
    """Return the domains that are drawn, with their colours, in the order of the table."""
    found = session.annotations.domains
    if found is None or not drawn:
        return ()
    return tuple(LegendEntry(found.names[key], found.colours[key]) for key in found.keys)


def swipe_divider(session: Session, shown: Shown) -> Swipe | None:
    """Return where predicted and measured values meet, or None where they do not."""
    if shown.swipe is None or len(shown.sources) != 2 or session.spots is None:
        return None
    left, right = swipe_span(session)
    names = (shown.sources[0].source.capitalize(), shown.sources[1].source.capitalize())
    return Swipe(left + shown.swipe * (right - left), left, right, names)


def picked_spot(session: Session) -> PickedSpot | None:
    """Return the ring about the spot that was clicked and the outline of its patch, or None."""
    spots, name = session.spots, session.shown.picked
    if spots is None or not name or name not in spots.obs_names:
        return None
    at = world_positions(session)[int(spots.obs_names.get_loc(name))]
    patch = 0.0
    if session.model is not None and session.um_per_px is not None:
        patch = session.model.config.patch_px * session.model.config.um_per_px
    return PickedSpot(
        name="Clicked spot",
        key=(*place_key(session), name, patch),
        centre=(float(at[0]), float(at[1])),
        diameter=world_diameter(session),
        patch=float(patch),
    )


def view_focus(session: Session, offset: float) -> Box | None:
    """Return the box that a view shall fill: the tissue, not the glass; None where unknown.

    Parameters
    ----------
    session
        Whose tissue is looked at only where it was found already.
    offset
        How far to the right a second copy stands; 0 without one.
    """
    tissue, scale = session.shown.known_tissue, session.um_per_px or 1.0
    boxes = []
    if tissue is not None and tissue.box is not None:
        boxes.append(np.asarray(tissue.box)[:, ::-1] * scale)
    extent = session.expression.extent_px
    if extent is not None:
        radius = world_diameter(session) / 2 * np.array([[-1], [1]])
        boxes.append(np.asarray(extent)[:, ::-1] * scale + radius)
    if not boxes:
        return None
    low, high = np.min(boxes, axis=0)[0], np.max(boxes, axis=0)[1]
    return (float(low[0]), float(low[1])), (float(high[0]), float(high[1]) + offset)


def _whole(session: Session) -> Box:
    """Return the box of the whole slide, or of the spots where there is none."""
    scale = session.um_per_px or 1.0
    if session.slide is not None:
        return (0.0, 0.0), (session.slide.height * scale, session.slide.width * scale)
    extent = session.expression.extent_px
    assert extent is not None
    (left, top), (right, bottom) = extent
    return (top * scale, left * scale), (bottom * scale, right * scale)
