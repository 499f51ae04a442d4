"""One workspace a viewer: its session, its layers and its threads, shared by all docks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import napari
from napari.utils.notifications import show_info
from qtpy.compat import isalive
from qtpy.QtCore import QEvent, QObject, QTimer, Signal

from ..errors import SettingsError, SlideError
from ..scene.layer_specs import Scene
from ..scene.resolve import scene
from ..scene.shown import fixed_colours
from ..session.prediction_run import Run
from ..session.recent_files import recent_models
from ..session.session import Session
from .annotation_tasks import AnnotationTasks
from .cohort.cohort_watch import CohortWatch
from .common.background_jobs import Jobs
from .common.napari_compat import main_window
from .common.notify import tell, tell_end, told, told_once
from .common.tabbing import DockGroup
from .common.torch_loading import prepare_torch
from .common.warm_up import thaw, warm_up
from .file_work import model_of, predict_run, read_spots_of, save_prediction
from .frame.furnish import furnish
from .layers.apply_scene import Layers
from .layers.removal import what_removal_means
from .plugin.adoption import Adoption
from .plugin.handover import Arrivals, Opened, read_opened_prediction
from .predict.model_choices import built_in_model
from .train.training_watch import TrainingWatch, training_may_stay

if TYPE_CHECKING:
    from anndata import AnnData
    from qtpy.QtWidgets import QWidget

    from ..model import Model
    from ..session.open_slide import OpenSlide
    from ..spots import GridSettings
    from ..training.process import Ended

REDRAW_MS = 100  # while a run is filling in; a person sees no more often than that anyway

_workspaces: WeakKeyDictionary[Any, Workspace] = WeakKeyDictionary()


def workspace_of(viewer: Any) -> Workspace:
    """Return the workspace of a viewer, made when first asked for."""
    viewer = getattr(viewer, "__wrapped__", viewer)  # napari hands proxies to plugins
    if viewer not in _workspaces:
        _workspaces[viewer] = Workspace(viewer)
    return _workspaces[viewer]


def workspace_in_use() -> Workspace | None:
    """Return the workspace of the viewer in front, if docks of it were opened."""
    viewer = napari.current_viewer()
    return None if viewer is None else _workspaces.get(getattr(viewer, "__wrapped__", viewer))


class Workspace(QObject):
    """What the docks of one viewer share, and what their buttons do.

    Attributes
    ----------
    session
        What is open and shown.
    tasks, jobs
        What the docks do with annotations; the threads: ``jobs.loading`` says what is loaded.
    training
        The training that is on, whoever started it; closing a dock is nothing to it.
    cohort
        The cohort that is on, likewise.
    layers, scene
        The session's layers in the viewer, and what is drawn at present.
    docks
        The docks of this viewer that were shown, and how they stand.

    Signals
    -------
    shown
        The :class:`~napari_mclstexp.scene.resolve.Scene` just drawn: after every change of the
        session, at most ten times a second while a run fills in.
    model_changed, run_changed, progressed, leaving
        The session's, for docks, which come and go.
    settling
        What is being typed or drawn is to be taken in now: it is about to be saved, or lost.
    """

    shown = Signal(object)
    model_changed = Signal(object)
    run_changed = Signal(object)
    progressed = Signal(object)
    leaving = Signal()
    settling = Signal()

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        prepare_torch()  # the window draws already, the model comes later
        self.session = Session()
        self.jobs = Jobs()
        self.tasks = AnnotationTasks(self.session, self.jobs)
        self.training = TrainingWatch()
        self.training.ended.connect(self._training_ended)
        self.cohort = CohortWatch()
        self.cohort.ended.connect(self._cohort_ended)
        self._when_closed: Callable[[], None] | None = None
        self.layers = Layers(viewer, self._layers_removed, self._layer_edited, self.tasks.drawn)
        self.scene = Scene()
        self.recent = recent_models()
        self.docks = DockGroup()
        self._runs: set[Run] = set()
        self._closed = False
        self._redraw = QTimer(self)
        self._redraw.setSingleShot(True)
        self._redraw.setInterval(REDRAW_MS)
        self._redraw.timeout.connect(self._draw)
        self.session.changed.connect(self._changed)
        self.session.model_changed.connect(self.model_changed.emit)
        self.session.runs.changed.connect(self.run_changed.emit)
        self.session.runs.progressed.connect(self.progressed.emit)
        self.session.leaving.connect(self._leaving)
        self._arrivals = Arrivals(viewer, self._take_over)
        self._adoption = Adoption(viewer, self.open_slide)
        session = self.session
        viewer.bind_key("Control-Z", lambda _: session.undo(), overwrite=True)
        viewer.bind_key("Control-Shift-Z", lambda _: session.redo(), overwrite=True)
        viewer.bind_key("Control-PageDown", lambda _: session.select_next(), overwrite=True)
        # Kept nowhere: a workspace that held its window would keep both alive forever.
        window = main_window(viewer)
        if window is not None:
            window.installEventFilter(self)
            furnish(viewer, window, self.session, self.tasks.unsaved_work, self.shown)
        self.training.find()
        warm_up(self.jobs, viewer)

    # -- slide and spots -----------------------------------------------------------------------

    def open_slide(self, path: Path, then: Callable[[], None] = lambda: None) -> None:
        """Open a slide in the background, call `then` and show it; one that is open, at once."""
        there = self.session.open_slide_at(path)
        if there is not None:
            then()
            self.session.select(there)
            return

        def done(opened: Opened) -> None:
            then()
            self.take_in(opened)

        def work() -> Opened:
            from ..slides import open_slide

            return Opened(slide=open_slide(path)).with_tissue()

        self.jobs.load(f"Opening {path.name}", work, done, cancellable=True)

    def close_slide(self) -> None:
        """Close the slide after what is being read from it; a run on it is cancelled at once.

        Where work on it is not saved, the person is asked first.
        """
        opened = self.session.shown
        self._settle()
        close = partial(self._close, opened)
        if self.tasks.may_lose([opened], main_window(self.layers.viewer), close):
            close()

    def _close(self, opened: OpenSlide) -> None:
        session = self.session
        if session.run is not None and session.run.expression is opened.expression:
            session.runs.cancel()
        self.jobs.load("Closing the slide", lambda: None, lambda _: session.close_slide(opened))

    def load_spots(self, path: Path, counts: Path | None = None) -> None:
        """Read spots in the background and show them on the slide for which they were asked."""
        opened = self.session.shown

        def done(spots: AnnData) -> None:
            if opened in self.session.open_slides:
                self.session.select(opened)
                self.session.use_spots(spots)
                opened.on_disk = (spots,)

        read = partial(read_spots_of, path, counts)
        self.jobs.load(f"Reading {path.name}", read, done, cancellable=True)

    def lay_grid(self, settings: GridSettings) -> None:
        """Lay a grid over the tissue in the background and show it."""
        opened, slide = self.session.shown, self.session.slide
        if slide is None:
            raise SlideError("There is no slide to create a grid over; open one first.")

        def work() -> AnnData:
            from ..spots import lay_grid

            return lay_grid(slide, settings)

        def done(spots: AnnData) -> None:
            if opened in self.session.open_slides:
                self.session.select(opened)
                self.session.use_spots(spots)

        self.jobs.load("Finding tissue and creating the grid", work, done, cancellable=True)

    def open_prediction(self, path: Path) -> None:
        """Read a prediction in the background and show it, with its slide if none is open."""

        def work() -> Opened:
            with_slide = self.session.slide is None
            return read_opened_prediction(path, with_slide).with_tissue()

        self.jobs.load(f"Reading {path.name}", work, self.take_in, cancellable=True)

    # -- model, runs and results ---------------------------------------------------------------

    def load_model(
        self,
        folder: Path,
        failed: Callable[[BaseException], None] = tell,
        only_if: Callable[[], bool] = lambda: True,
    ) -> None:
        """Load and verify a model in the background and choose it, if that is still wanted then."""
        what, work = f"Loading model {folder.name}", partial(model_of, folder)
        done = partial(self._use_model, only_if)
        self.jobs.load(what, work, done, failed, cancellable=True)

    def _use_model(self, only_if: Callable[[], bool], model: Model) -> None:
        if not only_if():
            return
        self.session.use_model(model)
        if model.path is not None and model.path != built_in_model():
            self.recent.add(model.path)

    def run(self, device: str) -> None:
        """Start a prediction; refused with a sentence while one is on."""
        run = self.session.runs.start()
        self._runs.add(run)
        if self.session.display.quantity == "measured":
            self.session.show(quantity="predicted")  # what she asked for is what she sees

        def done(prediction: AnnData) -> None:
            self._runs.discard(run)
            self.session.runs.finish(run, prediction)
            if self.session.slide is not run.slide and not run.token.cancelled:
                show_info(f"The prediction on {run.slide.path.name} is ready.")

        def failed(error: BaseException) -> None:
            self._runs.discard(run)
            self.session.runs.abandon(run)
            if not run.token.cancelled:
                tell(error)

        work = partial(predict_run, run, device, self.session.runs)
        self.jobs.start(work, done, failed)

    def save(self, path: Path) -> None:
        """Write the result shown to an h5ad file in the background."""
        result = self.session.result
        if result is None or result.adata is None:
            raise SettingsError("There is no finished prediction to save; run one first.")
        opened, prediction = self.session.shown, result.adata

        def done(_: object) -> None:
            opened.on_disk = (*opened.on_disk, prediction)
            show_info(f"Saved {path}")

        self.jobs.load(f"Saving {path.name}", partial(save_prediction, prediction, path), done)

    # -- the viewer ----------------------------------------------------------------------------

    def shutdown(self) -> None:
        """End the run, close the slides, and let go of the training; the viewer is going away.

        Nothing is waited for: a slide lets go of its file after the last read, and the program
        waits for files that are being written when it ends.
        """
        if self._closed or not isalive(self.jobs):  # Qt takes it apart: Python is ending
            return
        self._closed = True
        self._redraw.stop()
        self.session.changed.disconnect(self._changed)
        self.layers.regions.finish()  # what was drawn just before
        self.tasks.unsaved_work.keep_now(wait=True)
        self.tasks.cancel_search()
        self.training.leave()
        self.cohort.leave()
        if self._when_closed is not None:
            self._when_closed()
        self.session.runs.cancel()
        self.jobs.close()
        for run in self._runs:
            self.session.runs.abandon(run)
        for opened in self.session.open_slides:
            self.session.close_slide(opened)
        self.layers.forget()
        thaw()
        for viewer in [key for key, workspace in _workspaces.items() if workspace is self]:
            del _workspaces[viewer]

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Ask what becomes of a training, and notice that the window was closed indeed."""
        kind = event.type()
        hidden = kind == QEvent.Type.Hide and not event.spontaneous()
        if kind == QEvent.Type.Close and watched.isVisible() and not self._may_close(watched):
            event.ignore()
            return True
        if hidden or (kind == QEvent.Type.Close and not watched.isVisible()):
            self.shutdown()
        return False

    def _may_close(self, window: QWidget) -> bool:
        """Let her decide about unsaved work, and a training that no other window would show."""
        self.session.changed.disconnect(self._changed)  # napari may have removed its layers already
        self._settle()
        slides = self.session.open_slides
        may = self.tasks.may_lose(slides, window, window.close, quitting=True)
        self.session.changed.connect(self._changed)
        if not may:
            self._changed()
            return False
        process = self.training.process
        if process is None or not process.running or len(_workspaces) > 1:
            return True
        may, self._when_closed = training_may_stay(process, window)
        if not may:
            self.tasks.unsaved_work.stay()
        return may

    def _training_ended(self, how: Ended) -> None:
        process = self.training.process
        if how.how == "done" and process is not None:
            self.recent.add(process.record.out)
            self.model_changed.emit(self.session.model)
        tell_end(how, process, "The model {} is trained; Predict lists it.")

    def _cohort_ended(self, how: Ended) -> None:
        tell_end(how, self.cohort.process, "The slides of {} are through.")

    def _take_over(self, opened: Opened, remove: Callable[[], None]) -> None:
        """Take in what stands in the viewer as layers of a reader, once its tissue is found."""

        def done(opened: Opened) -> None:
            remove()
            self.take_in(opened)

        if opened.slide is None and not self.jobs.busy:
            done(opened)
        else:
            self.jobs.load("Finding the tissue", opened.with_tissue, done)

    def take_in(self, opened: Opened) -> None:
        """Make what a reader opened the session's own."""
        with told(), self.session.changed.paused(told_once):
            opened.enter(self.session)
        if opened.model is not None:
            self.load_model(opened.model)

    def _leaving(self) -> None:
        """Have what a person is in the middle of taken in while its slide is still shown."""
        self.layers.regions.finish()
        self.leaving.emit()
        self.tasks.unsaved_work.leave()

    def _settle(self) -> None:
        self.layers.regions.finish()
        self.settling.emit()

    def _changed(self) -> None:
        run = self.session.run
        if run is None or run.expression is not self.session.expression:
            self._redraw.stop()
            self._draw()
        elif not self._redraw.isActive():
            self._redraw.start()

    def _draw(self) -> None:
        with told():
            self.scene = scene(self.session)
            self.layers.apply(self.scene)
        self.shown.emit(self.scene)

    def _layers_removed(self, slots: tuple[str, ...]) -> None:
        """Keep what a person removed in napari's list of layers: layers only show what is open."""
        word, hide = what_removal_means(slots)
        if hide:
            self.session.show(**dict.fromkeys(hide, False))
        self.layers.restore()
        show_info(word)

    def _layer_edited(self, field: str, value: Any) -> None:
        if field not in fixed_colours(self.session):
            self.session.show(**{field: value})
