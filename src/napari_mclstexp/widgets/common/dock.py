"""What every dock of a person's work has in common: the workspace, a column that scrolls, tabs."""

from __future__ import annotations

from typing import Any

from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QLayout, QVBoxLayout, QWidget

from ..workspace import Workspace, workspace_of
from .theme import BusyLine, Scrolling


class Dock(QWidget):
    """A dock whose parts stand one below the other.

    Attributes
    ----------
    workspace
        The viewer's.
    """

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__()
        self.workspace: Workspace = workspace_of(napari_viewer)
        self.busy = BusyLine()

    def stack(self, *parts: QWidget | QLayout, stretch: QWidget | None = None) -> None:
        """Lay the parts out from top to bottom, what is being done below all."""
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(10, 8, 10, 8)
        column.setSpacing(7)
        for part in parts:
            if isinstance(part, QWidget):
                column.addWidget(part, 1 if part is stretch else 0)
            else:
                column.addLayout(part)
        if stretch is None:
            column.addStretch(1)
        column.addWidget(self.busy)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(Scrolling(content))
        self.workspace.jobs.loading.connect(self.busy.say)
        self.busy.say(self.workspace.jobs.busy)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """Stand as a tab beside the other docks."""
        super().showEvent(event)
        self.workspace.docks.join(self)
