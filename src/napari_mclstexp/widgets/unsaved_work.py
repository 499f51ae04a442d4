"""What becomes of work that no saved session has: kept through a crash, and offered back."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import count
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from qtpy.QtCore import QObject, QTimer, Signal

from ..errors import UserError
from ..session.autosave import Kept, Recovery
from ..session.saved_session import snapshot_of
from .common.notify import tell

if TYPE_CHECKING:
    from ..session.open_slide import OpenSlide
    from ..session.session import Session
    from ..slides import Slide
    from .common.background_jobs import Jobs

AUTOSAVE_MS = 1500  # after the first change that is not kept yet


class UnsavedWork(QObject):
    """Keeps the unsaved work on every open slide, and finds what an earlier session left.

    Signals
    -------
    offer_changed
        `offered` is another.

    Attributes
    ----------
    recovery
        Where it is kept.
    """

    offer_changed = Signal()

    def __init__(self, session: Session, jobs: Jobs) -> None:
        super().__init__()
        self.session, self.jobs = session, jobs
        self.recovery = Recovery()
        self._numbers = count(1)
        self._offered: WeakKeyDictionary[OpenSlide, Kept] = WeakKeyDictionary()
        self._discarded = False
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(AUTOSAVE_MS)
        self._soon.timeout.connect(self.keep_now)
        session.annotations_changed.connect(self._changed)
        session.spots_changed.connect(self._changed)
        session.result_changed.connect(self._changed)
        session.slide_changed.connect(self._slide_changed)

    @property
    def offered(self) -> Kept | None:
        """Unsaved work of an earlier session on the shown slide, until restored or discarded."""
        return self._offered.get(self.session.shown)

    # -- keeping -------------------------------------------------------------------------------

    def keep_now(self, *, wait: bool = False) -> None:
        """Keep the unsaved work on every slide where a crash does not reach it.

        Parameters
        ----------
        wait
            Whether it is to be there on return: the window is going away.
        """
        self._soon.stop()
        for opened in self.session.open_slides:
            self.keep(opened, wait=wait)

    def keep(self, opened: OpenSlide, *, wait: bool = False) -> None:
        """Keep the unsaved work on one slide; forget what was kept once all of it is saved."""
        fingerprint, number = opened.fingerprint, next(self._numbers)
        if not fingerprint or self._discarded:
            return
        if not opened.unsaved:
            if opened.kept is not None:
                self._forget(opened, wait=wait)
        elif not opened.state.same_as(opened.kept):
            opened.kept = opened.state
            saved = snapshot_of(opened, self.session)

            def work() -> None:
                self.recovery.keep(fingerprint, saved, number)

            def failed(error: BaseException) -> None:
                opened.kept = None
                tell(error)

            if not wait:
                self.jobs.start(lambda _: work(), lambda _: None, failed)
                return
            try:
                work()
            except UserError as error:
                failed(error)

    def discard(self, slides: Sequence[OpenSlide], *, for_good: bool = False) -> None:
        """Forget the work on slides, as the person wants it.

        Parameters
        ----------
        for_good
            napari is being closed: nothing is kept any more.
        """
        self._discarded = for_good
        for opened in slides:
            if opened.fingerprint:
                self._forget(opened, wait=for_good)

    def stay(self) -> None:
        """Keep again what was discarded for good: napari stays open after all."""
        self._discarded = False
        self.keep_now()

    def leave(self) -> None:
        """Keep what is not kept yet: another slide is about to be shown."""
        if self._soon.isActive():
            self.keep_now()

    def _forget(self, opened: OpenSlide, *, wait: bool) -> None:
        opened.kept = None
        number = next(self._numbers)
        forget = partial(self.recovery.forget, opened.fingerprint, own=True, number=number)
        if wait:
            forget()
        else:
            self.jobs.start(lambda _: forget(), lambda _: None, tell)

    def _changed(self, _: object) -> None:
        # Not begun anew while it waits: who works without a pause would never be kept.
        if not self._soon.isActive() and any(each.slide for each in self.session.open_slides):
            self._soon.start()

    # -- offering back -------------------------------------------------------------------------

    def restore(self) -> None:
        """Take the unsaved work of the earlier session over; undo takes its annotations back.

        Spots that are there already stay; what was made on others is not put on them.

        Raises
        ------
        SettingsError
            If a prediction is on, which would end.
        """
        kept, session = self.offered, self.session
        if kept is None:
            return
        slide, saved = session.slide, kept.slide
        session.runs.refuse_second()
        opened, before, bare = session.shown, session.shown.record, session.spots is None
        if saved.um_per_px is not None and slide is not None and slide.um_per_px_source != "file":
            session.set_um_per_px(saved.um_per_px)
        if saved.spots is not None and session.spots is None:
            session.use_spots(saved.spots)
        if saved.prediction is not None and kept.fits(session.spots) and session.result is None:
            session.take_result(saved.prediction)
        session.edit("Restore unsaved work", **kept.for_spots(session.spots))
        opened.record = saved.steps if bare and saved.steps else (*before, *saved.made_on_spots)
        self.keep(opened)
        self.dismiss()

    def dismiss(self) -> None:
        """Forget the unsaved work of earlier sessions on this slide."""
        fingerprint = self.session.shown.fingerprint
        self._offered.pop(self.session.shown, None)
        self.offer_changed.emit()
        self.jobs.start(
            lambda _: self.recovery.forget(fingerprint, own=False), lambda _: None, tell
        )

    def _slide_changed(self, slide: Slide | None) -> None:
        opened = self.session.shown
        self.offer_changed.emit()
        self._changed(slide)
        if slide is None or opened.looked:
            return

        def look() -> tuple[str, Kept | None]:
            fingerprint = slide.fingerprint()
            return fingerprint, self.recovery.find(fingerprint)

        def found(answer: tuple[str, Kept | None]) -> None:
            opened.fingerprint, kept = answer
            opened.looked = True
            if kept is not None:
                self._offered[opened] = kept
            self.keep(opened)
            self.offer_changed.emit()

        self.jobs.load("Looking for unsaved work", look, found, _not_worth_a_word)


def _not_worth_a_word(_: BaseException) -> None:
    """A slide that is closed again meanwhile has nothing to offer."""
