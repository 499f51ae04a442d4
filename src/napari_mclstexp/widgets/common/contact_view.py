"""Small pictures side by side, to choose from: slides in equal colours, places on slides."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QIcon, QImage, QKeyEvent, QPixmap
from qtpy.QtWidgets import QListView, QListWidget, QListWidgetItem

from .words import tr

SIDE = 112  # px of a picture


KEY = int(Qt.ItemDataRole.UserRole)


class ContactView(QListWidget):
    """Pictures with a caption.

    Parameters
    ----------
    tooltip
        What the pictures are, and what a click does.
    side
        px of a picture.
    lines
        Of a caption.

    Signals
    -------
    opened
        The key of a picture that was double clicked.
    picked
        The key of a picture that was clicked, or that the arrow keys went to.
    """

    opened = Signal(str)
    picked = Signal(str)

    def __init__(
        self,
        tooltip: str = "The slides that are done; double click opens one with its result",
        side: int = SIDE,
        lines: int = 1,
    ) -> None:
        super().__init__()
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setMovement(QListView.Movement.Static)
        self.setIconSize(QSize(side, side))
        self.setGridSize(QSize(side + 14, side + 10 + 16 * lines))
        self.setMinimumHeight(side + 60)
        self.setToolTip(tooltip)
        self.setAccessibleName(tr("Contact sheet"))
        self.itemDoubleClicked.connect(lambda item: self.opened.emit(item.data(KEY)))
        self.itemClicked.connect(lambda item: self.picked.emit(item.data(KEY)))
        self.hide()

    def show_pictures(
        self,
        pictures: Mapping[str, NDArray[np.uint8]],
        captions: Mapping[str, str] | None = None,
    ) -> None:
        """Show these (h, w, 3) pictures instead, keeping what is selected.

        Parameters
        ----------
        pictures
            By key.
        captions
            What stands below each, by key; the key itself where there is none.
        """
        chosen = {item.data(KEY) for item in self.selectedItems()}
        self.clear()
        for key, pixels in pictures.items():
            caption = (captions or {}).get(key, key)
            item = QListWidgetItem(QIcon(_pixmap(pixels)), caption)
            item.setData(KEY, key)
            item.setToolTip(caption)
            item.setTextAlignment(Qt.AlignmentFlag.AlignHCenter)
            self.addItem(item)
            item.setSelected(key in chosen)
        self.setVisible(bool(pictures))

    def keys(self) -> list[str]:
        """Return the keys of the pictures, in their order."""
        return [self.item(row).data(KEY) for row in range(self.count())]

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Tell where the arrow keys went; Return opens what is there."""
        before = self.currentRow()
        super().keyPressEvent(event)
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentItem() is not None:
            self.opened.emit(self.currentItem().data(KEY))
        elif self.currentRow() != before and self.currentItem() is not None:
            self.picked.emit(self.currentItem().data(KEY))


def _pixmap(pixels: NDArray[np.uint8]) -> QPixmap:
    whole = np.ascontiguousarray(pixels)
    height, width = whole.shape[:2]
    image = QImage(whole.data, width, height, 3 * width, QImage.Format.Format_RGB888)
    return QPixmap.fromImage(image.copy())
