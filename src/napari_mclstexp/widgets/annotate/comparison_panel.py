"""How two regions differ: the genes that are higher, those that are lower, and a plot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from ...analysis.region import Region
from ...analysis.region_comparison import CLEAR, REST, RegionComparison
from ...analysis.region_edits import find, flat
from ...analysis.region_statistics import NOT_REPLICATES
from ...errors import SettingsError
from ...session.spot_expression import Of
from ..common import dialogs
from ..common.dock import Dock
from ..common.notify import told
from ..common.theme import facts
from ..common.words import tr
from ..explore.domains_dock import write_table
from .comparison_plot import ComparisonPlot

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 40  # genes of each side
ROWS_HIGH = 118


class ComparisonPanel(QWidget):
    """Compares two regions, and shows what was found last.

    Parameters
    ----------
    dock
        In which it stands.
    """

    def __init__(self, dock: Dock) -> None:
        super().__init__()
        self._dock, self.workspace = dock, dock.workspace
        self.of: dict[str, QPushButton] = {}
        self.one, self.other = QComboBox(), QComboBox()
        self.one.setToolTip(tr("The first region: genes are higher or lower in it"))
        self.one.setAccessibleName(tr("Compare"))
        self.other.setToolTip(tr("What it is compared with"))
        self.other.setAccessibleName(tr("Compare with"))
        self.compare = QPushButton(tr("Compare"))
        self.compare.setToolTip(tr("Which genes differ between the two (Wilcoxon, FDR)"))
        self.save_table = QPushButton(tr("Save…"))
        self.save_table.setToolTip(tr("Save the whole comparison as CSV"))
        self.title = facts(tr("What was compared, and what p-values from one slide mean"))
        self.title.setAccessibleName(tr("Comparison"))
        self.plot = ComparisonPlot()
        self.up, self.down = GeneTable("Higher"), GeneTable("Lower")
        self._shown: RegionComparison | None = None
        self._chosen: tuple[str, ...] = ()
        switch = QHBoxLayout()
        switch.setSpacing(0)
        group = QButtonGroup(self)
        for of, tooltip in (
            ("predicted", "Compare what was predicted"),
            ("measured", "Compare what was measured at the spots"),
        ):
            button = QPushButton(of.capitalize())
            button.setCheckable(True)
            button.setToolTip(tooltip)
            button.setStyleSheet("padding: 3px 6px;")
            group.addButton(button)
            switch.addWidget(button)
            self.of[of] = button
            button.clicked.connect(self._switched)
        sides = QHBoxLayout()
        sides.addWidget(self.one, 1)
        sides.addWidget(QLabel("with"))
        sides.addWidget(self.other, 1)
        line = QHBoxLayout()
        line.addLayout(switch)
        line.addWidget(self.compare, 1)
        line.addWidget(self.save_table)
        tables = QGridLayout()
        tables.setSpacing(3)
        for place, table in enumerate((self.up, self.down)):
            tables.addWidget(table.title, 0, place)
            tables.addWidget(table, 1, place)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(5)
        column.addLayout(sides)
        column.addLayout(line)
        column.addWidget(self.title)
        column.addWidget(self.plot)
        column.addLayout(tables)
        self.compare.clicked.connect(self._compare)
        self.save_table.clicked.connect(self._save)
        for source in (self.plot.clicked, self.up.clicked_gene, self.down.clicked_gene):
            source.connect(self._show_gene)
        self.workspace.layers.regions.selection_changed.connect(self._selected)
        self._show(None)

    @property
    def table(self) -> pd.DataFrame | None:
        """The whole comparison that is shown, or None."""
        return None if self._shown is None else self._shown.table

    @property
    def source(self) -> Of:
        """Which expression is compared."""
        return "measured" if self.of["measured"].isChecked() else "predicted"

    def show_session(self) -> None:
        """Show what can be compared now, and what was."""
        session = self.workspace.session
        regions = flat(session.annotations.regions)
        result = session.result
        there = {
            "predicted": result is not None and result.complete,
            "measured": session.expression.has_measured,
        }
        for of, button in self.of.items():
            button.setEnabled(there[of])
        if not there[self.source] or not any(each.isChecked() for each in self.of.values()):
            wanted = "predicted" if there["predicted"] or not there["measured"] else "measured"
            self.of[wanted].setChecked(True)
        names = [(each.id, each.name) for each in regions]
        _offer(self.one, names)
        _offer(self.other, [("", REST), *names])
        self.compare.setEnabled(bool(regions) and any(there.values()))
        comparison = session.annotations.comparison
        if comparison is not self._shown:
            self._show(comparison)
        self.save_table.setEnabled(comparison is not None)

    def _selected(self, ids: tuple[str, ...]) -> None:
        """Compare what is selected: the first with the second, or with what was chosen."""
        self.show_session()
        for box, region_id in zip((self.one, self.other), ids, strict=False):
            if (place := box.findData(region_id)) >= 0:
                box.setCurrentIndex(place)
        if len(ids) == 1 and self.other.currentData() == ids[0]:
            self.other.setCurrentIndex(0)

    def _switched(self) -> None:
        """Compare the same two regions anew, of the other expression."""
        shown, regions = self._shown, flat(self.workspace.session.annotations.regions)
        ids = {each.id for each in regions}
        if shown is None or shown.of == self.source or shown.one not in ids:
            return
        if shown.other in ids or not shown.other:
            with told():
                self._start(
                    find(regions, shown.one), find(regions, shown.other) if shown.other else None
                )

    def _compare(self) -> None:
        with told():
            regions = flat(self.workspace.session.annotations.regions)
            if not regions:
                raise SettingsError("There is no region to compare; draw one first.")
            one = find(regions, str(self.one.currentData()))
            other_id = self.other.currentData()
            other = find(regions, other_id) if other_id else None
            if other is not None and other.id == one.id:
                raise SettingsError(f"{one.name} cannot be compared with itself; choose another.")
            self._start(one, other)

    def _start(self, one: Region, other: Region | None) -> None:
        self.workspace.tasks.compare(one, other, self.source)

    def _show(self, comparison: RegionComparison | None) -> None:
        self._shown = comparison
        self.plot.show_comparison(comparison)
        if comparison is None:
            self.title.setText("")
            for table in (self.up, self.down):
                table.show_genes(None, "")
            return
        self.of[comparison.of].setChecked(True)
        up, down = (int((side["fdr"] < CLEAR).sum()) for side in (comparison.up, comparison.down))
        self.title.setTextFormat(Qt.TextFormat.RichText)
        self.title.setText(
            f"<b>{_escaped(comparison.what)}, {comparison.of}</b>: {up:,} genes higher, {down:,} "
            f"lower (FDR below {CLEAR:g}). <i>{NOT_REPLICATES}</i>"
        )
        first = comparison.first or "the first"
        self.up.show_genes(comparison.up, f"Higher in {first}")
        self.down.show_genes(comparison.down, f"Lower in {first}")

    def _show_gene(self, gene: str) -> None:
        session = self.workspace.session
        with told():
            if self._shown is not None and self._shown.of != session.shown_quantity:
                session.show(gene=gene, quantity=self._shown.of)
            else:
                session.show(gene=gene)

    def _save(self) -> None:
        path = dialogs.ask_target(self, "Save the comparison", "comparison.csv", dialogs.TABLE)
        if path is not None and self.table is not None:
            with told():
                write_table(self.table, path)


class GeneTable(QTableWidget):
    """The genes of one side of a comparison.

    Signals
    -------
    clicked_gene
        The gene whose line was clicked.
    """

    clicked_gene = Signal(str)

    def __init__(self, name: str) -> None:
        super().__init__(0, 3)
        self.title = QLabel(name)
        self.setHorizontalHeaderLabels(["Gene", "AUC", "Diff."])
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(19)
        self.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for column in (1, 2):
            self.setColumnWidth(column, 46)
        self.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
        self.setFixedHeight(ROWS_HIGH)
        self.setAccessibleName(f"Genes that are {name.lower()}")
        self.setToolTip(
            tr(
                "A click shows the gene's map. AUC: the chance that a spot of the first region is "
                "higher; Diff.: difference of means. FDR below 0.05 is bold"
            )
        )
        self.cellClicked.connect(lambda row, _: self.clicked_gene.emit(self.item(row, 0).text()))
        self.currentCellChanged.connect(self._moved)

    def show_genes(self, table: pd.DataFrame | None, title: str) -> None:
        """Show the strongest of these; None hides the table."""
        self.setVisible(table is not None)
        self.title.setVisible(table is not None)
        self.title.setText(self.title.fontMetrics().elidedText(title, _RIGHT, 165))
        self.title.setToolTip(title)
        self.blockSignals(True)
        self.setRowCount(0)
        for row, found in enumerate([] if table is None else table.head(SHOWN).itertuples()):
            self.insertRow(row)
            fdr = float(str(found.fdr))
            texts = (str(found.gene), f"{found.auc:.2f}", f"{found.difference:+.2f}")
            for column, text in enumerate(texts):
                self.setItem(row, column, _cell(text, fdr))
        self.blockSignals(False)

    def genes(self) -> list[str]:
        """Return the genes that are listed."""
        return [self.item(row, 0).text() for row in range(self.rowCount())]

    def _moved(self, row: int, *_: Any) -> None:
        """Follow the arrow keys."""
        if self.hasFocus() and row >= 0:
            self.clicked_gene.emit(self.item(row, 0).text())


_RIGHT = Qt.TextElideMode.ElideRight


def _cell(text: str, fdr: float) -> QTableWidgetItem:
    item = QTableWidgetItem(text)
    item.setToolTip(f"FDR {small(fdr)}")
    font = item.font()
    font.setBold(fdr < CLEAR)
    item.setFont(font)
    return item


def small(fdr: float) -> str:
    """Return a false discovery rate as it is written: "1.2e-08"."""
    return f"{fdr:.1e}" if fdr > 1e-300 else "< 1e-300"


def _offer(box: QComboBox, wanted: list[tuple[str, str]]) -> None:
    """Offer these, by id and name, keeping what is chosen."""
    if wanted != [(box.itemData(i), box.itemText(i)) for i in range(box.count())]:
        kept = box.currentData()
        box.clear()
        for region_id, name in wanted:
            box.addItem(name, region_id)
        box.setCurrentIndex(max(0, box.findData(kept)) if wanted else -1)


def _escaped(text: str) -> str:
    from html import escape

    return escape(text)
