"""The dock "Workbench": opens all docks in order, and says what to do next."""

from __future__ import annotations

from typing import Any

import napari
from qtpy.QtCore import Qt, QTimer
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import (
    QDockWidget,
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from ..scene.layer_specs import Scene
from ..session.next_step import DOCKS, next_step
from .common.tabbing import dock_of
from .slide.slide_chooser import SlideChooser
from .workspace import workspace_of

PLUGIN = "napari-mclstexp"
NEXT = "Ctrl+Alt+Right"
SIDE_WIDTH = 380


class Workbench(QWidget):
    """A line of buttons, one a dock, and the next step in words."""

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self.workspace = workspace_of(napari_viewer)
        self._window = napari_viewer.window
        self._opened = False
        self.say = QLabel("")
        self.say.setWordWrap(True)
        self.say.setToolTip("What to do next")
        self.go = QPushButton("Next")
        self.go.setToolTip(f"Go to the dock of the next step ({NEXT})")
        self.go.setShortcut(NEXT)
        self.steps: dict[str, QPushButton] = {}
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        line = QHBoxLayout()
        line.setSpacing(2)
        for number, dock in enumerate(DOCKS, start=1):
            button = QPushButton(f"{number} {dock}")
            button.setToolTip(f"Bring {dock} to the front (Ctrl+Alt+{number})")
            button.setShortcut(f"Ctrl+Alt+{number}")
            button.setStyleSheet("padding: 2px 7px;")
            button.clicked.connect(lambda _=False, name=dock: self.bring(name))
            line.addWidget(button)
            self.steps[dock] = button
        self.slides = SlideChooser(self.workspace)
        line.addWidget(self.slides)
        line.addWidget(self.say, 1)
        line.addWidget(self.go)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 2, 8, 2)
        layout.addLayout(line)
        self.go.clicked.connect(lambda: self.bring(self._next().dock))
        self.workspace.shown.connect(self._show_scene)
        self.workspace.run_changed.connect(self._show_scene)
        self.workspace.tasks.saved.connect(self._show_scene)
        self._show_scene(None)

    def bring(self, name: str) -> None:
        """Bring a dock to the front, opened if it is not."""
        self._window.add_plugin_dock_widget(PLUGIN, name)
        self._front(name)

    def _next(self) -> Any:
        tasks = self.workspace.tasks
        return next_step(self.workspace.session, tasks.folder is not None and not tasks.unsaved)

    def _show_scene(self, _: Scene | Any) -> None:
        step = self._next()
        self.say.setText(f"Next: {step.say}")
        for name, button in self.steps.items():
            font = button.font()
            font.setBold(name == step.dock)
            button.setFont(font)

    def _front(self, name: str) -> None:
        for dock in self.window().findChildren(QDockWidget):
            if dock.windowTitle().startswith(name):
                dock.show()
                dock.raise_()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """Open the docks that are not open yet, in order, the first in front."""
        super().showEvent(event)
        if not self._opened:
            self._opened = True
            QTimer.singleShot(0, self._open_all)

    def _open_all(self) -> None:
        own = dock_of(self)
        window = own.parentWidget() if own is not None else None
        if own is not None and isinstance(window, QMainWindow):
            # Above the canvas: at the right it would make all docks as wide as itself.
            window.addDockWidget(Qt.DockWidgetArea.TopDockWidgetArea, own)
        widgets = [self._window.add_plugin_dock_widget(PLUGIN, name)[1] for name in DOCKS]
        self._front(self._next().dock)
        side = [dock for dock in map(dock_of, widgets) if dock is not None]
        if side and isinstance(window, QMainWindow):
            # The tissue gets what the docks do not need.
            window.resizeDocks(side, [SIDE_WIDTH] * len(side), Qt.Orientation.Horizontal)
