"""The dock "Predict": a model, a run, and how the maps of its genes are drawn."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import napari
from qtpy.QtWidgets import QPushButton

from ...scene.layer_specs import Scene
from ...scene.shown import fixed_colours
from ...session.display import MOST_COMPARED
from ..common import dialogs
from ..common.dock import Dock
from ..common.notify import tell, told
from ..common.theme import facts, rule
from ..common.words import tr
from ..frame.gene_bar import gene_picker_of
from .colour_bar import ColourBarView
from .display_panel import DisplayPanel
from .model_choices import choices, proposed
from .model_panel import ModelPanel
from .models_dialog import ModelsDialog
from .run_panel import RunPanel

if TYPE_CHECKING:
    from ...session.session import Session
    from ...slides import Slide


class PredictDock(Dock):
    """Choose a model, run it, and choose how its maps are drawn."""

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__(napari_viewer)
        self.model = ModelPanel()
        self.runner = RunPanel()
        self.genes = gene_picker_of(napari_viewer)  # of the bar that is always there
        self.display = DisplayPanel()
        self.bars = tuple(ColourBarView() for _ in range(MOST_COMPARED))
        self.result = facts(tr("The result shown, and how it compares with the measurements"))
        self.save = QPushButton(tr("Save prediction…"))
        self.save.setToolTip(
            tr("Save the whole prediction, all genes, to an h5ad file that scanpy and squidpy read")
        )
        self.library: ModelsDialog | None = None
        self._offered_for: Slide | None = None
        maps = (*self.bars, self.display, self.result, self.save)
        self.stack(self.model, self.runner, rule(), *maps)
        self._wire()
        self._offer_models()
        self.runner.show_run(self.workspace.session.run)
        self._show_scene(self.workspace.scene)
        self._propose_model()

    def _wire(self) -> None:
        """Connect everything; there is no wiring of this dock anywhere else."""
        workspace, session = self.workspace, self.workspace.session
        self.model.model_asked.connect(self._model_asked)
        self.model.more_asked.connect(self._more_asked)
        self.runner.run_asked.connect(self._run_asked)
        self.runner.cancel_asked.connect(session.runs.cancel)
        self.display.changed.connect(lambda changes: session.show(**changes))
        self.save.clicked.connect(self._save_asked)
        workspace.shown.connect(self._show_scene)
        workspace.model_changed.connect(self._offer_models)
        workspace.run_changed.connect(self.runner.show_run)
        workspace.progressed.connect(self.runner.show_progress)

    def _show_scene(self, drawn: Scene) -> None:
        session = self.workspace.session
        result = session.result
        interval = None if result is None else result.interval
        self.display.show_display(
            *(session.display, session.quantities, session.shown_quantity, interval),
            fixed_colours(session),
        )
        for view, bar in zip(self.bars, (*drawn.bars, *[None] * MOST_COMPARED), strict=False):
            view.show_bar(bar)
        if self._offered_for is not session.slide:
            self._offer_models()
            self._propose_model()
        self.result.setText(drawn.result_text)
        self.result.setVisible(bool(drawn.result_text))
        self.save.setEnabled(result is not None and result.complete)

    def _offer_models(self) -> None:
        model = self.workspace.session.model
        path = model.path if model is not None else None
        slide = self._offered_for = self.workspace.session.slide
        of = None if slide is None else slide.path
        self.model.offer(choices(self.workspace.recent, path, of), path)
        self.model.show_model(model)

    def _propose_model(self) -> None:
        """Choose the model that she used last for a slide that is new here."""
        session, slide = self.workspace.session, self.workspace.session.slide
        if slide is None or session.model is not None or session.result is not None:
            return
        path = proposed(self.workspace.recent, slide.path)
        if path is not None:
            still = partial(_bare, session, slide)
            self.workspace.load_model(path, lambda _: self._offer_models(), only_if=still)

    def _model_asked(self, path: Path) -> None:
        def failed(error: BaseException) -> None:
            self._offer_models()
            tell(error)

        self.workspace.load_model(path, failed)

    def _more_asked(self) -> None:
        with told():
            if self.library is None:
                self.library = ModelsDialog(self.workspace, self)
                self.library.changed.connect(self._offer_models)
            self.library.show()
            self.library.raise_()

    def _run_asked(self, device: str) -> None:
        with told():
            self.workspace.run(device)

    def _save_asked(self) -> None:
        slide = self.workspace.session.slide
        stem = slide.path.stem if slide is not None else "slide"
        target = dialogs.ask_target(
            self, "Save the prediction", f"{stem}_prediction.h5ad", dialogs.PREDICTION
        )
        if target is not None:
            with told():
                self.workspace.save(target)


def _bare(session: Session, slide: Slide) -> bool:
    """Whether a slide is still shown without a model and without a result."""
    return session.slide is slide and session.model is None and session.result is None
