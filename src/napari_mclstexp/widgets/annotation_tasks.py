"""What the docks do with a person's work: domains, comparisons, sessions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from napari.utils.notifications import show_info
from qtpy.QtCore import QObject, Signal

from ..analysis.domain_map import DomainMap, find_map
from ..analysis.domain_settings import DomainSettings
from ..analysis.region import Region
from ..analysis.region_comparison import RegionComparison, compare
from ..errors import SessionError, SettingsError, UserError
from ..progress import CancelToken
from ..session.read_session import read_session, slides_in
from ..session.recent_files import recent_sessions
from ..session.saved_session import SavedSession, SavedSlide, snapshot, to_save
from ..session.spot_expression import Of
from ..session.write_session import write_session
from ..spots.schema import positions
from .common import dialogs
from .common.background_jobs import ANALYSIS
from .common.notify import tell, told, told_once
from .unsaved_work import UnsavedWork

if TYPE_CHECKING:
    import pandas as pd
    from qtpy.QtWidgets import QWidget

    from ..model import Model
    from ..session.open_slide import OpenSlide
    from ..session.session import Session
    from ..slides import Slide
    from ..spots import Tissue
    from .common.background_jobs import Jobs


Parts = tuple["list[Slide | None]", "list[Tissue | None]", "Model | None"]


class AnnotationTasks(QObject):
    """Everything beyond opening and predicting, for one session.

    Signals
    -------
    search_changed
        A search for domains has begun or ended.
    saved
        The folder a session was saved to or opened from.

    Attributes
    ----------
    unsaved_work
        What becomes of work that no saved session has.
    """

    search_changed = Signal()
    saved = Signal(object)

    def __init__(self, session: Session, jobs: Jobs) -> None:
        super().__init__()
        self.session, self.jobs = session, jobs
        self.recent = recent_sessions()
        self.unsaved_work = UnsavedWork(session, jobs)
        self._search: CancelToken | None = None

    @property
    def folder(self) -> Path | None:
        """Where the session was saved to or opened from: the shown slide, or else another."""
        opened = (self.session.shown, *self.session.open_slides)
        return next((each.folder for each in opened if each.folder is not None), None)

    @property
    def unsaved(self) -> bool:
        """Whether anything that is open is not in :attr:`folder` as it is."""
        folder = self.folder
        return any(
            each.unsaved or (each.folder != folder and not each.bare)
            for each in self.session.open_slides
        )

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
            raise SettingsError("There are no spots; load spots or create a grid first.")
        xy, cancel = positions(spots), CancelToken()

        def work() -> DomainMap:
            return find_map(expression, xy, settings, of, before, programs, cancel)

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

    def drawn(self, what: str, regions: tuple[Region, ...]) -> None:
        """Take in what a person did to the regions on the slide."""
        self.session.edit(what, regions=regions)

    def domains_to_regions(self) -> None:
        """Add every domain as regions that can be edited, once they are worked out."""
        opened, domains = self.session.shown, self._domains()
        assert opened.spots is not None
        xy, expression = positions(opened.spots), opened.expression

        def done(made: tuple[Region, ...]) -> None:
            if opened.expression is expression:
                regions = opened.annotations.regions + made
                self.session.edit("Turn domains into regions", on=opened, regions=regions)
                self.session.show(show_domains=False, show_regions=True)

        self.jobs.load(
            "Turning domains into regions", lambda: domains.regions(xy), done, queue=ANALYSIS
        )

    def compare(self, one: Region, other: Region | None, of: Of) -> None:
        """Compare in the background the spots of a region with another's, or with the rest.

        What was found is part of the slide's annotations.
        """
        opened = self.session.shown
        spots, spot_expression = opened.spots, opened.expression
        if spots is None:
            raise SettingsError("There are no spots to compare; load spots or create a grid first.")
        expression, genes = spot_expression.matrix(of)
        xy = positions(spots)

        def work() -> RegionComparison:
            return compare(expression, genes, xy, one, other, of)

        def done(found: RegionComparison) -> None:
            if opened.expression is spot_expression:
                self.session.edit("Compare regions", on=opened, comparison=found)

        self.jobs.load("Comparing regions", work, done, queue=ANALYSIS)

    def _domains(self) -> DomainMap:
        domains = self.session.annotations.domains
        if domains is None:
            raise SettingsError("There are no domains yet; find some first.")
        return domains

    # -- sessions ------------------------------------------------------------------------------

    def save(self, folder: Path, then: Callable[[], object] | None = None) -> None:
        """Save all open slides to a folder in the background.

        Parameters
        ----------
        folder
            New, or a session's.
        then
            Called once all of it is saved, not if that fails.
        """
        opened, saved = to_save(self.session), snapshot(self.session)
        states = [each.state for each in opened]

        def done(folder: Path) -> None:
            for each, state in zip(opened, states, strict=True):
                each.saved_in(folder, state)
                self.unsaved_work.keep(each)
            self.recent.add(folder)
            self.saved.emit(folder)
            show_info(f"Saved {folder}")
            if then is not None:
                then()

        self.jobs.load(f"Saving {folder.name}", partial(write_session, saved, folder), done)

    def where_to_save(self, parent: QWidget | None, folder: Path | None) -> Path | None:
        """Return the folder to save the session to, asked for where need be; None if cancelled.

        Parameters
        ----------
        parent
            Over which it is asked.
        folder
            Where it was saved before, or None to ask in any case.
        """
        title = "Save the session as a folder"
        if folder is not None and (gone := self.left_out(folder)):
            title = f"{gone[0]} is in {folder.name} and not open: choose a new folder to keep it"
            folder = None
        if folder is None:
            slide = self.session.slide
            stem = slide.path.stem if slide is not None else "slide"
            folder = dialogs.ask_target(parent, title, f"{stem}_session", dialogs.SESSION)
        return folder

    def may_lose(
        self,
        slides: Sequence[OpenSlide],
        parent: QWidget | None,
        act: Callable[[], object],
        *,
        quitting: bool = False,
    ) -> bool:
        """Ask what becomes of unsaved work on slides that are about to be closed.

        Parameters
        ----------
        slides, parent
            Which slides, and over what it is asked.
        act
            What would lose the work. Where the person wants it saved first, it is called then.
        quitting
            Whether all of napari is being closed.

        Returns
        -------
        Whether it may be done now: nothing is unsaved, or the person discards it.
        """
        unsaved = [each for each in slides if each.unsaved]
        if not unsaved:
            return True
        lines = (f"{each.name}: {', '.join(each.unsaved)}" for each in unsaved)
        answer = dialogs.ask_unsaved(parent, "\n".join(lines))
        if answer == dialogs.DISCARD:
            self.unsaved_work.discard(unsaved, for_good=quitting)
            return True
        if answer == dialogs.SAVE:
            folder = self.where_to_save(parent, self.folder)
            if folder is not None:
                with told():
                    self.save(folder, act)
        return False

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
        """Open the slides of a session; unsaved work on those in its place is asked about first."""
        fingerprints = {each.fingerprint for each in saved.slides}
        replaced = [
            e for e in self.session.open_slides if e.slide and e.fingerprint in fingerprints
        ]
        go_on = partial(self._open_slides, saved)
        if self.may_lose(replaced, None, go_on):
            go_on()

    def _open_slides(self, saved: SavedSession) -> None:
        paths = [_path_of(saved, each) for each in saved.slides]
        self.jobs.load(
            f"Opening {saved.folder.name}",
            partial(_open_parts, saved, paths),
            partial(self._enter, saved),
        )

    def _enter(self, saved: SavedSession, parts: Parts) -> None:
        slides, tissues, model = parts
        try:
            with self.session.changed.paused(told_once):
                saved.enter(self.session, slides, model, tissues)
        except UserError:
            _close(slides)
            raise
        self.recent.add(saved.folder)
        self.unsaved_work.discard([each for each in self.session.open_slides if not each.unsaved])
        self.saved.emit(saved.folder)
        if saved.model is not None and model is None:
            show_info(
                f"The model {saved.model} is not there, so the values are shown without their "
                "evidence; choose the model in Predict."
            )


def _of(domains: DomainMap) -> Of:
    return "measured" if domains.of == "measured" else "predicted"


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
