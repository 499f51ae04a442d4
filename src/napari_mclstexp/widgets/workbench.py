"""The dock "Workbench": the steps from slide to export, and the screen for the tissue."""

from __future__ import annotations

from functools import partial
from typing import Any

import napari
from qtpy.compat import isalive
from qtpy.QtCore import QSize, Qt, QTimer
from qtpy.QtGui import QHideEvent, QResizeEvent, QShowEvent
from qtpy.QtWidgets import (
    QDockWidget,
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QMenu,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from ..scene.layer_specs import Scene
from ..session.next_step import DOCKS, NextStep, next_step, steps_done
from .common.accessible import focus_inside, name_controls, use_by_keys
from .common.late_controls import make_controls_late
from .common.napari_compat import layer_panels
from .common.tabbing import dock_of, title
from .common.theme import colour, focus_seen, when_theme_changes
from .common.words import tr
from .slide.slide_chooser import SlideChooser
from .workspace import workspace_of

PLUGIN = "napari-mclstexp"
MORE = {"Train": "Ctrl+Alt+9", "Cohort": "Ctrl+Alt+0"}  # docks that are no step of a slide's way
NEXT, FIT, LAYERS = "Ctrl+Alt+Right", "F8", "F9"
SIDE_WIDTH, SIDE_SHARE = 380, 0.42  # px of the docks, at most this share of the window
GAP, MARGIN = 2, 8  # px
SAID = 45  # letters of the next step that must have room beside the steps
LOW = 700  # px of a screen that has no room for both of napari's panels below each other
SETTLE_MS = 250  # until napari has laid the docks out


class Workbench(QWidget):
    """The steps, which are done and which is next; napari's own panels are folded away."""

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self.workspace = workspace_of(napari_viewer)
        self._window = napari_viewer.window
        viewer = getattr(napari_viewer, "__wrapped__", napari_viewer)
        self._panels = layer_panels(viewer)
        make_controls_late(viewer)  # it folds them away
        self._opened = False
        self._front = ""
        self.say = QLabel("")
        self.say.setToolTip(tr("What to do next"))
        self.say.setAccessibleName(tr("Next step"))
        self.say.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.go = _button(tr("Next"), f"Go to the dock of the next step ({NEXT})", NEXT)
        self.fit = _button(f"Fit {FIT}", f"Look at the whole tissue ({FIT})", FIT)
        what = f"Show or fold napari's layers and layer controls ({LAYERS})"
        self.layers = _button(f"Layers {LAYERS}", what, LAYERS)
        self.layers.setCheckable(True)
        self.more = QPushButton(tr("More"))
        self.more.setToolTip(tr("Training a model of your own, and predicting many slides"))
        menu = QMenu(self.more)
        for name, keys in MORE.items():
            action = menu.addAction(name)
            action.setShortcut(keys)
            action.triggered.connect(partial(self._asked, name))
            self.addAction(action)  # its keys work while the menu is closed
        self.more.setMenu(menu)
        self.steps: dict[str, QPushButton] = {}
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self._line, self._below = QHBoxLayout(), QHBoxLayout()
        self._line.setSpacing(GAP)
        for number, dock in enumerate(DOCKS, start=1):
            button = _button(dock, "", f"Ctrl+Alt+{number}")
            button.setCheckable(True)
            button.clicked.connect(lambda _=False, name=dock: self.bring(name))
            self._line.addWidget(button)
            self.steps[dock] = button
        self.slides = SlideChooser(self.workspace)
        self._rest = QWidget()  # beside the steps, or below where there is no room
        rest = QHBoxLayout(self._rest)
        rest.setContentsMargins(0, 0, 0, 0)
        rest.setSpacing(GAP)
        rest.addWidget(self.slides)
        rest.addWidget(self.say, 1)
        for button in (self.go, self.more, self.fit, self.layers):
            rest.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(MARGIN, 2, MARGIN, 2)
        layout.setSpacing(1)
        layout.addLayout(self._line)
        layout.addLayout(self._below)
        self._line.addStretch(1)
        self._below.addWidget(self._rest, 1)
        self._wire()
        self._restyle()
        self._show_scene(None)
        name_controls(self)
        use_by_keys(self)

    def _wire(self) -> None:
        self.go.clicked.connect(lambda: self.bring(self._next().dock))
        self.fit.clicked.connect(self.workspace.layers.fit)
        self.layers.clicked.connect(self._fold)
        for panel in self._panels:
            panel.visibilityChanged.connect(self._panels_changed)
        self.workspace.docks.front_changed.connect(self._front_changed)
        self.workspace.shown.connect(self._show_scene)
        self.workspace.run_changed.connect(self._show_scene)
        self.workspace.tasks.saved.connect(self._show_scene)
        when_theme_changes(self._restyle)

    def bring(self, name: str) -> None:
        """Bring a dock to the front, opened if it is not."""
        dock, _ = self._window.add_plugin_dock_widget(PLUGIN, name)
        dock.show()
        dock.raise_()
        self._front_changed(name)
        focus_inside(dock)

    def _asked(self, name: str, _: bool = False) -> None:
        self.bring(name)

    # -- the steps -----------------------------------------------------------------------------

    @property
    def _saved(self) -> bool:
        tasks = self.workspace.tasks
        return tasks.folder is not None and not tasks.unsaved

    def _next(self) -> NextStep:
        return next_step(self.workspace.session, self._saved)

    def _show_scene(self, _: Scene | Any) -> None:
        step = self._next()
        self.say.setText(f"Next: {step.say}")
        self.say.setToolTip(step.say)
        done = steps_done(self.workspace.session, self._saved)
        for number, (name, button) in enumerate(self.steps.items(), start=1):
            button.setText(f"{name} ✓" if name in done else f"{number} {name}")
            state = "done" if name in done else "next" if name == step.dock else ""
            said = {"done": "; done", "next": "; the next step"}.get(state, "")
            button.setToolTip(f"Bring {name} to the front (Ctrl+Alt+{number}){said}")
            button.setShortcut(f"Ctrl+Alt+{number}")  # a new text takes it away
            button.setAccessibleDescription(said.removeprefix("; "))
            font = button.font()
            font.setBold(name == step.dock)
            button.setFont(font)
            button.setProperty("next", name == step.dock)
            button.style().unpolish(button)
            button.style().polish(button)
        self._arrange()  # a list of slides may have come

    def _front_changed(self, name: str) -> None:
        self._front = name
        for dock, button in self.steps.items():
            button.setChecked(dock == name)

    def _restyle(self) -> None:
        """Mark where one is by colour, what is next by a line, in the theme of the moment."""
        here, line = colour("current").name(), colour("highlight").name()
        edge = colour("icon").name()
        self.setStyleSheet(
            "QPushButton { padding: 2px 5px; border-bottom: 2px solid transparent; }"
            f"QPushButton:checked {{ background-color: {here}; }}"
            f'QPushButton[next="true"] {{ border-bottom: 2px solid {edge}; }}'
            f'QPushButton[next="true"]:checked {{ border-bottom: 2px solid {line}; }}'
            f"{focus_seen()}"
        )

    # -- the frame -----------------------------------------------------------------------------

    def _fold(self, shown: bool) -> None:
        """Fold napari's panels away, or show them: one behind the other on a low screen."""
        window, screen = self.window(), self.screen()
        low = screen is not None and screen.availableGeometry().height() < LOW
        if shown and low and len(self._panels) == 2 and isinstance(window, QMainWindow):
            window.tabifyDockWidget(*self._panels)
        for panel in self._panels:
            panel.setVisible(shown)

    def _panels_changed(self, _: bool = False) -> None:
        self.layers.setChecked(any(not panel.isHidden() for panel in self._panels))

    def _steps_width(self) -> int:
        widths = [int(button.minimumSizeHint().width()) + GAP for button in self.steps.values()]
        return sum(widths) + 2 * MARGIN

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Return the room for the steps alone: the rest can go below them."""
        return QSize(self._steps_width(), super().minimumSizeHint().height())

    def _arrange(self) -> None:
        """Put what is next, and the rest, beside the steps, or below where there is no room."""
        parts = [self.go, self.more, self.fit, self.layers]
        parts += [] if self.slides.isHidden() else [self.slides]
        room = sum(part.minimumSizeHint().width() + GAP for part in parts)
        room += self.say.fontMetrics().horizontalAdvance("n") * SAID
        beside = self._steps_width() + room <= self.width()
        if beside != (self._line.indexOf(self._rest) >= 0):
            here, there = (self._below, self._line) if beside else (self._line, self._below)
            here.removeWidget(self._rest)
            there.addWidget(self._rest, 100)
            self.updateGeometry()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Take one line or two."""
        super().resizeEvent(event)
        self._arrange()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """Take the place above the canvas, with the first step in front."""
        super().showEvent(event)
        if not self._opened:
            self._opened = True
            QTimer.singleShot(0, self._open)

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802
        """Let docks stand as tabs again: there are no steps to go by."""
        super().hideEvent(event)
        if not event.spontaneous():
            self.workspace.docks.one_at_a_time = False

    def _open(self) -> None:
        own = dock_of(self)
        window = own.parentWidget() if own is not None else None
        if own is not None and isinstance(window, QMainWindow):
            # Above the canvas: at the right it would make all docks as wide as itself.
            window.addDockWidget(Qt.DockWidgetArea.TopDockWidgetArea, own)
            _without_title(own)
            title(own, "Workbench")
        self._fold(False)
        self.workspace.docks.one_at_a_time = True
        first = self._next().dock
        dock, widget = self._window.add_plugin_dock_widget(PLUGIN, first)
        self.workspace.docks.fold_others(widget)
        self.bring(first)
        if isinstance(window, QMainWindow):
            # The tissue gets what the dock does not need.
            width = min(SIDE_WIDTH, int(window.width() * SIDE_SHARE))
            window.resizeDocks([dock], [width], Qt.Orientation.Horizontal)
        QTimer.singleShot(SETTLE_MS, self._settle)

    def _settle(self) -> None:
        """Come back onto the screen, which napari's panels may have made the window overrun."""
        window, screen = self.window(), self.screen()
        if isalive(window) and screen is not None and not window.isMaximized():
            room = screen.availableGeometry()
            window.resize(window.size().boundedTo(room.size()))
            if not room.contains(window.geometry()):
                window.move(room.topLeft())
        self.workspace.layers.fit()


def _button(text: str, tooltip: str, keys: str) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tooltip)
    button.setShortcut(keys)
    return button


def _without_title(dock: QDockWidget) -> None:
    """Take the title bar away, and the room for one, of which the steps have no need."""
    dock.setMinimumHeight(0)
    before = dock.titleBarWidget()
    dock.setTitleBarWidget(QWidget(dock))
    if before is not None:
        before.hide()
