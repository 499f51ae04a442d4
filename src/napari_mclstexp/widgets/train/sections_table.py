"""The sections to train on: a table that takes drops and marks what is wrong in place."""

from __future__ import annotations

import csv
import gzip
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, QTimer, Signal
from qtpy.QtGui import QColor
from qtpy.QtWidgets import (
    QHBoxLayout,
    QPushButton,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from ...cohort.table import ROW_COLUMNS, SectionRow, read_rows
from ..common import dialogs
from ..common.drop_table import DropTable
from ..common.notify import told
from ..common.theme import facts, heading
from ..common.words import tr

if TYPE_CHECKING:
    from ...cohort.table import Problem

SPOT_ENDINGS = (".h5ad", ".tsv", ".csv", ".txt", ".parquet")
SETTLE_MS = 300  # after the last change, before the table is checked
ERROR, WARNING = QColor("#b33a3a"), QColor("#a87a1f")
_PATHS = ("slide", "spots", "counts")


class SectionTable(DropTable):
    """Rows of sections; files and folders may be dropped on it.

    Signals
    -------
    dropped
        The paths that were dropped.
    """

    def __init__(self) -> None:
        super().__init__(len(ROW_COLUMNS), 120)
        self.setHorizontalHeaderLabels([*(each.capitalize() for each in ROW_COLUMNS[:-1]), "µm/px"])
        self.setWordWrap(False)
        # Of the paths of sections, the beginning and the end differ.
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setToolTip(
            tr(
                "The sections to train on: drop slides, outs folders, spot tables or a cohort CSV "
                "here; cells can be edited"
            )
        )
        self.setAccessibleName(tr("Sections to train on"))


class SectionsPanel(QWidget):
    """The table, what adds to it and takes from it, and what is wrong with it.

    Signals
    -------
    changed
        The rows, a moment after the last change.
    """

    changed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.table = SectionTable()
        self.add = QPushButton(tr("Add files…"))
        self.add.setToolTip(tr("Add slides and spot tables, several at once, or a cohort CSV"))
        self.add_outs = QPushButton(tr("Add outs folder…"))
        self.add_outs.setToolTip(tr("Add a Space Ranger outs folder"))
        self.remove = QPushButton(tr("Remove"))
        self.remove.setToolTip(tr("Remove the selected rows from the table; no file is deleted"))
        self.problems = facts(tr("Problems of the sections; point at a marked cell for more"))
        self.problems.hide()
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(SETTLE_MS)
        self._settle.timeout.connect(lambda: self.changed.emit(self.rows()))
        buttons = QHBoxLayout()
        for button in (self.add, self.add_outs, self.remove):
            buttons.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(heading(tr("Sections")))
        layout.addWidget(self.table)
        layout.addLayout(buttons)
        layout.addWidget(self.problems)
        self.table.dropped.connect(self.take)
        self.table.itemChanged.connect(lambda _: self._settle.start())
        self.add.clicked.connect(self._add_asked)
        self.add_outs.clicked.connect(self._outs_asked)
        self.remove.clicked.connect(self._remove_asked)

    def rows(self) -> tuple[SectionRow, ...]:
        """Return the rows as they stand."""
        return tuple(
            SectionRow(*(self._text(row, column) for column in range(len(ROW_COLUMNS))))
            for row in range(self.table.rowCount())
        )

    def take(self, paths: Sequence[Path]) -> None:
        """Add what was dropped: a cohort table replaces all, a file goes where one lacks."""
        with told():
            for path in paths:
                if path.suffix.lower() == ".csv" and _is_cohort(path):
                    self.show_rows(read_rows(path))
                elif path.is_dir() or _plain_suffix(path) in SPOT_ENDINGS:
                    self._place("counts" if _is_counts(path) else "spots", path)
                else:
                    self._place("slide", path)

    def show_rows(self, rows: Sequence[SectionRow]) -> None:
        """Show these rows instead."""
        self.table.setRowCount(0)
        for row in rows:
            self._append(row)

    def show_problems(self, problems: Sequence[Problem]) -> None:
        """Mark the cells that are wrong, and say how many there are."""
        self.table.blockSignals(True)
        for row in range(self.table.rowCount()):
            for column in range(len(ROW_COLUMNS)):
                item = self.table.item(row, column)
                if item is not None:
                    item.setData(Qt.ItemDataRole.BackgroundRole, None)
                    item.setToolTip(item.text())
        for each in problems:
            if each.line is None or each.line - 2 >= self.table.rowCount():
                continue
            column = ROW_COLUMNS.index(each.column) if each.column in ROW_COLUMNS else 0
            item = self.table.item(each.line - 2, column)
            if item is not None:
                item.setBackground(ERROR if each.severity == "error" else WARNING)
                item.setToolTip(each.what)
        self.table.blockSignals(False)
        errors = [each for each in problems if each.severity == "error"]
        self.problems.setVisible(bool(problems))
        if problems:
            first = (errors or list(problems))[0]
            count = f"{len(errors)} problem{'s' if len(errors) > 1 else ''}"
            self.problems.setText(
                f"{count if errors else 'Warning'}: "
                f"{first.section + ': ' if first.section else ''}{first.what}"
            )

    def _place(self, column: str, path: Path) -> None:
        """Put a path into the first row that lacks one there, or into a new row."""
        at = ROW_COLUMNS.index(column)
        for row in range(self.table.rowCount()):
            if not self._text(row, at):
                self.table.item(row, at).setText(str(path))
                return
        name = path.parent.name if path.name == "outs" else path.name.split(".")[0]
        name = name.removesuffix("_selection")
        self._append(SectionRow(name, name, **{column: str(path)}))

    def _append(self, row: SectionRow) -> None:
        self.table.insertRow(self.table.rowCount())
        for column, name in enumerate(ROW_COLUMNS):
            item = QTableWidgetItem(getattr(row, name))
            item.setToolTip(item.text())
            self.table.setItem(self.table.rowCount() - 1, column, item)

    def _text(self, row: int, column: int) -> str:
        item = self.table.item(row, column)
        return item.text().strip() if item is not None else ""

    def _add_asked(self) -> None:
        title = "Add slides, spots or a cohort table"
        if paths := dialogs.ask_files(self, title, dialogs.COHORT):
            self.take(paths)

    def _outs_asked(self) -> None:
        path = dialogs.ask_folder(self, "Add an outs folder")
        if path is not None:
            self.take([path])

    def _remove_asked(self) -> None:
        for row in sorted({index.row() for index in self.table.selectedIndexes()}, reverse=True):
            self.table.removeRow(row)
        self._settle.start()


def _is_cohort(path: Path) -> bool:
    try:
        with path.open(encoding="utf-8-sig") as file:
            return "section" in [each.strip() for each in next(csv.reader(file), [])]
    except (OSError, UnicodeDecodeError, csv.Error):
        return False


def _plain_suffix(path: Path) -> str:
    """The ending that tells what a file is, without a .gz behind it."""
    return Path(path.name.lower().removesuffix(".gz")).suffix


def _is_counts(path: Path) -> bool:
    """Whether a table is of legacy ST counts: its rows are spots called XxY."""
    if path.is_dir() or _plain_suffix(path) not in (".tsv", ".txt", ".csv"):
        return False
    try:
        with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
            next(file)
            return bool(re.match(r'"?-?\d+x-?\d+"?[\t,]', next(file)))
    except (OSError, UnicodeDecodeError, StopIteration, EOFError):
        return False
