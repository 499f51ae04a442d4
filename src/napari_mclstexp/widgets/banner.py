"""What must be seen whichever dock is open, in a line above the tissue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import (
    QHBoxLayout,
    QPushButton,
    QSizePolicy,
    QToolBar,
    QVBoxLayout,
    QWidget,
)

from ..analysis.region_edits import flat
from ..spots.schema import Provenance
from .common.notify import told
from .common.theme import facts
from .common.words import tr

if TYPE_CHECKING:
    from qtpy.QtWidgets import QMainWindow

    from ..scene.layer_specs import Scene
    from ..session.autosave import Kept
    from .unsaved_work import UnsavedWork


class Banner(QToolBar):
    """Offers unsaved work back, and says where a slide is unlike those that the model knows.

    It is there only while it has something to say.
    """

    def __init__(self, unsaved: UnsavedWork, window: QMainWindow) -> None:
        super().__init__(window)
        self._unsaved = unsaved
        self.setObjectName("mclSTExp banner")
        self.setWindowTitle("mclSTExp")
        self.setMovable(False)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self.toggleViewAction().setVisible(False)
        self.offer = facts(tr("Work on this slide that was not saved when napari last closed"))
        self.restore = QPushButton(tr("Restore"))
        self.restore.setToolTip(tr("Take the unsaved work over"))
        self.discard = QPushButton(tr("Discard"))
        self.discard.setToolTip(tr("Delete the unsaved work for good"))
        self.warning = facts(tr("How this slide differs from those the model was trained on"))
        for label in (self.offer, self.warning):
            label.setStyleSheet("font-weight: bold;")
        self.offers = QWidget()
        line = QHBoxLayout(self.offers)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(self.offer, 1)
        line.addWidget(self.restore)
        line.addWidget(self.discard)
        self._content = QWidget()
        self._content.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        lines = QVBoxLayout(self._content)
        lines.setContentsMargins(10, 3, 10, 3)
        lines.setSpacing(3)
        lines.addWidget(self.offers)
        lines.addWidget(self.warning)
        self.addWidget(self._content)
        self.restore.clicked.connect(self._restore)
        self.discard.clicked.connect(self._unsaved.dismiss)
        self._unsaved.offer_changed.connect(self._show_offer)
        self.warning.hide()
        window.addToolBar(Qt.ToolBarArea.TopToolBarArea, self)
        self._show_offer()

    def _restore(self) -> None:
        with told():
            self._unsaved.restore()

    def _show_offer(self) -> None:
        kept = self._unsaved.offered
        self.offers.setVisible(kept is not None)
        if kept is not None:
            self.offer.setText(f"Unsaved work of {kept.when:%d %B, %H:%M}: {_said(kept)}.")
        self._settle()

    def show_scene(self, drawn: Scene) -> None:
        """Say what is to be said of what is drawn."""
        self.warning.setText(drawn.warning)
        self.warning.setVisible(bool(drawn.warning))
        self._settle()

    def _settle(self) -> None:
        self.setVisible(not (self.offers.isHidden() and self.warning.isHidden()))
        self._fit()

    def _fit(self) -> None:
        """Take as many lines as the text needs; by itself a tool bar would take far more."""
        layout = self._content.layout()
        if layout is not None and layout.hasHeightForWidth():
            self._content.setFixedHeight(layout.heightForWidth(self.width()))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Wrap anew."""
        super().resizeEvent(event)
        self._fit()


def _said(kept: Kept) -> str:
    """Return in words what was kept: "2 regions, notes, a prediction by Tiny"."""
    made, saved = kept.annotations, kept.slide
    parts = [
        _count(len(flat(made.regions)), "region"),
        _count(0 if made.domains is None else len(made.domains.keys), "domain"),
        _count(len(made.signatures), "signature"),
        "notes" if made.notes.strip() else "",
        "landmarks" if made.landmarks else "",
        "a comparison of regions" if made.comparison is not None else "",
        f"a grid of {kept.grid.n_obs:,} spots" if kept.grid is not None else "",
        f"a scale of {saved.um_per_px:.3g} µm per px" if saved.um_per_px is not None else "",
    ]
    if saved.prediction is not None:
        parts.append(f"a prediction by {Provenance.read(saved.prediction).model_name}")
    return ", ".join(part for part in parts if part)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}" if number else ""
