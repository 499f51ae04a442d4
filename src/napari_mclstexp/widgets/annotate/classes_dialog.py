"""The dialog in which a person makes her own classes of regions."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtGui import QColor
from qtpy.QtWidgets import (
    QCheckBox,
    QColorDialog,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from ...analysis.domain_map import PALETTE, Rgb
from ...analysis.region_classes import BUILT_IN, RegionClass, checked_classes
from ...errors import SettingsError
from ..common.words import tr

BEFORE = int(Qt.ItemDataRole.UserRole)


class ClassesDialog(QDialog):
    """A table of classes.

    Attributes
    ----------
    as_default
        Whether new sessions begin with these classes too.
    """

    def __init__(self, parent: QWidget | None, classes: tuple[RegionClass, ...]) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Classes of regions"))
        self.table = QTableWidget(0, 2)
        self.table.setHorizontalHeaderLabels(["Colour", "Name"])
        self.table.horizontalHeader().setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        self.table.verticalHeader().hide()
        self.table.setAccessibleName(tr("Classes"))
        self.table.setToolTip(tr("Double-click a name to change it, a colour to choose another"))
        self.table.cellDoubleClicked.connect(self._double_clicked)
        self.add = _button(tr("Add"), tr("Add a class"))
        self.remove = _button(
            tr("Remove"), tr("Remove the selected class; its regions stay as they are")
        )
        self.up = _button(tr("Up"), tr("Move the selected class up: the first nine have shortcuts"))
        self.reset = _button(tr("Reset"), tr("Go back to the classes that the program comes with"))
        self.as_default = QCheckBox(tr("Use these for new sessions too"))
        self.as_default.setToolTip(tr("This session keeps its classes in any case"))
        self.as_default.setChecked(True)
        self.say = QLabel("")
        self.say.setWordWrap(True)
        self.say.setAccessibleName(tr("What is wrong with the classes"))
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        )
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        row = QHBoxLayout()
        for part in (self.add, self.remove, self.up, self.reset):
            row.addWidget(part)
        column = QVBoxLayout(self)
        column.addWidget(self.table)
        column.addLayout(row)
        column.addWidget(self.as_default)
        column.addWidget(self.say)
        column.addWidget(buttons)
        self.add.clicked.connect(self._add)
        self.remove.clicked.connect(lambda: self.table.removeRow(self.table.currentRow()))
        self.up.clicked.connect(self._up)
        self.reset.clicked.connect(self._reset)
        for each in classes:
            self._append(each, each)
        self.resize(360, 420)

    @property
    def classes(self) -> tuple[RegionClass, ...]:
        """The classes as they stand in the table.

        Raises
        ------
        SettingsError
            If they cannot be used.
        """
        return checked_classes([self._row(row) for row in range(self.table.rowCount())])

    @property
    def changes(self) -> dict[RegionClass, RegionClass]:
        """Classes that are called or coloured otherwise than before."""
        pairs = (
            (self.table.item(row, 1).data(BEFORE), self._row(row))
            for row in range(self.table.rowCount())
        )
        return {before: now for before, now in pairs if before is not None and before != now}

    def accept(self) -> None:
        """Close, unless the classes cannot be used, which is said."""
        try:
            _ = self.classes
        except SettingsError as error:
            self.say.setText(str(error))
            return
        super().accept()

    def set_colour(self, row: int, colour: Rgb) -> None:
        """Give the class in a row a colour."""
        self.table.item(row, 0).setBackground(QColor(*colour))

    def _row(self, row: int) -> RegionClass:
        colour = self.table.item(row, 0).background().color()
        return RegionClass(
            self.table.item(row, 1).text().strip(), (colour.red(), colour.green(), colour.blue())
        )

    def _append(self, each: RegionClass, before: RegionClass | None) -> None:
        row = self.table.rowCount()
        self.table.insertRow(row)
        colour, name = QTableWidgetItem(), QTableWidgetItem(each.name)
        colour.setFlags(colour.flags() & ~Qt.ItemFlag.ItemIsEditable)
        colour.setBackground(QColor(*each.colour))
        colour.setToolTip(tr("Double-click to choose another colour"))
        name.setData(BEFORE, before)
        self.table.setItem(row, 0, colour)
        self.table.setItem(row, 1, name)

    def _add(self) -> None:
        there = [self._row(row) for row in range(self.table.rowCount())]
        free = [each for each in PALETTE if each not in [one.colour for one in there]]
        colour = free[0] if free else PALETTE[len(there) % len(PALETTE)]
        self._append(RegionClass(f"Class {len(there) + 1}", colour), None)
        row = self.table.rowCount() - 1
        self.table.setCurrentCell(row, 1)
        self.table.editItem(self.table.item(row, 1))

    def _up(self) -> None:
        row = self.table.currentRow()
        if row < 1:
            return
        for column in range(2):
            above, below = self.table.takeItem(row - 1, column), self.table.takeItem(row, column)
            self.table.setItem(row - 1, column, below)
            self.table.setItem(row, column, above)
        self.table.setCurrentCell(row - 1, 1)

    def _reset(self) -> None:
        self.table.setRowCount(0)
        for each in BUILT_IN:
            self._append(each, None)

    def _double_clicked(self, row: int, column: int) -> None:
        if column == 0:
            now = self.table.item(row, 0).background().color()
            chosen = QColorDialog.getColor(now, self, "Colour of the class")
            if chosen.isValid():
                self.set_colour(row, (chosen.red(), chosen.green(), chosen.blue()))


def _button(text: str, tooltip: str) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tooltip)
    button.setAutoDefault(False)
    return button
