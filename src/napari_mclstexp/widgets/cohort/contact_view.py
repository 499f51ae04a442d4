"""The contact sheet: a small picture of each slide that is done, in equal colours."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QIcon, QImage, QPixmap
from qtpy.QtWidgets import QListView, QListWidget, QListWidgetItem

SIDE = 112  # px of a picture


class ContactView(QListWidget):
    """Pictures of slides by name.

    Signals
    -------
    opened
        The name of a slide that was double clicked.
    """

    opened = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setMovement(QListView.Movement.Static)
        self.setIconSize(QSize(SIDE, SIDE))
        self.setGridSize(QSize(SIDE + 14, SIDE + 26))
        self.setUniformItemSizes(True)
        self.setMinimumHeight(SIDE + 60)
        self.setToolTip("The slides that are done; double click opens one with its result")
        self.setAccessibleName("Contact sheet")
        self.itemDoubleClicked.connect(lambda item: self.opened.emit(item.text()))
        self.hide()

    def show_pictures(self, pictures: Mapping[str, NDArray[np.uint8]]) -> None:
        """Show these (h, w, 3) pictures instead, keeping what is selected."""
        chosen = {item.text() for item in self.selectedItems()}
        self.clear()
        for name, pixels in pictures.items():
            item = QListWidgetItem(QIcon(_pixmap(pixels)), name)
            item.setToolTip(name)
            item.setTextAlignment(Qt.AlignmentFlag.AlignHCenter)
            self.addItem(item)
            item.setSelected(name in chosen)
        self.setVisible(bool(pictures))


def _pixmap(pixels: NDArray[np.uint8]) -> QPixmap:
    whole = np.ascontiguousarray(pixels)
    height, width = whole.shape[:2]
    image = QImage(whole.data, width, height, 3 * width, QImage.Format.Format_RGB888)
    return QPixmap.fromImage(image.copy())
