"""The domains as a table: colour, name, spots; a name is edited in place, a colour by a click."""

from __future__ import annotations

from qtpy.QtCore import QModelIndex, Qt, Signal
from qtpy.QtGui import QColor
from qtpy.QtWidgets import (
    QColorDialog,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableWidget,
    QTableWidgetItem,
)

from ...analysis.domain_map import DomainMap
from ..common.link_label import LinkLabel
from ..common.theme import gene_links, when_theme_changes
from ..common.words import tr

COLUMNS = ("", "Name", "Spots", "Top genes")
GENES = 3


class DomainTable(QTableWidget):
    """One row a domain.

    Signals
    -------
    renamed
        Key and new name.
    recoloured
        Key and (red, green, blue).
    gene_asked
        The gene whose name was followed.
    """

    renamed = Signal(str, str)
    recoloured = Signal(str, object)
    gene_asked = Signal(str)

    def __init__(self) -> None:
        super().__init__(0, len(COLUMNS))
        self.setHorizontalHeaderLabels(list(COLUMNS))
        self.verticalHeader().hide()
        self.horizontalHeader().setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        self.horizontalHeader().setSectionResizeMode(3, QHeaderView.ResizeMode.Stretch)
        self.setColumnWidth(0, 26)
        self.setColumnWidth(2, 52)
        self.setItemDelegateForColumn(GENES, _Bare(self))  # the links stand over it
        self.verticalHeader().setDefaultSectionSize(2 * self.fontMetrics().height() + 6)
        when_theme_changes(self._write_links)
        self.setMinimumHeight(150)
        self.setToolTip(tr("Double-click a name to change it, a colour to choose another"))
        self.setAccessibleName(tr("Domains"))
        self._keys: tuple[str, ...] = ()
        self._high: dict[str, str] = {}
        self._filling = False
        self.itemChanged.connect(self._edited)
        self.cellDoubleClicked.connect(self._double_clicked)

    def show_domains(self, domains: DomainMap | None, high: dict[str, str]) -> None:
        """Show these domains, and the genes that are high in each where that is known."""
        self._filling = True
        self._keys = domains.keys if domains is not None else ()
        self.setRowCount(len(self._keys))
        for row, key in enumerate(self._keys):
            assert domains is not None
            colour, name = QTableWidgetItem(), QTableWidgetItem(domains.names[key])
            colour.setBackground(QColor(*domains.colours[key]))
            spots = QTableWidgetItem(f"{int((domains.labels == key).sum()):,}")
            genes = QTableWidgetItem(high.get(key, ""))
            for fixed in (colour, spots, genes):
                fixed.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable)
            genes.setToolTip(high.get(key, ""))
            for column, item in enumerate((colour, name, spots, genes)):
                self.setItem(row, column, item)
        self._high = {key: high.get(key, "") for key in self._keys}
        self._write_links()
        self._filling = False

    def _write_links(self) -> None:
        """Make each gene in the last column a link to its map, in the theme of the moment."""
        for row, key in enumerate(self._keys):
            genes = [gene for gene in self._high.get(key, "").split(", ") if gene]
            label = self.cellWidget(row, GENES)
            if not isinstance(label, LinkLabel):
                label = self._new_label()
                self.setCellWidget(row, GENES, label)
            label.setText(gene_links(genes))

    def _new_label(self) -> LinkLabel:
        label = LinkLabel()
        label.setWordWrap(True)
        label.setContentsMargins(4, 0, 4, 0)
        label.setToolTip(tr("Click a gene to see its map"))
        label.linkActivated.connect(self.gene_asked)
        return label

    def _edited(self, item: QTableWidgetItem) -> None:
        if not self._filling and item.column() == 1:
            self.renamed.emit(self._keys[item.row()], item.text())

    def _double_clicked(self, row: int, column: int) -> None:
        if column == 0:
            chosen = QColorDialog.getColor(self.item(row, 0).background().color(), self)
            if chosen.isValid():
                rgb = (chosen.red(), chosen.green(), chosen.blue())
                self.recoloured.emit(self._keys[row], rgb)


class _Bare(QStyledItemDelegate):
    """Draws a cell without its text."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: QModelIndex) -> None:  # noqa: N802
        super().initStyleOption(option, index)
        option.text = ""
