"""What every dock of a person's work has in common: the workspace, a column that scrolls, tabs."""

from __future__ import annotations

import weakref
from functools import partial
from typing import Any

from qtpy.compat import isalive
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QAbstractButton, QLayout, QVBoxLayout, QWidget

from ..workspace import Workspace, workspace_of
from .accessible import name_controls, use_by_keys
from .error_line import ErrorLine
from .notify import answer_at
from .tabbing import dock_of
from .theme import BusyLine, Scrolling


class Dock(QWidget):
    """A dock whose parts stand one below the other.

    Attributes
    ----------
    workspace
        The viewer's.
    scrolling
        What its parts stand in.
    trouble
        What went wrong when a button of this dock was pressed, below the part of that button.
    """

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__()
        self.workspace: Workspace = workspace_of(napari_viewer)
        self.busy = BusyLine()
        self.busy.cancel.clicked.connect(self.workspace.jobs.cancel)
        self.trouble = ErrorLine()
        self._column = QVBoxLayout()

    def stack(self, *parts: QWidget | QLayout, stretch: QWidget | None = None) -> None:
        """Lay the parts out from top to bottom, what is being done below all."""
        content = QWidget()
        column = self._column
        content.setLayout(column)
        column.setContentsMargins(10, 8, 10, 8)
        column.setSpacing(7)
        for part in parts:
            if isinstance(part, QWidget):
                column.addWidget(part, 1 if part is stretch else 0)
            else:
                column.addLayout(part)
        if stretch is None:
            column.addStretch(1)
        column.addWidget(self.trouble)
        column.addWidget(self.busy)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        self.scrolling = Scrolling(content)
        outer.addWidget(self.scrolling)
        self.workspace.jobs.loading.connect(self.busy.say)
        self.busy.say(self.workspace.jobs.busy, self.workspace.jobs.can_cancel)
        name_controls(content)
        use_by_keys(content)
        for button in content.findChildren(QAbstractButton):
            if button is not self.trouble.close_button:
                button.pressed.connect(partial(self._pressed, button))

    def _pressed(self, button: QAbstractButton) -> None:
        """Have what goes wrong from now on said below the part that this button is in."""
        self.trouble.say("")
        dock, pressed = weakref.ref(self), weakref.ref(button)  # it outlives the window

        def say(sentence: str) -> None:
            there, at = dock(), pressed()
            if there is not None and at is not None:
                there._say_trouble(at, sentence)

        answer_at(say)

    def _say_trouble(self, button: QAbstractButton, sentence: str) -> None:
        if not isalive(self) or not isalive(button):
            return
        column = self._column
        parts = [column.itemAt(place) for place in range(column.count())]
        holds = [
            place for place, part in enumerate(parts) if part is not None and _has(part, button)
        ]
        column.removeWidget(self.trouble)
        column.insertWidget(holds[0] + 1 if holds else column.count() - 1, self.trouble)
        self.trouble.say(sentence)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """Stand as a tab beside the other docks; every control has a name."""
        super().showEvent(event)
        dock = dock_of(self)
        name_controls(self if dock is None else dock)
        self.workspace.docks.join(self)


def _has(part: Any, button: QAbstractButton) -> bool:
    """Whether an item of a layout is, or holds, a button."""
    widget, layout = part.widget(), part.layout()
    if widget is not None:
        return bool(widget is button or widget.isAncestorOf(button))
    if layout is None:
        return False
    return any(_has(layout.itemAt(place), button) for place in range(layout.count()))
