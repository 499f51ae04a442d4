"""A table on which files and folders are dropped."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import QMimeData, Signal
from qtpy.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget


class DropTable(QTableWidget):
    """A table of whole rows that takes files and folders.

    Parameters
    ----------
    columns
        How many there are.
    height
        The least it has, in pixels.

    Attributes
    ----------
    dropped
        Emitted with the paths.
    """

    dropped = Signal(object)

    def __init__(self, columns: int, height: int) -> None:
        super().__init__(0, columns)
        self.setAcceptDrops(True)
        self.setDropIndicatorShown(False)
        self.setMinimumHeight(height)
        self.verticalHeader().hide()
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:  # noqa: N802
        """Take files and folders."""
        if event is not None and _paths(event.mimeData()):
            event.acceptProposedAction()

    def dragMoveEvent(self, event: QDragMoveEvent | None) -> None:  # noqa: N802
        """Take them anywhere."""
        if event is not None and _paths(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent | None) -> None:  # noqa: N802
        """Hand on what was dropped."""
        if event is not None:
            event.acceptProposedAction()
            self.dropped.emit(_paths(event.mimeData()))


def _paths(data: QMimeData | None) -> list[Path]:
    urls = data.urls() if data is not None else []
    return [Path(url.toLocalFile()) for url in urls if url.isLocalFile()]
