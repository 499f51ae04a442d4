"""What the docks do with a person's work: domains, comparisons, sessions, autosave."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from weakref import WeakKeyDictionary

import numpy as np
from napari.utils.notifications import show_info
from qtpy.QtCore import QObject, QTimer, Signal

from ..analysis.domain_map import DomainMap, map_of
from ..analysis.domains import DomainSettings
from ..analysis.region import Region
from ..errors import SessionError, SettingsError, UserError
from ..session.autosave import Kept, Recovery
from ..session.recent_files import recent_sessions
from ..session.saved_session import Saved, read_session, snapshot, write_snapshot
from ..spots.schema import positions
from .common import dialogs
from .common.notify import tell

if TYPE_CHECKING:
    import pandas as pd

    from ..model import Model
    from ..session.annotations import Annotations
    from ..session.session import Session
    from ..slides import Slide
    from ..spots import Tissue
    from .common.background_jobs import Jobs


@dataclass(eq=False)
class _Keeping:
    """What is known of the work on one slide: its fingerprint, and where it is kept."""

    saved_work: Annotations
    fingerprint: str = ""
    folder: Path | None = None
    offered: Kept | None = None


AUTOSAVE_MS = 1500  # after the last change
Of = Literal["predicted", "measured"]


class AnnotationTasks(QObject):
    """Everything beyond opening and predicting, for one session.

    Signals
    -------
    offer_changed
        `offered` is another.
    saved
        The folder a session was saved to or opened from.
    """

    offer_changed = Signal()
    saved = Signal(object)

    def __init__(self, session: Session, jobs: Jobs) -> None:
        super().__init__()
        self.session, self.jobs = session, jobs
        self.recent = recent_sessions()
        self.recovery = Recovery()
        self._here = _Keeping(session.annotations)
        self._known = WeakKeyDictionary({session.shown: self._here})
        self._autosave = QTimer(self)
        self._autosave.setSingleShot(True)
        self._autosave.setInterval(AUTOSAVE_MS)
        self._autosave.timeout.connect(self.keep_now)
        session.history.changed.connect(self._work_changed)
        session.slide_changed.connect(self._slide_changed)

    @property
    def folder(self) -> Path | None:
        """Where the shown slide's session was saved to or opened from."""
        return self._here.folder

    @property
    def offered(self) -> Kept | None:
        """Unsaved work of an earlier session on it, until it is restored or discarded."""
        return self._here.offered

    # -- domains and regions -------------------------------------------------------------------

    def find_domains(self, settings: DomainSettings, of: Of) -> None:
        """Find domains in the background; those like a domain before keep its name and colour."""
        session, opened = self.session, self.session.shown
        spot_expression, spots, before = (
            opened.expression,
            opened.spots,
            session.annotations.domains,
        )
        expression, _ = spot_expression.matrix(of)
        if spots is None:
            raise SettingsError("There are no spots; load spots or lay a grid first.")
        xy = positions(spots)

        def work() -> DomainMap:
            from ..analysis.domains import find_domains

            return map_of(find_domains(expression, xy, settings), settings, of, before)

        def done(found: DomainMap) -> None:
            if opened.expression is spot_expression:
                session.edit(opened, "Find domains", domains=found)
                session.show(show_domains=True)

        self.jobs.load("Finding domains", work, done)

    def markers(self, done: Callable[[pd.DataFrame], None]) -> None:
        """Work out in the background which genes tell the domains apart."""
        domains = self._domains()
        expression, genes = self.session.expression.matrix(_of(domains))

        def work() -> pd.DataFrame:
            from ..analysis.domains import marker_genes

            return marker_genes(expression, genes, domains.labels)

        self.jobs.load("Comparing domains", work, done)

    def domains_to_regions(self) -> None:
        """Add every domain as regions that can be edited."""
        domains, spots = self._domains(), self.session.spots
        assert spots is not None
        xy = positions(spots)
        regions = self.session.annotations.regions + domains.regions(xy)
        self.session.history.edit("Make regions of domains", regions=regions)
        self.session.show(show_domains=False, show_regions=True)

    def compare(
        self, one: Region, other: Region | None, of: Of, done: Callable[[pd.DataFrame], None]
    ) -> None:
        """Compare in the background the spots of a region with another's, or with the rest."""
        spots = self.session.spots
        if spots is None:
            raise SettingsError("There are no spots to compare; load spots or lay a grid first.")
        expression, genes = self.session.expression.matrix(of)
        xy = positions(spots)

        def work() -> pd.DataFrame:
            from ..analysis.region_statistics import compare_regions, spots_in

            rest = np.ones(len(xy), dtype=bool)
            second = rest if other is None else spots_in(other, xy)
            return compare_regions(expression, genes, spots_in(one, xy), second)

        spot_expression = self.session.expression

        def compared(table: pd.DataFrame) -> None:
            if self.session.expression is spot_expression:
                done(table)

        self.jobs.load("Comparing regions", work, compared)

    def _domains(self) -> DomainMap:
        domains = self.session.annotations.domains
        if domains is None:
            raise SettingsError("There are no domains yet; find some first.")
        return domains

    # -- sessions ------------------------------------------------------------------------------

    def save(self, folder: Path) -> None:
        """Save everything to a folder in the background."""
        saved, keeping = snapshot(self.session), self._here

        def done(folder: Path) -> None:
            keeping.folder, keeping.saved_work = folder, saved.annotations
            self.recent.add(folder)
            if self._here is keeping and not self.unsaved:
                self._forget_own()
            self.saved.emit(folder)
            show_info(f"Saved {folder}")

        self.jobs.load(f"Saving {folder.name}", partial(write_snapshot, saved, folder), done)

    def open(self, folder: Path) -> None:
        """Restore a session; where its slide is not found, the person is asked for it."""
        self.jobs.load(f"Opening {folder.name}", partial(read_session, folder), self._with_slide)

    def _with_slide(self, saved: Saved) -> None:
        path = saved.find_slide()
        if path is None and saved.slide is not None:
            title = f"Where is {saved.slide.name} now? It is no longer at {saved.slide.parent}"
            path = dialogs.ask_file(None, title, dialogs.SLIDES)
            if path is None:
                raise SessionError(
                    f"The session {saved.folder.name} was not opened, since its slide "
                    f"{saved.slide} is not there; open it again and choose the slide."
                )
        self.jobs.load(
            f"Opening {saved.folder.name}",
            partial(_open_parts, saved, path),
            partial(self._enter, saved),
        )

    def _enter(self, saved: Saved, parts: tuple[Slide | None, Tissue | None, Model | None]) -> None:
        slide, tissue, model = parts
        try:
            saved.enter(self.session, slide, model, tissue)
        except UserError:
            if slide is not None and self.session.slide is not slide:
                slide.close()
            raise
        self._here.folder, self._here.saved_work = saved.folder, self.session.annotations
        self.recent.add(saved.folder)
        self._forget_own()
        self.saved.emit(saved.folder)
        if saved.model is not None and model is None:
            show_info(
                f"The model {saved.model} is not there, so the values are shown without their "
                "evidence; choose the model in Predict."
            )

    # -- autosave ------------------------------------------------------------------------------

    @property
    def unsaved(self) -> bool:
        """Whether there is work that no saved session has."""
        return (
            self.session.annotations is not self._here.saved_work
            and not self.session.annotations.empty
        )

    def keep_now(self) -> None:
        """Keep the unsaved work where a crash does not reach it."""
        self._autosave.stop()
        if not self._here.fingerprint:
            return
        if not self.unsaved:
            self._forget_own()
            return
        try:
            self.recovery.keep(self._here.fingerprint, self.session.annotations, self.session.spots)
        except UserError as error:
            tell(error)

    def restore_offered(self) -> None:
        """Take the unsaved work of the earlier session over; undo brings back what was there."""
        kept = self.offered
        if kept is None:
            return
        self.session.history.edit("Restore unsaved work", **kept.for_spots(self.session.spots))
        self.keep_now()
        self._end_offer()

    def discard_offered(self) -> None:
        """Forget the unsaved work of earlier sessions on this slide."""
        self._end_offer()

    def _end_offer(self) -> None:
        self.recovery.forget(self._here.fingerprint, own=False)
        self._here.offered = None
        self.offer_changed.emit()

    def _work_changed(self) -> None:
        if self.session.slide is not None:
            self._autosave.start()

    def leave(self) -> None:
        """Keep what is not kept yet: another slide is about to be shown."""
        if self._autosave.isActive():
            self.keep_now()

    def _slide_changed(self, slide: Slide | None) -> None:
        opened = self.session.shown
        keeping = self._here = self._known.setdefault(opened, _Keeping(self.session.annotations))
        self.offer_changed.emit()
        if slide is None or keeping.fingerprint:
            return

        def look() -> tuple[str, Kept | None]:
            fingerprint = slide.fingerprint()
            return fingerprint, self.recovery.find(fingerprint)

        def found(answer: tuple[str, Kept | None]) -> None:
            keeping.fingerprint, keeping.offered = answer
            if self._here is keeping:
                self.offer_changed.emit()
                if self._autosave.isActive() or self.unsaved:
                    self.keep_now()

        self.jobs.load("Looking for unsaved work", look, found, _not_worth_a_word)

    def _forget_own(self) -> None:
        if self._here.fingerprint:
            self.recovery.forget(self._here.fingerprint, own=True)


def _of(domains: DomainMap) -> Of:
    return "measured" if domains.of == "measured" else "predicted"


def _not_worth_a_word(_: BaseException) -> None:
    """A slide that is closed again meanwhile has nothing to offer."""


def _open_parts(
    saved: Saved, path: Path | None
) -> tuple[Slide | None, Tissue | None, Model | None]:
    from ..model import load_model
    from ..slides import open_slide
    from ..spots import find_tissue

    there = saved.model is not None and saved.model.is_dir()
    model = load_model(saved.model) if there and saved.model is not None else None
    if path is None:
        return None, None, model
    slide = open_slide(path)
    try:
        saved.check(slide)
        return slide, find_tissue(slide), model
    except BaseException:
        slide.close()
        raise
