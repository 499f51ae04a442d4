"""One open slide with all that depends on it: spots, expression, a person's work, what is saved."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from itertools import count
from math import inf
from typing import TYPE_CHECKING, Any

from ..analysis.prediction_result import Result
from ..errors import SettingsError, SpotsError
from ..spots.schema import GRID, SpotMetadata
from .annotations import Annotations
from .history import UndoHistory
from .spot_expression import SpotExpression
from .steps import Action, Record, Step, as_steps, edited, spots_step

if TYPE_CHECKING:
    from pathlib import Path

    from anndata import AnnData

    from ..slides import Slide
    from ..spots import Tissue

_slides, _spots = count(1), count(1)  # tell slides, and spots, from all before in a scene's keys


@dataclass(frozen=True, eq=False)
class State:
    """What a person made of a slide: annotations, stated scale, laid grid, finished prediction."""

    annotations: Annotations
    um_per_px: float | None = None
    grid: AnnData | None = None
    prediction: AnnData | None = None

    def same_as(self, other: State | None) -> bool:
        """Whether every part is the other's."""
        return other is not None and (
            self.annotations is other.annotations
            and self.um_per_px == other.um_per_px
            and self.grid is other.grid
            and self.prediction is other.prediction
        )


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
        Its :attr:`state` as that folder has it.
    on_disk
        Spots and predictions that a file of their own has.
    fingerprint
        Of the slide, once a worker has found it; else "".
    kept
        Its :attr:`state` as autosave has kept it last, or None.
    looked
        Whether such work was looked for.
    picked
        Name of the spot that was clicked last, or "".
    record
        What was done to it so far, but for what was taken back.
    """

    def __init__(self, chosen: Hashable = None, annotations: Annotations | None = None) -> None:
        self.slide: Slide | None = None
        self.spots: AnnData | None = None
        self.expression = SpotExpression(None, 0)
        self.expression.chosen = chosen
        self.number = 0
        self.record: Record = ()
        self.history = UndoHistory(present=annotations or Annotations())
        self.go_on_with(self.history)
        self.folder: Path | None = None
        self.saved = self.state
        self.on_disk: tuple[AnnData, ...] = ()
        self.fingerprint = ""
        self.kept: State | None = None
        self.looked = False
        self.picked = ""
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
    def state(self) -> State:
        """All that a person made of it, part by part; another object where a part is another."""
        slide, spots, result = self.slide, self.spots, self.expression.result
        stated = slide is not None and slide.um_per_px_source == "user"
        laid = spots is not None and SpotMetadata.read(spots).platform == GRID
        return State(
            annotations=self.annotations,
            um_per_px=slide.um_per_px if slide is not None and stated else None,
            grid=spots if laid else None,
            prediction=None if result is None else result.adata,
        )

    @property
    def unsaved(self) -> tuple[str, ...]:
        """What of the work no saved session has, in words: ("annotations", "prediction")."""
        now, then = self.state, self.saved
        found = {
            "annotations": now.annotations is not then.annotations and not now.annotations.empty,
            "prediction": _is_new(now.prediction, then.prediction, *self.on_disk),
            "grid": _is_new(now.grid, then.grid, *self.on_disk),
            "scale": now.um_per_px not in (None, then.um_per_px),
        }
        return tuple(what for what, is_there in found.items() if is_there)

    def saved_in(self, folder: Path, state: State) -> None:
        """Note that a session's folder has this state of it."""
        self.folder, self.saved = folder, state

    def go_on_with(self, history: UndoHistory) -> None:
        """Take another state of the work."""
        self.record = edited(self.record, self.history, history)
        self.history = history
        self.expression.set_signatures(history.present.signatures)

    @property
    def steps(self) -> tuple[Step, ...]:
        """The record as steps alone, each a call of ``scripting.actions``."""
        return as_steps(self.record)

    def note(self, action: Action, **arguments: Any) -> None:
        """Add a step to :attr:`record`."""
        self.record = (*self.record, Step(action, arguments))

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
    def known_tissue(self) -> Tissue | None:
        """The tissue where it was found already; unlike :attr:`tissue` never looked for now."""
        return self._tissue

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
        self.note("open_slide", path=str(slide.path))
        if slide.um_per_px_source == "user":
            self.note("set_scale", um_per_px=slide.um_per_px)
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
        self.picked = ""
        self._spots_um_per_px = um_per_px or _scale_of(spots)
        self.record = (*self.record, spots_step(spots))
        self.go_on_with(self.history.without_spots())

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
        self.note("open_prediction", path=None)
        return result

    def came_from(self, path: Path) -> None:
        """Say of which file the prediction is that was just taken with its spots."""
        self.record = self.record[:-2]
        self.note("open_prediction", path=str(path))

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
        self.note("set_scale", um_per_px=um_per_px)
        self.expression.results.clear()

    def calibrate(self) -> bool:
        """Give the slide the scale of the spots where nothing better states it; whether it did."""
        slide, scale = self.slide, self._spots_um_per_px
        if slide is None or scale is None or slide.um_per_px_source in ("file", "user"):
            return False
        slide.calibrate(scale, "spots")
        return True


def _is_new(now: object, *known: object) -> bool:
    return now is not None and not any(now is each for each in known)


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
