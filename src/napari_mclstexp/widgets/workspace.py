"""One workspace a viewer: its session, its layers and its threads, shared by all docks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from weakref import WeakKeyDictionary, WeakSet

import napari
from napari.utils.notifications import show_info
from qtpy.QtCore import QEvent, QObject, QTimer, Signal

from ..errors import SettingsError, SlideError, UserError
from ..progress import Progress
from ..scene.layer_specs import Scene
from ..scene.resolve import scene
from ..session.prediction_run import Run
from ..session.recent_files import recent_models
from ..session.session import Session
from .annotation_tasks import AnnotationTasks
from .common.background_jobs import Jobs, Post
from .common.napari_compat import main_window
from .common.notify import tell, told
from .common.torch_loading import prepare_torch
from .layers.apply_scene import Layers
from .plugin.handover import Arrivals, Opened, read_opened_prediction
from .predict.model_choices import built_in_model

if TYPE_CHECKING:
    from anndata import AnnData
    from qtpy.QtWidgets import QWidget

    from ..analysis.region import Region
    from ..model import Model
    from ..slides import Slide
    from ..spots import Tissue

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
    study
        What the docks do with a person's work.
    jobs
        The threads; ``jobs.loading`` says what is being loaded.
    layers
        The session's layers in the viewer.
    scene
        What is drawn at present.
    docks
        The docks of this viewer that were shown.

    Signals
    -------
    shown
        The :class:`~napari_mclstexp.scene.resolve.Scene` just drawn: after every change of the
        session, at most ten times a second while a run fills in.
    model_changed, run_changed, progressed, leaving
        The session's, for docks, which come and go.
    """

    shown = Signal(object)
    model_changed = Signal(object)
    run_changed = Signal(object)
    progressed = Signal(object)
    leaving = Signal()

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        prepare_torch()  # the window draws already, the model comes later
        self.session = Session()
        self.jobs = Jobs()
        self.tasks = AnnotationTasks(self.session, self.jobs)
        self.layers = Layers(viewer, self._layer_removed, self._layer_edited, self._drawn)
        self.scene = Scene()
        self.recent = recent_models()
        self.docks: WeakSet[QWidget] = WeakSet()
        self._runs: set[Run] = set()
        self._closed = False
        self._redraw = QTimer(self)
        self._redraw.setSingleShot(True)
        self._redraw.setInterval(REDRAW_MS)
        self._redraw.timeout.connect(self._draw)
        self.session.changed.connect(self._changed)
        self.session.model_changed.connect(self.model_changed.emit)
        self.session.run_changed.connect(self.run_changed.emit)
        self.session.progressed.connect(self.progressed.emit)
        self.session.leaving.connect(self._leaving)
        self._arrivals = Arrivals(viewer, self._take_in)
        session, history = self.session, self.session.history
        viewer.bind_key("Control-Z", lambda _: history.undo(), overwrite=True)
        viewer.bind_key("Control-Shift-Z", lambda _: history.redo(), overwrite=True)
        viewer.bind_key("Control-PageDown", lambda _: session.select_next(), overwrite=True)
        # Kept nowhere: a workspace that held its window would keep both alive forever.
        window = main_window(viewer)
        if window is not None:
            window.installEventFilter(self)

    # -- slide and spots -----------------------------------------------------------------------

    def open_slide(self, path: Path) -> None:
        """Open a slide in the background and show it; one that is open already is shown at once."""
        there = self.session.open_slide_at(path)
        if there is not None:
            self.session.select(there)
            return

        def done(found: tuple[Slide, Tissue]) -> None:
            slide, tissue = found
            try:
                self.session.use_slide(slide, tissue)
            except UserError:
                slide.close()
                raise

        self.jobs.load(f"Opening {path.name}", partial(_open_slide, path), done)

    def close_slide(self) -> None:
        """Close the slide after what is being read from it; a run on it is cancelled at once."""
        session, opened = self.session, self.session.shown
        if session.run is not None and session.run.expression is opened.expression:
            session.cancel_run()
        self.jobs.load("Closing the slide", lambda: None, lambda _: session.close_slide(opened))

    def load_spots(self, path: Path, counts: Path | None = None) -> None:
        """Read spots in the background and show them on the slide for which they were asked."""
        opened = self.session.shown

        def done(spots: AnnData) -> None:
            if opened in self.session.open_slides:
                self.session.select(opened)
                self.session.use_spots(spots)

        self.jobs.load(f"Reading {path.name}", partial(_read_spots, path, counts), done)

    def lay_grid(
        self, *, pitch_um: float, diameter_um: float, layout: Literal["hex", "square"]
    ) -> None:
        """Lay a grid over the tissue in the background and show it."""
        opened, slide = self.session.shown, self.session.slide
        if slide is None:
            raise SlideError("There is no slide to lay a grid over; open one first.")

        def work() -> AnnData:
            from ..spots import lay_grid

            return lay_grid(slide, pitch_um=pitch_um, diameter_um=diameter_um, layout=layout)

        def done(spots: AnnData) -> None:
            if opened in self.session.open_slides:
                self.session.select(opened)
                self.session.use_spots(spots)

        self.jobs.load("Finding tissue and laying the grid", work, done)

    def open_prediction(self, path: Path) -> None:
        """Read a prediction in the background and show it, with its slide if none is open."""

        def work() -> Opened:
            return read_opened_prediction(path, with_slide=self.session.slide is None)

        self.jobs.load(f"Reading {path.name}", work, self._take_in)

    # -- model, runs and results ---------------------------------------------------------------

    def load_model(self, folder: Path, failed: Callable[[BaseException], None] = tell) -> None:
        """Load and verify a model in the background and choose it."""
        self.jobs.load(
            f"Loading model {folder.name}", partial(_load_model, folder), self._use_model, failed
        )

    def _use_model(self, model: Model) -> None:
        self.session.use_model(model)
        if model.path is not None and model.path != built_in_model():
            self.recent.add(model.path)

    def run(self, device: str) -> None:
        """Start a prediction; refused with a sentence while one is on."""
        run = self.session.start_run()
        self._runs.add(run)
        if self.session.display.quantity == "measured":
            self.session.show(quantity="predicted")  # what she asked for is what she sees

        def work(post: Post) -> AnnData:
            from ..inference.predict import predict

            def progress(event: Progress) -> None:
                post(partial(self.session.report, run, event))

            return predict(
                run.slide,
                run.spots,
                run.model,
                genes=run.genes,
                device=device,
                progress=progress,
                cancel=run.token,
            )

        def done(prediction: AnnData) -> None:
            self._runs.discard(run)
            self.session.finish_run(run, prediction)
            if self.session.slide is not run.slide and not run.token.cancelled:
                show_info(f"The prediction on {run.slide.path.name} is ready.")

        def failed(error: BaseException) -> None:
            self._runs.discard(run)
            self.session.abandon_run(run)
            if not run.token.cancelled:
                tell(error)

        self.jobs.start(work, done, failed)

    def save(self, path: Path) -> None:
        """Write the result shown to an h5ad file in the background."""
        result = self.session.result
        if result is None or result.adata is None:
            raise SettingsError("There is no finished prediction to save; run one first.")
        self.jobs.load(
            f"Saving {path.name}",
            partial(_save, result.adata, path),
            lambda _: show_info(f"Saved {path}"),
        )

    # -- the viewer ----------------------------------------------------------------------------

    def shutdown(self) -> None:
        """End the run, wait for the threads, and close the slide; the viewer is going away."""
        if self._closed:
            return
        self._closed = True
        self._redraw.stop()
        self.tasks.keep_now()
        self.session.changed.disconnect(self._changed)
        self.session.cancel_run()
        if self.jobs.close():
            for run in self._runs:
                self.session.abandon_run(run)
            while self.session.slide is not None:
                self.session.close_slide()
        self.layers.forget()
        for viewer in [key for key, workspace in _workspaces.items() if workspace is self]:
            del _workspaces[viewer]

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Notice that the window was closed, not merely that someone asked to close it."""
        kind = event.type()
        hidden = kind == QEvent.Type.Hide and not event.spontaneous()
        if hidden or (kind == QEvent.Type.Close and not watched.isVisible()):
            self.shutdown()
        return False

    def _take_in(self, opened: Opened) -> None:
        """Make what a reader opened the session's own."""
        with told():
            opened.enter(self.session)
        if opened.model is not None:
            self.load_model(opened.model)

    def _leaving(self) -> None:
        """Have what a person is in the middle of taken in while its slide is still shown."""
        self.layers.regions.finish()
        self.leaving.emit()
        self.tasks.leave()

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

    def _layer_removed(self, slot: str) -> None:
        if slot == "slide":
            self.close_slide()
        elif slot in ("spots", "domains", "regions"):
            self.session.show(**{f"show_{slot}": False})

    def _drawn(self, what: str, regions: tuple[Region, ...]) -> None:
        self.session.history.edit(what, regions=regions)

    def _layer_edited(self, field: str, value: Any) -> None:
        self.session.show(**{field: value})


def _open_slide(path: Path) -> tuple[Slide, Tissue]:
    from ..slides import open_slide
    from ..spots import find_tissue

    slide = open_slide(path)
    try:
        tissue = find_tissue(slide)
        # The first look is at the coarsest level: read here, it is there when the window asks.
        level = len(slide.levels) - 1
        slide.read_level(level, 0, 0, 1, 1)
    except BaseException:
        slide.close()
        raise
    return slide, tissue


def _read_spots(path: Path, counts: Path | None) -> AnnData:
    from ..spots.readers.choose import read_spots

    return read_spots(path, counts)


def _load_model(folder: Path) -> Model:
    from ..model import load_model

    return load_model(folder)


def _save(prediction: AnnData, path: Path) -> None:
    from ..inference.prediction_io import write_prediction

    write_prediction(prediction, path)
