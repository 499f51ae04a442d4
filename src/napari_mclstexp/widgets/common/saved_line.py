"""The line below a button that says what file it wrote, and opens it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from . import dialogs
from .words import tr


class SavedLine(QWidget):
    """Name of the file written last, with Open and Show in folder; hidden while there is none."""

    def __init__(self) -> None:
        super().__init__()
        self.path: Path | None = None
        self.label = QLabel("")
        self.label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.open = QPushButton(tr("Open"))
        self.open.setToolTip(tr("Open the file with your own program for it"))
        self.show_in_folder = QPushButton(tr("Show in folder"))
        self.show_in_folder.setToolTip(tr("Show the file in your file manager"))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.label, 1)
        layout.addWidget(self.open)
        layout.addWidget(self.show_in_folder)
        self.open.clicked.connect(lambda: self._do(dialogs.open_file))
        self.show_in_folder.clicked.connect(lambda: self._do(dialogs.show_in_folder))
        self.hide()

    def say(self, path: Path) -> None:
        """Show that a file was written."""
        self.path = path
        self.label.setText(f"Saved {path.name}")
        self.label.setToolTip(str(path))
        self.show()

    def _do(self, what: Callable[[Path], object]) -> None:
        if self.path is not None:
            what(self.path)
