"""What the docks do with a person's work: domains, comparisons, sessions, autosave."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from napari.utils.notifications import show_info
from qtpy.QtCore import QObject, QTimer, Signal

from ..analysis.domain_map import DomainMap, map_of
from ..analysis.domain_settings import DomainSettings
from ..analysis.region import Region
from ..errors import SessionError, SettingsError, UserError
from ..progress import CancelToken
from ..session.autosave import Kept, Recovery
from ..session.read_session import read_session, slides_in
from ..session.recent_files import recent_sessions
from ..session.saved_session import SavedSession, SavedSlide, snapshot, to_save
from ..session.write_session import write_session
from ..spots.schema import positions
from .common import dialogs
from .common.background_jobs import ANALYSIS
from .common.notify import tell

if TYPE_CHECKING:
    import pandas as pd

    from ..model import Model
    from ..session.open_slide import OpenSlide
    from ..session.session import Session
    from ..slides import Slide
    from ..spots import Tissue
    from .common.background_jobs import Jobs


AUTOSAVE_MS = 1500  # after the last change
Of = Literal["predicted", "measured"]
Parts = tuple["list[Slide | None]", "list[Tissue | None]", "Model | None"]


class AnnotationTasks(QObject):
    """Everything beyond opening and predicting, for one session.

    Signals
    -------
    offer_changed
        `offered` is another.
    search_changed
        A search for domains has begun or ended.
    saved
        The folder a session was saved to or opened from.
    """

    offer_changed = Signal()
    search_changed = Signal()
    saved = Signal(object)

    def __init__(self, session: Session, jobs: Jobs) -> None:
        super().__init__()
        self.session, self.jobs = session, jobs
        self.recent = recent_sessions()
        self.recovery = Recovery()
        self._search: CancelToken | None = None
        self._autosave = QTimer(self)
        self._autosave.setSingleShot(True)
        self._autosave.setInterval(AUTOSAVE_MS)
        self._autosave.timeout.connect(self.keep_now)
        session.annotations_changed.connect(self._annotations_changed)
        session.slide_changed.connect(self._slide_changed)

    @property
    def folder(self) -> Path | None:
        """Where the session was saved to or opened from: the shown slide, or else another."""
        opened = (self.session.shown, *self.session.open_slides)
        return next((each.folder for each in opened if each.folder is not None), None)

    @property
    def offered(self) -> Kept | None:
        """Unsaved work of an earlier session on it, until it is restored or discarded."""
        return self.session.shown.offered

    # -- domains and regions -------------------------------------------------------------------

    def find_domains(self, settings: DomainSettings, of: Of) -> None:
        """Find domains in the background; those like a domain before keep its name and colour.

        A search that is still on is cancelled.
        """
        session, opened = self.session, self.session.shown
        spot_expression, spots, before = (
            opened.expression,
            opened.spots,
            session.annotations.domains,
        )
        expression, _ = spot_expression.matrix(of)
        programs = spot_expression.program_scores() if of == "predicted" else None
        if spots is None:
            raise SettingsError("There are no spots; load spots or lay a grid first.")
        xy, cancel = positions(spots), CancelToken()

        def work() -> DomainMap:
            from ..analysis.domains import find_domains

            found = find_domains(expression, xy, settings, cancel, programs)
            return map_of(found, settings, of, before)

        def done(found: DomainMap) -> None:
            ended()
            if opened.expression is spot_expression and not cancel.cancelled:
                session.edit("Find domains", on=opened, domains=found)
                session.show(show_domains=True)

        def failed(error: BaseException) -> None:
            ended()
            if not cancel.cancelled:
                tell(error)

        def ended() -> None:
            if self._search is cancel:
                self._search = None
                self.search_changed.emit()

        self.cancel_search()
        self._search = cancel
        self.search_changed.emit()
        self.jobs.load("Finding domains", work, done, failed, ANALYSIS)

    @property
    def searching(self) -> bool:
        """Whether domains are being searched."""
        return self._search is not None

    def cancel_search(self) -> None:
        """Stop searching for domains, if they are being searched."""
        if self._search is not None:
            self._search.cancel()

    def markers(self, done: Callable[[pd.DataFrame], None]) -> None:
        """Work out in the background which genes tell the domains apart."""
        domains = self._domains()
        expression, genes = self.session.expression.matrix(_of(domains))

        def work() -> pd.DataFrame:
            from ..analysis.markers import marker_genes

            return marker_genes(expression, genes, domains.labels)

        self.jobs.load("Comparing domains", work, done, queue=ANALYSIS)

    def domains_to_regions(self) -> None:
        """Add every domain as regions that can be edited."""
        domains, spots = self._domains(), self.session.spots
        assert spots is not None
        xy = positions(spots)
        regions = self.session.annotations.regions + domains.regions(xy)
        self.session.edit("Make regions of domains", regions=regions)
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

        self.jobs.load("Comparing regions", work, compared, queue=ANALYSIS)

    def _domains(self) -> DomainMap:
        domains = self.session.annotations.domains
        if domains is None:
            raise SettingsError("There are no domains yet; find some first.")
        return domains

    # -- sessions ------------------------------------------------------------------------------

    def save(self, folder: Path) -> None:
        """Save all open slides to a folder in the background."""
        opened, saved = to_save(self.session), snapshot(self.session)

        def done(folder: Path) -> None:
            for each, as_saved in zip(opened, saved.slides, strict=True):
                each.saved_in(folder, as_saved.annotations)
                self._keep(each)
            self.recent.add(folder)
            self.saved.emit(folder)
            show_info(f"Saved {folder}")

        self.jobs.load(f"Saving {folder.name}", partial(write_session, saved, folder), done)

    def left_out(self, folder: Path) -> list[str]:
        """Return the names of the slides that saving to a folder would take out of its session."""
        try:
            saved = slides_in(folder)
        except SessionError:  # none yet
            return []
        here = {each.fingerprint for each in self.session.open_slides}
        return [name for fingerprint, name in saved.items() if fingerprint not in here]

    def open(self, folder: Path) -> None:
        """Restore a session; for each slide that is not found, the person is asked."""
        self.jobs.load(f"Opening {folder.name}", partial(read_session, folder), self._with_slides)

    def _with_slides(self, saved: SavedSession) -> None:
        paths = [_path_of(saved, each) for each in saved.slides]
        self.jobs.load(
            f"Opening {saved.folder.name}",
            partial(_open_parts, saved, paths),
            partial(self._enter, saved),
        )

    def _enter(self, saved: SavedSession, parts: Parts) -> None:
        slides, tissues, model = parts
        try:
            saved.enter(self.session, slides, model, tissues)
        except UserError:
            _close(slides)
            raise
        self.recent.add(saved.folder)
        for each in saved.slides:
            self.recovery.forget(each.fingerprint, own=True)
        self.saved.emit(saved.folder)
        if saved.model is not None and model is None:
            show_info(
                f"The model {saved.model} is not there, so the values are shown without their "
                "evidence; choose the model in Predict."
            )

    # -- autosave ------------------------------------------------------------------------------

    @property
    def unsaved(self) -> bool:
        """Whether anything that is open is not in :attr:`folder` as it is."""
        folder = self.folder
        return any(
            each.unsaved or (each.folder != folder and not each.bare)
            for each in self.session.open_slides
        )

    def keep_now(self) -> None:
        """Keep the unsaved work on every slide where a crash does not reach it."""
        self._autosave.stop()
        for opened in self.session.open_slides:
            self._keep(opened)

    def _keep(self, opened: OpenSlide) -> None:
        if not opened.fingerprint:
            return
        if not opened.unsaved:
            if opened.kept is not None:
                self.recovery.forget(opened.fingerprint, own=True)
                opened.kept = None
        elif opened.kept is not opened.annotations:
            try:
                self.recovery.keep(opened.fingerprint, opened.annotations, opened.spots)
                opened.kept = opened.annotations
            except UserError as error:
                tell(error)

    def restore_offered(self) -> None:
        """Take the unsaved work of the earlier session over; undo brings back what was there."""
        kept = self.offered
        if kept is None:
            return
        self.session.edit("Restore unsaved annotations", **kept.for_spots(self.session.spots))
        self.keep_now()
        self._end_offer()

    def discard_offered(self) -> None:
        """Forget the unsaved work of earlier sessions on this slide."""
        self._end_offer()

    def _end_offer(self) -> None:
        self.recovery.forget(self.session.shown.fingerprint, own=False)
        self.session.shown.offered = None
        self.offer_changed.emit()

    def _annotations_changed(self, opened: OpenSlide) -> None:
        if opened.slide is not None:
            self._autosave.start()

    def leave(self) -> None:
        """Keep what is not kept yet: another slide is about to be shown."""
        if self._autosave.isActive():
            self.keep_now()

    def _slide_changed(self, slide: Slide | None) -> None:
        opened = self.session.shown
        self.offer_changed.emit()
        if slide is None or opened.looked:
            return

        def look() -> tuple[str, Kept | None]:
            fingerprint = slide.fingerprint()
            return fingerprint, self.recovery.find(fingerprint)

        def found(answer: tuple[str, Kept | None]) -> None:
            opened.fingerprint, opened.offered = answer
            opened.looked = True
            self._keep(opened)
            self.offer_changed.emit()

        self.jobs.load("Looking for unsaved annotations", look, found, _not_worth_a_word)


def _of(domains: DomainMap) -> Of:
    return "measured" if domains.of == "measured" else "predicted"


def _not_worth_a_word(_: BaseException) -> None:
    """A slide that is closed again meanwhile has nothing to offer."""


def _path_of(saved: SavedSession, slide: SavedSlide) -> Path | None:
    """Return where a slide is now, by asking if need be; None for spots without a slide."""
    path = saved.find(slide)
    if path is None and slide.path is not None:
        title = f"Where is {slide.path.name} now? It is no longer at {slide.path.parent}"
        path = dialogs.ask_file(None, title, dialogs.SLIDES)
        if path is None:
            raise SessionError(
                f"The session {saved.folder.name} was not opened, since its slide {slide.path} "
                "is not there; open it again and choose the slide."
            )
    return path


def _open_parts(saved: SavedSession, paths: list[Path | None]) -> Parts:
    from ..model import load_model
    from ..slides import open_slide
    from ..spots import find_tissue

    there = saved.model is not None and saved.model.is_dir()
    model = load_model(saved.model) if there and saved.model is not None else None
    slides: list[Slide | None] = []
    tissues: list[Tissue | None] = []
    try:
        for each, path in zip(saved.slides, paths, strict=True):
            slide = None if path is None else open_slide(path)
            slides.append(slide)
            if slide is not None:
                saved.check(each, slide)
            tissues.append(None if slide is None else find_tissue(slide))
    except BaseException:
        _close(slides)
        raise
    return slides, tissues, model


def _close(slides: list[Slide | None]) -> None:
    for slide in slides:
        if slide is not None:
            slide.close()
