"""The regions as a tree: colour and name, spots, mm²; the name is edited in place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QColor
from qtpy.QtWidgets import (
    QAbstractItemDelegate,
    QAbstractItemView,
    QHeaderView,
    QTreeWidget,
    QTreeWidgetItem,
    QWidget,
)

from ...analysis.region import Region
from ..common.words import tr

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
        self.setFixedHeight(160)
        self.setToolTip(
            tr(
                "Double-click a name to change it; select regions to name or merge them; "
                "the border of a locked one is fixed"
            )
        )
        self.setAccessibleName(tr("Regions"))
        self._filling = False
        self._told: tuple[Sequence[Region], Mapping[str, tuple[int, float]]] = ((), {})
        self.itemChanged.connect(self._edited)
        self.itemSelectionChanged.connect(self._chosen)

    @property
    def chosen(self) -> tuple[str, ...]:
        """Ids of the selected regions."""
        return tuple(str(item.data(0, ID)) for item in self.selectedItems())

    def show_regions(
        self, regions: Sequence[Region], facts: Mapping[str, tuple[int, float]]
    ) -> None:
        """Show these trees, and spots and mm² of each region where they are known.

        A name that is being typed is left alone: redraws come ten times a second while a run is on.
        """
        self._told = regions, facts
        chosen, edited = set(self.chosen), self._edited_item
        self._filling = True
        self._fit(self.invisibleRootItem(), regions, edited)
        for item in self._items():
            item.setSelected(item.data(0, ID) in chosen)
        self._filling = False

    def closeEditor(  # noqa: N802
        self, editor: QWidget, hint: QAbstractItemDelegate.EndEditHint
    ) -> None:
        """End the editing of a name; what was left alone meanwhile is brought up to date."""
        super().closeEditor(editor, hint)
        self.show_regions(*self._told)

    def select(self, ids: Sequence[str]) -> None:
        """Select these regions without telling anyone."""
        self._filling = True
        for item in self._items():
            item.setSelected(item.data(0, ID) in ids)
        self._filling = False

    @property
    def _edited_item(self) -> QTreeWidgetItem | None:
        """The item whose name the person is typing."""
        editing = self.state() == QAbstractItemView.State.EditingState
        return self.currentItem() if editing else None

    def _fit(
        self,
        parent: QTreeWidgetItem,
        regions: Sequence[Region],
        edited: QTreeWidgetItem | None,
    ) -> None:
        """Bring what is below an item in line with regions, changing only what differs."""
        wanted = {region.id for region in regions}
        for place in reversed(range(parent.childCount())):
            if parent.child(place).data(0, ID) not in wanted:
                parent.takeChild(place)
        there = {item.data(0, ID): item for item in map(parent.child, range(parent.childCount()))}
        for place, region in enumerate(regions):
            item = there.get(region.id)
            if item is None:
                item = QTreeWidgetItem()
                item.setData(0, ID, region.id)
                item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)
                parent.insertChild(place, item)
                item.setExpanded(True)
            elif item is edited:
                while parent.child(place) is not item:  # they come again, behind it
                    there.pop(parent.takeChild(place).data(0, ID))
            elif parent.child(place) is not item:
                parent.insertChild(place, parent.takeChild(parent.indexOfChild(item)))
                item.setExpanded(True)
            self._write(item, region, edited)
            self._fit(item, region.children, edited)

    def _write(self, item: QTreeWidgetItem, region: Region, edited: QTreeWidgetItem | None) -> None:
        spots, area = self._told[1].get(region.id, (None, None))
        texts = (
            region.name,
            "…" if spots is None else f"{spots:,}",
            "…" if area is None else f"{area:.2f}" if area == area else "?",
        )
        swatch = QColor(*region.colour)  # beside the name, which is to be read in any theme
        for column, text in enumerate(texts):
            if item.text(column) != text and (item is not edited or column):
                item.setText(column, text)
        decoration = Qt.ItemDataRole.DecorationRole
        if item is not edited and item.data(0, decoration) != swatch:
            item.setData(0, decoration, swatch)
        locked = CHECKED if region.locked else Qt.CheckState.Unchecked
        if item.data(LOCKED, Qt.ItemDataRole.CheckStateRole) != locked:
            item.setCheckState(LOCKED, locked)

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
