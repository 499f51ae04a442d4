"""A session as it is saved: all slides that are open, which is shown, the model and the display."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import SessionError
from .annotations import Annotations
from .display import Display
from .history import UndoHistory
from .open_slide import OpenSlide
from .spot_expression import maker
from .steps import OPENING, Edit, Step

if TYPE_CHECKING:
    import numpy as np
    from anndata import AnnData
    from numpy.typing import NDArray

    from ..model import Model
    from ..slides import Slide
    from ..spots import Tissue
    from .session import Session


@dataclass(frozen=True, eq=False)
class SavedSlide:
    """A slide as it was saved, with what was made of it.

    Attributes
    ----------
    path
        Of the slide when it was saved, or None if there were spots only.
    fingerprint
        By which the slide is known again, wherever it is now; see ``Slide.fingerprint``.
    um_per_px
        Of the slide, where a person had stated it; else None.
    spots, prediction
        What was loaded and predicted, or None.
    annotations
        What was made of it.
    steps
        How; none in sessions of older versions.
    similar
        The maps of similar places, a value for each spot, by their names.
    """

    path: Path | None
    fingerprint: str
    um_per_px: float | None
    spots: AnnData | None
    prediction: AnnData | None
    annotations: Annotations
    steps: tuple[Step, ...] = ()
    similar: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)

    @property
    def made_on_spots(self) -> tuple[Step, ...]:
        """Those of :attr:`steps` that are left where the same slide and spots are open already."""
        return tuple(each for each in self.steps if each.action not in OPENING)

    def opened(self, slide: Slide | None, tissue: Tissue | None) -> OpenSlide:
        """Return it open again, on a slide that ``SavedSession.check`` has nothing against."""
        opened = OpenSlide()
        if slide is not None:
            opened.take_slide(slide, tissue)
            opened.fingerprint = self.fingerprint
            if self.um_per_px is not None and slide.um_per_px_source != "file":
                opened.set_um_per_px(self.um_per_px)
        if self.spots is not None:
            opened.take_spots(self.spots)
            opened.calibrate()
        if self.prediction is not None:
            opened.take_result(self.prediction)
        for name, values in self.similar.items():
            opened.expression.take_similarity(name, values)
        opened.go_on_with(UndoHistory(present=self.annotations))
        found = Edit("Open a session of an older version", Annotations(), self.annotations)
        opened.record = self.steps or (*opened.record, found)
        return opened


@dataclass(frozen=True, eq=False)
class SavedSession:
    """A session as it was saved.

    Attributes
    ----------
    folder
        Where it is.
    slides
        All that were open, in their order.
    shown
        Which of them was shown, counted from 0.
    model
        Folder of the chosen model, or None.
    display
        How it was shown.
    saved
        When, as ISO 8601.
    """

    folder: Path
    slides: tuple[SavedSlide, ...]
    shown: int
    model: Path | None
    display: Display
    saved: str

    def whole(self) -> SavedSession:
        """Return itself.

        Raises
        ------
        ValueError
            If its parts do not belong to each other.
        """
        if not 0 <= self.shown < len(self.slides):
            raise ValueError("none of its slides is the one that is shown")
        for each in self.slides:
            n = None if each.spots is None else each.spots.n_obs
            if each.prediction is not None and n != each.prediction.n_obs:
                raise ValueError("the prediction has other spots than the session")
            domains = each.annotations.domains
            if domains is not None and n != len(domains.labels):
                raise ValueError("the domains are of other spots than the session's")
        return self

    def find(self, saved: SavedSlide) -> Path | None:
        """Return where a slide is: where it was, or beside the session; None if it moved."""
        if saved.path is None:
            return None
        name = saved.path.name
        places = (saved.path, self.folder.parent / name, self.folder / name)
        return next((place for place in places if place.is_file()), None)

    def check(self, saved: SavedSlide, slide: Slide) -> None:
        """Raise SessionError if a slide is another than the saved one, or its spots do not fit."""
        if slide.fingerprint() != saved.fingerprint:
            raise SessionError(
                f"{slide.path} is not the slide of the session {self.folder.name} (its checksum "
                f"differs); choose the file that was called {saved.path.name if saved.path else ''}"
                " then."
            )
        if saved.spots is not None:
            from ..spots import check_spots

            check_spots(saved.spots, slide.width, slide.height)

    def enter(
        self,
        session: Session,
        slides: Sequence[Slide | None],
        model: Model | None = None,
        tissues: Sequence[Tissue | None] = (),
    ) -> None:
        """Put everything into a session, beside the slides that are open.

        A slide that is open already is closed first, with what was made of it.

        Parameters
        ----------
        slides
            The slide of each of :attr:`slides`, or None where it has none.
        tissues
            Theirs, where a worker has found them already.

        Raises
        ------
        SessionError
            If one is another slide.
        SpotsError
            If the spots do not fit it.
        """
        tissues = tissues or [None] * len(slides)
        for each, slide in zip(self.slides, slides, strict=True):  # before anything is closed
            if slide is not None:
                self.check(each, slide)
        opened = [
            each.opened(slide, tissue)
            for each, slide, tissue in zip(self.slides, slides, tissues, strict=True)
        ]
        for new in opened:
            new.saved_in(self.folder, new.state)
        shown = opened[self.shown]
        if model is not None:
            session.use_model(model)
        another = shown.expression.chosen != maker(session.model)
        if shown.expression.result is not None and session.model is not None and another:
            session.use_model(None)  # it did not make what is shown
        session.take_in(opened, shown)
        session.show(**{each.name: getattr(self.display, each.name) for each in fields(Display)})


def to_save(session: Session) -> tuple[OpenSlide, ...]:
    """Return the open slides that :func:`snapshot` has, in its order: all that hold anything.

    Raises
    ------
    SessionError
        If there are none.
    """
    opened = tuple(each for each in session.open_slides if not each.bare)
    if not opened:
        raise SessionError("Nothing is open, so there is nothing to save.")
    return opened


def snapshot(session: Session) -> SavedSession:
    """Return what is to be written; quick, and on the session's own thread.

    Raises
    ------
    SessionError
        If nothing is open.
    """
    opened, model = to_save(session), session.model
    return SavedSession(
        folder=Path(),
        slides=tuple(slide_snapshot(each) for each in opened),
        shown=opened.index(session.shown) if session.shown in opened else 0,
        model=None if model is None else model.path,
        display=session.display,
        saved=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def snapshot_of(opened: OpenSlide, session: Session) -> SavedSession:
    """Return what is to be kept of one slide alone."""
    model = session.model
    return SavedSession(
        folder=Path(),
        slides=(slide_snapshot(opened),),
        shown=0,
        model=None if model is None else model.path,
        display=session.display,
        saved=datetime.now(UTC).isoformat(timespec="microseconds"),
    )


def slide_snapshot(opened: OpenSlide) -> SavedSlide:
    """Return what is to be written of one slide."""
    slide, result = opened.slide, opened.expression.result
    stated = slide is not None and slide.um_per_px_source == "user"
    return SavedSlide(
        path=None if slide is None else slide.path,
        fingerprint=opened.fingerprint or ("" if slide is None else slide.fingerprint()),
        um_per_px=slide.um_per_px if slide is not None and stated else None,
        spots=opened.spots,
        prediction=None if result is None else result.adata,
        annotations=opened.annotations,
        steps=opened.steps,
        similar=opened.expression.similarity_maps,
    )
