"""The regions as a tree: colour and name, spots, mm²; the name is edited in place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTreeWidget, QTreeWidgetItem

from ...analysis.region import Region

ID = int(Qt.ItemDataRole.UserRole)
LOCKED = 3  # its column
CHECKED = Qt.CheckState.Checked


class RegionTree(QTreeWidget):
    """One line a region, below the region it is in.

    Signals
    -------
    renamed
        Id and new name.
    locked
        Id, and whether its border is fixed from now on.
    selected
        Ids of the selected regions.
    """

    renamed = Signal(str, str)
    locked = Signal(str, bool)
    selected = Signal(tuple)

    def __init__(self) -> None:
        super().__init__()
        self.setHeaderLabels(["Region", "Spots", "mm²", "Locked"])
        self.header().setStretchLastSection(False)
        self.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for column in (1, 2, LOCKED):
            self.header().setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setFixedHeight(130)
        self.setToolTip(
            "Double-click a name to change it; select regions to name or merge them; "
            "the border of a locked one is fixed"
        )
        self.setAccessibleName("Regions")
        self._filling = False
        self.itemChanged.connect(self._edited)
        self.itemSelectionChanged.connect(self._chosen)

    @property
    def chosen(self) -> tuple[str, ...]:
        """Ids of the selected regions."""
        return tuple(str(item.data(0, ID)) for item in self.selectedItems())

    def show_regions(
        self, regions: Sequence[Region], facts: Mapping[str, tuple[int, float]]
    ) -> None:
        """Show these trees, and spots and mm² of each region where they are known."""
        chosen = set(self.chosen)
        self._filling = True
        self.clear()
        for region in regions:
            self._add(region, self.invisibleRootItem(), facts, chosen)
        self.expandAll()
        self._filling = False

    def select(self, ids: Sequence[str]) -> None:
        """Select these regions without telling anyone."""
        self._filling = True
        for item in self._items():
            item.setSelected(item.data(0, ID) in ids)
        self._filling = False

    def _add(
        self,
        region: Region,
        parent: QTreeWidgetItem,
        facts: Mapping[str, tuple[int, float]],
        chosen: set[str],
    ) -> None:
        spots, area = facts.get(region.id, (0, float("nan")))
        item = QTreeWidgetItem([region.name, f"{spots:,}", f"{area:.2f}" if area == area else "?"])
        item.setData(0, ID, region.id)
        item.setCheckState(LOCKED, CHECKED if region.locked else Qt.CheckState.Unchecked)
        item.setForeground(0, QColor(*region.colour).lighter(120))
        item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)
        parent.addChild(item)
        item.setSelected(region.id in chosen)
        for child in region.children:
            self._add(child, item, facts, chosen)

    def _items(self) -> list[QTreeWidgetItem]:
        found, waiting = [], [self.invisibleRootItem()]
        while waiting:
            parent = waiting.pop()
            for place in range(parent.childCount()):
                child = parent.child(place)
                found.append(child)
                waiting.append(child)
        return found

    def _edited(self, item: QTreeWidgetItem, column: int) -> None:
        if not self._filling and column == 0:
            self.renamed.emit(str(item.data(0, ID)), item.text(0))
        elif not self._filling and column == LOCKED:
            self.locked.emit(str(item.data(0, ID)), item.checkState(LOCKED) == CHECKED)

    def _chosen(self) -> None:
        if not self._filling:
            self.selected.emit(self.chosen)
