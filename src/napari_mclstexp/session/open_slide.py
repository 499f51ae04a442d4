"""One open slide with all that depends on it: spots, expression, a person's work, what is saved."""

from __future__ import annotations

from collections.abc import Hashable
from itertools import count
from math import inf
from typing import TYPE_CHECKING

from ..analysis.prediction_result import Result
from ..errors import SettingsError, SpotsError
from .annotations import Annotations
from .history import UndoHistory
from .spot_expression import SpotExpression

if TYPE_CHECKING:
    from pathlib import Path

    from anndata import AnnData

    from ..slides import Slide
    from ..spots import Tissue
    from .autosave import Kept

_slides, _spots = count(1), count(1)  # tell slides, and spots, from all before in a scene's keys


class OpenSlide:
    """A slide, its spots, their expression, what a person made of it, and how that is kept.

    Parameters
    ----------
    chosen
        By whom the results are that are shown; see :func:`~.spot_expression.maker`.
    annotations
        To begin with; they count as saved.

    Attributes
    ----------
    slide, spots
        What is open, or None.
    expression
        Counts and results of the spots.
    number
        Tells this slide from others in keys.
    history
        The person's work, and the way back and forth.
    folder
        Of the session that it was last saved in or opened from, or None.
    saved
        The annotations as that folder has them.
    fingerprint
        Of the slide, once a worker has found it; else "".
    kept
        The annotations as autosave has kept them last, or None.
    looked
        Whether such work was looked for.
    offered
        Unsaved work of an earlier session on it, until it is restored or discarded.
    """

    def __init__(self, chosen: Hashable = None, annotations: Annotations | None = None) -> None:
        self.slide: Slide | None = None
        self.spots: AnnData | None = None
        self.expression = SpotExpression(None, 0)
        self.expression.chosen = chosen
        self.number = 0
        self.go_on_with(UndoHistory(present=annotations or Annotations()))
        self.folder: Path | None = None
        self.saved = self.annotations
        self.fingerprint = ""
        self.kept: Annotations | None = None
        self.looked = False
        self.offered: Kept | None = None
        self._tissue: Tissue | None = None
        self._spots_um_per_px: float | None = None

    @property
    def bare(self) -> bool:
        """Whether neither a slide nor spots are there."""
        return self.slide is None and self.spots is None

    @property
    def annotations(self) -> Annotations:
        """Regions, domains, signatures and notes as they are now."""
        return self.history.present

    @property
    def unsaved(self) -> bool:
        """Whether there is work that no saved session has."""
        return self.annotations is not self.saved and not self.annotations.empty

    def saved_in(self, folder: Path, annotations: Annotations) -> None:
        """Note that a session's folder has these annotations of it."""
        self.folder, self.saved = folder, annotations

    def go_on_with(self, history: UndoHistory) -> None:
        """Take another state of the work."""
        self.history = history
        self.expression.set_signatures(history.present.signatures)

    @property
    def name(self) -> str:
        """The slide's file name, for a list to choose from."""
        return "(no slide)" if self.slide is None else self.slide.path.name

    def is_at(self, path: Path) -> bool:
        """Whether this is the slide of a file."""
        return self.slide is not None and self.slide.path.resolve() == path.resolve()

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
        """Put spots there, which must fit the slide, in place of those before.

        Parameters
        ----------
        um_per_px
            Of the slide, if the spots came with it; else it is worked out from their pitch.
        """
        if spots is not None and self.slide is not None:
            _check(spots, self.slide)
        self.spots, self.expression = spots, SpotExpression(spots, next(_spots))
        self._spots_um_per_px = um_per_px or _scale_of(spots)
        self.go_on_with(self.history.without_domains())

    def take_result(self, prediction: AnnData) -> Result:
        """Take a prediction that was made earlier on the very spots that are there, and choose it.

        Raises
        ------
        SpotsError
            If it was made on other spots.
        """
        if self.spots is None or list(self.spots.obs_names) != list(prediction.obs_names):
            raise SpotsError("The prediction was made on other spots; load them with it.")
        result = Result.from_adata(prediction)
        self.expression.take(result)
        return result

    def set_um_per_px(self, um_per_px: float) -> None:
        """Set the scale as a person states it; results end, read at another physical size.

        Raises
        ------
        SettingsError
            If it is not above 0, or there is no slide.
        """
        if self.slide is None:
            raise SettingsError("There is no slide whose scale could be set; open one first.")
        if not 0 < um_per_px < inf:
            raise SettingsError(
                f"A scale of {um_per_px:g} µm per px makes no sense; it must be above 0."
            )
        self.slide.calibrate(um_per_px, "user")
        self.expression.results.clear()

    def calibrate(self) -> bool:
        """Give the slide the scale of the spots where nothing better states it; whether it did."""
        slide, scale = self.slide, self._spots_um_per_px
        if slide is None or scale is None or slide.um_per_px_source in ("file", "user"):
            return False
        slide.calibrate(scale, "spots")
        return True


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
