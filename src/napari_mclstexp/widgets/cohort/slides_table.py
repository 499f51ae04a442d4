"""The slides of a cohort: a table that takes drops and shows how far each one is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from qtpy.QtCore import QModelIndex, Qt, Signal
from qtpy.QtGui import QColor, QPainter
from qtpy.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QPushButton,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from ...cohort_runs.slide_list import SlideEntry, list_slides, slide_name
from ...progress import SlideStep
from ..common import dialogs
from ..common.drop_table import DropTable
from ..common.notify import told
from ..common.theme import colour, heading
from ..common.words import tr

COLUMNS = ("Slide", "Spots", "State")
NAME, SPOTS, STATE = range(3)
FAILED = QColor("#b33a3a")
_SHARE = Qt.ItemDataRole.UserRole + 1
WORDS = {"elsewhere": "with another process", "stopped": "stopped"}


class _StateBar(QStyledItemDelegate):
    """Draws a bar where a slide is under way."""

    def paint(
        self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex
    ) -> None:
        share = index.data(_SHARE)
        if share is None or painter is None:
            super().paint(painter, option, index)
            return
        bar = option.rect.adjusted(2, 4, -2, -4)
        painter.fillRect(bar, colour("foreground"))
        part = bar.adjusted(0, 0, round(bar.width() * (share - 1)), 0)
        painter.fillRect(part, colour("highlight"))
        painter.setPen(colour("text"))
        painter.drawText(bar, Qt.AlignmentFlag.AlignCenter, index.data())


class SlidesTable(DropTable):
    """Slides and their states; files and folders may be dropped on it.

    Signals
    -------
    dropped
        The paths that were dropped.
    """

    def __init__(self) -> None:
        super().__init__(len(COLUMNS), 130)
        self.setHorizontalHeaderLabels(list(COLUMNS))
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setItemDelegateForColumn(STATE, _StateBar(self))
        self.setToolTip(
            tr(
                "The slides: drop slides, a folder of them or a CSV table here; double click opens "
                "one with its result"
            )
        )
        self.setAccessibleName(tr("Slides of the cohort"))


class SlidesPanel(QWidget):
    """The table, and what adds to it and takes from it.

    Signals
    -------
    opened
        The name of a slide that was double clicked.
    changed
        Other slides are listed.
    """

    opened = Signal(str)
    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._entries: dict[str, SlideEntry] = {}
        self._rows: dict[str, int] = {}
        self.table = SlidesTable()
        self.add = QPushButton(tr("Add slides…"))
        self.add.setToolTip(tr("Add a slide, or a CSV table with the column slide"))
        self.add_folder = QPushButton(tr("Add folder…"))
        self.add_folder.setToolTip(tr("Add all slides of a folder"))
        self.remove = QPushButton(tr("Remove"))
        self.remove.setToolTip(tr("Remove the selected slides from the list; no file is deleted"))
        buttons = QHBoxLayout()
        for button in (self.add, self.add_folder, self.remove):
            buttons.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(heading(tr("Slides")))
        layout.addWidget(self.table)
        layout.addLayout(buttons)
        self.table.dropped.connect(self.take)
        self.table.cellDoubleClicked.connect(self._double_clicked)
        self.add.clicked.connect(self._add_asked)
        self.add_folder.clicked.connect(self._folder_asked)
        self.remove.clicked.connect(self._remove_asked)

    @property
    def entries(self) -> tuple[SlideEntry, ...]:
        """The slides, in their order."""
        return tuple(self._entries.values())

    def take(self, paths: Sequence[Path]) -> None:
        """Add slides, the slides of a folder, or those of a table; none twice."""
        with told():
            found = [*self._entries.values()]
            for path in paths:
                if path.is_dir() or path.suffix.lower() == ".csv":
                    found += list_slides(path)
                else:
                    found.append(SlideEntry(slide_name(path), path.absolute()))
            new = {(each.slide, each.spots): each for each in reversed(found)}
            self.show_entries(list_slides(tuple(reversed(new.values()))))

    def show_entries(self, entries: Sequence[SlideEntry]) -> None:
        """Show these slides instead."""
        self._entries = {each.name: each for each in entries}
        self._rows = {name: row for row, name in enumerate(self._entries)}
        self.table.setRowCount(len(entries))
        for row, each in enumerate(entries):
            texts = (each.name, each.spots.name if each.spots is not None else "grid", "")
            for column, text in enumerate(texts):
                item = QTableWidgetItem(text)
                item.setToolTip(str(each.slide) if column == NAME else text)
                self.table.setItem(row, column, item)
        self.changed.emit()

    def show_steps(self, steps: Sequence[SlideStep]) -> None:
        """Show how it stands with some slides."""
        for step in steps:
            row = self._rows.get(step.name)
            if row is not None:
                _show_state(self.table.item(row, STATE), step)

    def _double_clicked(self, row: int, _: int) -> None:
        self.opened.emit(list(self._entries)[row])

    def _add_asked(self) -> None:
        if paths := dialogs.ask_files(self, "Add slides, or a table of slides", dialogs.COHORT):
            self.take(paths)

    def _folder_asked(self) -> None:
        path = dialogs.ask_folder(self, "Add the slides of a folder")
        if path is not None:
            self.take([path])

    def _remove_asked(self) -> None:
        gone = {index.row() for index in self.table.selectedIndexes()}
        self.show_entries([e for row, e in enumerate(self.entries) if row not in gone])


def _show_state(item: QTableWidgetItem, step: SlideStep) -> None:
    share, text = None, WORDS.get(step.state, step.state)
    if step.state == "running":
        share = step.done / step.total if step.total else 0.0
        text = f"{share:.0%}"
    elif step.state == "done" and step.seconds is not None:
        text = f"done in {step.seconds:,.0f} s"
    item.setText(text)
    item.setData(_SHARE, share)
    item.setToolTip(step.sentence or step.what or text)
    failed = step.state in ("failed", "stopped")
    item.setData(Qt.ItemDataRole.BackgroundRole, FAILED if failed else None)
