"""One gene on all open slides: what a contact sheet of them shows, in one range of colours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..cohort_runs.contact_sheet import MOST_DRAWN, SlidePicture, common_limits, draw
from ..errors import SlideError
from ..session.spot_expression import Key, Source
from ..spots.schema import positions
from .layer_specs import ColourBar

if TYPE_CHECKING:
    from ..session.open_slide import OpenSlide
    from ..session.session import Session
    from ..slides import Slide

COLORMAP = "viridis"


@dataclass(frozen=True, eq=False)
class SheetEntry:
    """A slide of the sheet.

    Attributes
    ----------
    opened
        The open slide.
    slide
        Its file, or None.
    xy
        (n, 2) centres of the spots that are drawn, in level-0 px.
    diameter_px
        Of a spot on the picture, so that neighbours touch, in level-0 px.
    values
        (n,) of the gene; None where it is not known on this slide.
    """

    opened: OpenSlide
    slide: Slide | None
    xy: NDArray[np.float64]
    diameter_px: float
    values: NDArray[np.float32] | None


@dataclass(frozen=True, eq=False)
class OpenSheet:
    """What a contact sheet of the open slides shows.

    Attributes
    ----------
    gene, source, unit
        Which map, what of it, and its unit.
    entries
        The open slides, in their order.
    key
        Changes whenever the sheet does.
    """

    gene: str
    source: Source
    unit: str
    entries: tuple[SheetEntry, ...]
    key: Key

    @property
    def limits(self) -> tuple[float, float]:
        """The values that the first and last colour stand for on every slide."""
        nothing = np.zeros((1, 1, 3), dtype=np.uint8)
        return common_limits(SlidePicture(nothing, e.xy, 1.0, e.values) for e in self.entries)

    @property
    def bar(self) -> ColourBar:
        """What the colours mean."""
        return ColourBar(self.gene, self.source, self.unit, self.limits, COLORMAP)

    def pictures(self, side: int) -> list[NDArray[np.uint8]]:
        """Return a picture of each slide, its longer side `side` px; not for the window's thread.

        Where a slide cannot be read, or there is none, the spots are drawn on white.
        """
        limits = self.limits
        return [draw(_picture(each, side), limits) for each in self.entries]


def open_sheet(session: Session) -> OpenSheet | None:
    """Return the sheet of the gene that is shown, over all open slides; None without a gene.

    The same is shown of each slide: where predictions are shown, a slide that only has a
    measurement shows none, since the two have no colours in common.
    """
    gene = session.gene
    if gene is None:
        return None
    source: Source = "measured" if session.shown_quantity == "measured" else "predicted"
    entries = tuple(_entry(each, gene, source) for each in session.open_slides if not each.bare)
    key: list[int | float | str] = [gene, source]
    for each in entries:
        key += [each.opened.number, *each.opened.expression.key(source, gene)]
    return OpenSheet(gene, source, session.expression.unit(gene, source), entries, tuple(key))


def _entry(opened: OpenSlide, gene: str, source: Source) -> SheetEntry:
    xy = np.zeros((0, 2)) if opened.spots is None else positions(opened.spots)
    values = opened.expression.values(source, gene) if len(xy) else None
    step = max(1, -(-len(xy) // MOST_DRAWN))
    return SheetEntry(
        opened,
        opened.slide,
        xy[::step],
        opened.expression.spacing_px * step**0.5,
        None if values is None else np.asarray(values[::step], dtype=np.float32),
    )


def _picture(entry: SheetEntry, side: int) -> SlidePicture:
    try:
        if entry.slide is not None:
            small = entry.slide.thumbnail(side)
            factor = small.shape[1] / entry.slide.width
            radius = max(0.5, entry.diameter_px * factor / 2)
            return SlidePicture(small, entry.xy * factor, radius, entry.values)
    except SlideError:  # it was closed meanwhile
        pass
    return _on_white(entry, side)


def _on_white(entry: SheetEntry, side: int) -> SlidePicture:
    white = np.full((side, side, 3), 255, dtype=np.uint8)
    if not len(entry.xy):
        return SlidePicture(white, entry.xy, 1.0, None)
    low = entry.xy.min(axis=0) - entry.diameter_px
    wide = float((np.ptp(entry.xy, axis=0) + 2 * entry.diameter_px).max()) or 1.0
    factor = side / wide
    radius = max(0.5, entry.diameter_px * factor / 2)
    return SlidePicture(white, (entry.xy - low) * factor, radius, entry.values)
