"""One gene on all open slides: what a contact sheet of them shows, in one range of colours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..cohort_runs.contact_sheet import COLORMAP, MOST_DRAWN, SlidePicture, common_limits, draw
from ..errors import SlideError
from ..session.spot_expression import Key, Source, SpotExpression
from ..spots.schema import positions
from .layer_specs import ColourBar

FINER = 3  # than the picture is the thumbnail that it is cut from

if TYPE_CHECKING:
    from anndata import AnnData

    from ..session.open_slide import OpenSlide
    from ..session.session import Session
    from ..slides import Slide


@dataclass(frozen=True, eq=False)
class SheetEntry:
    """A slide of the sheet, as it is now.

    Attributes
    ----------
    opened
        The open slide.
    slide, spots, expression
        Its file, spots and values.
    """

    opened: OpenSlide
    slide: Slide | None
    spots: AnnData | None
    expression: SpotExpression


@dataclass(frozen=True, eq=False)
class DrawnSheet:
    """A contact sheet.

    Attributes
    ----------
    pictures
        (h, w, 3) uint8 of each slide.
    bar
        What the colours mean, on all of them.
    without
        Names of the slides on which the gene is not known.
    """

    pictures: tuple[NDArray[np.uint8], ...]
    bar: ColourBar
    without: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class OpenSheet:
    """What a contact sheet of the open slides is to show.

    Attributes
    ----------
    gene, source, quantity, unit
        Which map, what of it, in words, and its unit.
    entries
        The open slides, in their order.
    key
        Changes whenever the sheet does.
    """

    gene: str
    source: Source
    quantity: str
    unit: str
    entries: tuple[SheetEntry, ...]
    key: Key

    def drawn(self, side: int) -> DrawnSheet:
        """Draw it, the longer side of each picture `side` px; not for the window's thread.

        Where a slide cannot be read, or there is none, the spots are drawn on white.
        """
        pictures = [self._picture(each, side) for each in self.entries]
        limits = common_limits(pictures)
        return DrawnSheet(
            tuple(draw(each, limits) for each in pictures),
            ColourBar(self.gene, self.quantity, self.unit, limits, COLORMAP),
            tuple(
                entry.opened.name
                for entry, picture in zip(self.entries, pictures, strict=True)
                if picture.values is None
            ),
        )

    def _picture(self, entry: SheetEntry, side: int) -> SlidePicture:
        xy = np.zeros((0, 2)) if entry.spots is None else positions(entry.spots)
        values = entry.expression.values(self.source, self.gene) if len(xy) else None
        step = max(1, -(-len(xy) // MOST_DRAWN))
        wide = entry.expression.spacing_px * step**0.5
        shown = None if values is None else np.asarray(values[::step], dtype=np.float32)
        picture = _thumbnail(entry.slide, side * FINER)
        if picture is not None and entry.slide is not None:
            factor = picture.shape[1] / entry.slide.width
            whole = SlidePicture(picture, xy[::step] * factor, wide * factor / 2, shown)
            return _around_spots(whole, side)
        return _on_white(xy[::step], wide, shown, side)


def open_sheet(session: Session) -> OpenSheet | None:
    """Return the sheet of the gene that is shown, over all open slides; None without a gene.

    The same is shown of each slide: where predictions are shown, a slide that only has a
    measurement shows none, since the two have no colours in common.
    """
    gene = session.gene
    if gene is None:
        return None
    source: Source = "measured" if session.shown_quantity == "measured" else "predicted"
    entries = tuple(
        SheetEntry(each, each.slide, each.spots, each.expression)
        for each in session.open_slides
        if not each.bare
    )
    key: list[int | float | str] = [gene, source]
    for each in entries:
        key += [each.opened.number, *each.expression.key(source, gene)]
    similar = gene in session.expression.similarities
    return OpenSheet(
        gene,
        source,
        "similarity" if similar else source,
        session.expression.unit(gene, source),
        entries,
        tuple(key),
    )


def _around_spots(whole: SlidePicture, side: int) -> SlidePicture:
    """Return the part of a picture that has spots, its longer side at most `side` px."""
    from PIL import Image

    picture, xy = whole.thumbnail, whole.xy
    low, high = np.zeros(2), np.array(picture.shape[1::-1], dtype=float)
    if len(xy):
        around = 4 * whole.radius
        low = np.clip(np.floor(xy.min(axis=0) - around), 0, high - 1)
        high = np.clip(np.ceil(xy.max(axis=0) + around), low + 1, high)
    (left, top), (right, bottom) = low.astype(int), high.astype(int)
    part = picture[top:bottom, left:right]
    small = min(1.0, side / max(part.shape[:2]))
    size = (max(1, round(part.shape[1] * small)), max(1, round(part.shape[0] * small)))
    shown = np.asarray(Image.fromarray(part).resize(size, Image.Resampling.BOX))
    return SlidePicture(shown, (xy - low) * small, whole.radius * small, whole.values)


def _thumbnail(slide: Slide | None, side: int) -> NDArray[np.uint8] | None:
    try:
        return None if slide is None else slide.thumbnail(side)
    except SlideError:  # it was closed meanwhile
        return None


def _on_white(
    xy: NDArray[np.float64], wide: float, values: NDArray[np.float32] | None, side: int
) -> SlidePicture:
    white = np.full((side, side, 3), 255, dtype=np.uint8)
    if not len(xy):
        return SlidePicture(white, xy, 1.0, None)
    factor = side / (float((np.ptp(xy, axis=0) + 2 * wide).max()) or 1.0)
    return SlidePicture(white, (xy - xy.min(axis=0) + wide) * factor, wide * factor / 2, values)
