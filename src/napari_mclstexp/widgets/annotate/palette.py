"""The palette of region names: a button each, Alt and its number as shortcut."""

from __future__ import annotations

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QColor, QIcon, QKeySequence, QPixmap
from qtpy.QtWidgets import QGridLayout, QPushButton, QShortcut, QSizePolicy, QWidget

from ...analysis.region_names import NAMES

COLUMNS = 3


class Palette(QWidget):
    """Buttons with names.

    Signals
    -------
    chosen
        Name and (red, green, blue).
    """

    chosen = Signal(str, object)

    def __init__(self) -> None:
        super().__init__()
        self.buttons: dict[str, QPushButton] = {}
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(3)
        for number, (name, colour) in enumerate(NAMES.items(), start=1):
            picture = QPixmap(12, 12)
            picture.fill(QColor(*colour))
            button = QPushButton(QIcon(picture), name)
            button.setIconSize(QSize(12, 12))
            button.setStyleSheet("text-align: left; padding: 3px;")
            button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            button.setToolTip(f"Name the selected regions, or the next one, {name} (Alt+{number})")
            button.setAccessibleName(f"Name regions {name}")
            button.clicked.connect(lambda _=False, n=name: self.chosen.emit(n, NAMES[n]))
            shortcut = QShortcut(QKeySequence(f"Alt+{number}"), self)
            shortcut.setContext(Qt.ShortcutContext.WindowShortcut)
            shortcut.activated.connect(button.click)
            grid.addWidget(button, (number - 1) // COLUMNS, (number - 1) % COLUMNS)
            self.buttons[name] = button
