"""The catalogue as a table: what can be had, how large, on which terms, and whether it is here."""

from __future__ import annotations

from dataclasses import dataclass

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

from ...library.catalogue import Entry
from ..common.words import tr

COLUMNS = ("Name", "What it is", "Size", "Licence", "On this machine")
PADDING_PX = 8


@dataclass(frozen=True)
class Row:
    """An entry and whether it is here, in words."""

    entry: Entry
    state: str

    @property
    def can_be_fetched(self) -> bool:
        """Whether something of it is missing and has an address."""
        return self.state != "here" and bool(self.entry.wanted)


class CatalogueTable(QTableWidget):
    """One row an entry; one can be selected.

    Signals
    -------
    chosen
        The selected row, or None.
    """

    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__(0, len(COLUMNS))
        self.setHorizontalHeaderLabels(list(COLUMNS))
        self.verticalHeader().hide()
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        self.setWordWrap(True)
        self.setToolTip(tr("Encoder weights and public data sets that can be had by name"))
        self.setAccessibleName(tr("Weights and data sets"))
        self._rows: tuple[Row, ...] = ()
        self.itemSelectionChanged.connect(lambda: self.chosen.emit(self.row_chosen))

    @property
    def row_chosen(self) -> Row | None:
        """The selected row, or None."""
        selected = self.selectionModel().selectedRows()
        return self._rows[selected[0].row()] if selected else None

    def show_rows(self, rows: tuple[Row, ...]) -> None:
        """Show these, with the same one selected."""
        before = self.row_chosen
        self._rows = rows
        self.setRowCount(len(rows))
        for number, row in enumerate(rows):
            entry = row.entry
            cells = (
                *(entry.name, entry.title, f"{entry.bytes / 1e6:,.0f} MB"),
                *(entry.licence, row.state),
            )
            for column, text in enumerate(cells):
                item = QTableWidgetItem(text)
                item.setToolTip(f"{text}\nFrom {entry.source}")
                if column == 2:
                    right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
                    item.setTextAlignment(right)
                self.setItem(number, column, item)
            if before is not None and before.entry.name == entry.name:
                self.selectRow(number)
        self.resizeRowsToContents()
        for number in range(len(rows)):
            self.setRowHeight(number, self.rowHeight(number) + PADDING_PX)
        self.chosen.emit(self.row_chosen)
