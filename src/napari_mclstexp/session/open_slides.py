"""The open slides, each with all that depends on it; a session shows one of them."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from ..errors import SpotsError
from .history import Steps
from .spot_expression import SpotExpression

if TYPE_CHECKING:
    from pathlib import Path

    from anndata import AnnData

    from ..slides import Slide
    from ..spots import Tissue

_slides, _spots = count(1), count(1)  # tell slides, and spots, from all before in a scene's keys


class OpenSlide:
    """A slide, its spots, what was read at them, and what a person made of it.

    Attributes
    ----------
    slide, spots
        What lies on it, or None.
    readings
        Counts and results of the spots.
    number
        Tells this slide from others in keys.
    steps
        The person's work while another desk is shown; else it is in ``Session.history``.
    """

    def __init__(self) -> None:
        self.slide: Slide | None = None
        self.spots: AnnData | None = None
        self.expression = SpotExpression(None, 0)
        self.number = 0
        self.steps: Steps | None = None
        self._tissue: Tissue | None = None
        self._spots_um_per_px: float | None = None

    @property
    def name(self) -> str:
        """The slide's file name, for a list to choose from."""
        return "(no slide)" if self.slide is None else self.slide.path.name

    @property
    def um_per_px(self) -> float | None:
        """µm per level-0 px of the slide (of the spots, where there is no slide), if known."""
        return self.slide.um_per_px if self.slide is not None else self._spots_um_per_px

    @property
    def tissue(self) -> Tissue | None:
        """The tissue of the slide, found when first asked for; None without a slide."""
        if self._tissue is None and self.slide is not None:
            from ..spots import find_tissue

            self._tissue = find_tissue(self.slide)
        return self._tissue

    def take_slide(self, slide: Slide, tissue: Tissue | None) -> None:
        """Put a slide there, which must fit the spots."""
        if self.spots is not None:
            _check(self.spots, slide)
        self.slide, self._tissue, self.number = slide, tissue, next(_slides)
        self.calibrate()

    def take_spots(self, spots: AnnData | None, um_per_px: float | None = None) -> None:
        """Put spots there, which must fit the slide, in place of those before and their readings.

        Parameters
        ----------
        um_per_px
            Of the slide, if the spots came with it; else it is worked out from their pitch.
        """
        if spots is not None and self.slide is not None:
            _check(spots, self.slide)
        self.spots, self.expression = spots, SpotExpression(spots, next(_spots))
        self._spots_um_per_px = um_per_px or _scale_of(spots)

    def calibrate(self) -> bool:
        """Give the slide the scale of the spots where nothing better states it; whether it did."""
        slide, scale = self.slide, self._spots_um_per_px
        if slide is None or scale is None or slide.um_per_px_source in ("file", "user"):
            return False
        slide.calibrate(scale, "spots")
        return True


class OpenSlides:
    """Several desks, one of which is shown.

    Attributes
    ----------
    desks
        In the order in which they were opened; never none.
    desk
        The one that is shown.
    """

    def __init__(self) -> None:
        self.shown = OpenSlide()
        self.open_slides: tuple[OpenSlide, ...] = (self.shown,)

    @property
    def slide(self) -> Slide | None:
        """The slide that is shown, or None."""
        return self.shown.slide

    @property
    def spots(self) -> AnnData | None:
        """Its spots, or None."""
        return self.shown.spots

    @property
    def expression(self) -> SpotExpression:
        """Counts and results of the spots."""
        return self.shown.expression

    @property
    def um_per_px(self) -> float | None:
        """µm per level-0 px of the slide (of the spots, where there is no slide), if known."""
        return self.shown.um_per_px

    @property
    def tissue(self) -> Tissue | None:
        """The tissue of the slide, found when first asked for; None without a slide."""
        return self.shown.tissue

    def open_slide_at(self, path: Path) -> OpenSlide | None:
        """Return the desk on which the slide of a file lies, if it is open."""
        for opened in self.open_slides:
            if opened.slide is not None and opened.slide.path.resolve() == path.resolve():
                return opened
        return None

    def add(self, slide: Slide, tissue: Tissue | None) -> OpenSlide:
        """Return a new desk with a slide, not shown yet."""
        opened = OpenSlide()
        opened.take_slide(slide, tissue)
        self.open_slides = (*self.open_slides, opened)
        return opened

    def without(self, gone: OpenSlide) -> OpenSlide:
        """Take a desk away; return the one before it, a new one if it was the last."""
        place = self.open_slides.index(gone)
        self.open_slides = tuple(opened for opened in self.open_slides if opened is not gone) or (
            OpenSlide(),
        )
        return self.open_slides[max(place - 1, 0)]


def _check(spots: AnnData, slide: Slide) -> None:
    from ..spots import check_spots

    check_spots(spots, slide.width, slide.height)


def _scale_of(spots: AnnData | None) -> float | None:
    """Return the µm per px that the pitch of the spots tells, if it tells any."""
    from ..spots import um_per_px_from_spots

    if spots is None:
        return None
    try:
        scale: float = um_per_px_from_spots(spots)
    except SpotsError:
        return None
    return scale
