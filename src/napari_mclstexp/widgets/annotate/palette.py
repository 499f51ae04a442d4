"""The palette of classes: a button each, with Alt and its number; the armed one is marked."""

from __future__ import annotations

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QColor, QIcon, QKeySequence, QPixmap
from qtpy.QtWidgets import QGridLayout, QPushButton, QShortcut, QSizePolicy, QWidget

from ...analysis.region_classes import RegionClass
from ..common.words import tr

COLUMNS = 3
WITH_SHORTCUT = 9


class Palette(QWidget):
    """Buttons with the names of classes.

    Signals
    -------
    chosen
        The :class:`~napari_mclstexp.analysis.region_classes.RegionClass` that was pressed.
    edit_asked
        The person wants classes of her own.
    """

    chosen = Signal(object)
    edit_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.buttons: dict[str, QPushButton] = {}
        self.edit = QPushButton(tr("Classes…"))
        self.edit.setToolTip(tr("Add, rename, recolour or remove classes"))
        self.edit.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.edit.setStyleSheet("padding: 3px;")
        self.edit.clicked.connect(self.edit_asked.emit)
        self._classes: tuple[RegionClass, ...] = ()
        self._armed: RegionClass | None = None
        self._shortcuts = [self._shortcut(number) for number in range(1, WITH_SHORTCUT + 1)]
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(3)

    def show_classes(
        self, classes: tuple[RegionClass, ...], armed: RegionClass | None = None
    ) -> None:
        """Offer these classes, one of them armed for the next regions."""
        if (classes, armed) == (self._classes, self._armed):
            return  # asked for at every redraw
        if classes != self._classes:
            self._classes = classes
            self._fill()
        self._armed = armed
        for each in classes:
            button = self.buttons[each.name]
            button.setChecked(each == armed)
            button.setStyleSheet(_look(each.colour, each == armed))

    def _fill(self) -> None:
        for button in self.buttons.values():
            self._grid.removeWidget(button)
            button.deleteLater()
        self.buttons = {}
        self._grid.removeWidget(self.edit)
        for place, each in enumerate(self._classes):
            button = QPushButton(QIcon(_swatch(each)), each.name)
            button.setIconSize(QSize(12, 12))
            button.setCheckable(True)
            button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            keys = f" (Alt+{place + 1})" if place < WITH_SHORTCUT else ""
            button.setToolTip(
                f"Make the selected regions {each.name}, and the next that are drawn{keys}"
            )
            button.setAccessibleName(f"Class {each.name}")
            button.clicked.connect(lambda _=False, one=each: self._pressed(one))
            self._grid.addWidget(button, place // COLUMNS, place % COLUMNS)
            self.buttons[each.name] = button
        last = len(self._classes)
        self._grid.addWidget(self.edit, last // COLUMNS, last % COLUMNS)

    def _pressed(self, each: RegionClass) -> None:
        # Qt has toggled it; whether it is armed is decided by whoever hears of it.
        self.buttons[each.name].setChecked(each == self._armed)
        self.chosen.emit(each)

    def _shortcut(self, number: int) -> QShortcut:
        shortcut = QShortcut(QKeySequence(f"Alt+{number}"), self)
        shortcut.setContext(Qt.ShortcutContext.WindowShortcut)
        shortcut.activated.connect(lambda: self._key(number))
        return shortcut

    def _key(self, number: int) -> None:
        if number <= len(self._classes):
            self._pressed(self._classes[number - 1])


def _swatch(each: RegionClass) -> QPixmap:
    picture = QPixmap(12, 12)
    picture.fill(QColor(*each.colour))
    return picture


def _look(colour: tuple[int, int, int], armed: bool) -> str:
    """Return how a button looks: the armed one has a frame in the colour of its class."""
    red, green, blue = colour
    frame = f"2px solid rgb({red}, {green}, {blue})" if armed else "2px solid transparent"
    weight = "bold" if armed else "normal"
    return f"text-align: left; padding: 2px; border: {frame}; font-weight: {weight};"
