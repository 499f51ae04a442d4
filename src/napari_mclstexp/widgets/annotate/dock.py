"""The dock "Annotate": draw regions, name them, nest and merge them, see how they differ."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
)

from ...analysis.domain_map import Rgb
from ...analysis.region import Region
from ...analysis.region_comparison import RegionComparison
from ...analysis.region_edits import (
    changed,
    find,
    flat,
    merged,
    nested,
    recoloured,
    removed,
    renamed,
)
from ...analysis.region_statistics import NOT_REPLICATES, spots_in
from ...errors import SettingsError
from ...scene.layer_specs import Scene
from ...session.spot_expression import Of
from ...spots.schema import positions
from ..annotation_tasks import REST
from ..common import dialogs
from ..common.dock import Dock
from ..common.latest import Latest
from ..common.notify import told
from ..common.theme import facts, heading
from ..explore.domains_dock import write_table
from .brush import Brush
from .palette import Palette
from .region_tree import RegionTree

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

TOOLS = {  # napari's own
    "Polygon": ("add_polygon", "Click corner after corner; double-click or Esc ends"),
    "Lasso": ("add_polygon_lasso", "Draw the border in one stroke"),
    "Rectangle": ("add_rectangle", "Drag from corner to corner"),
    "Select": ("select", "Select, move, resize; Delete removes"),
    "Edit points": ("direct", "Move single corners of a region"),
}
SHOWN = 40  # genes of a comparison


class AnnotateDock(Dock):
    """Everything that is done to regions."""

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__(napari_viewer)
        self.tools: dict[str, QPushButton] = {}
        tools = QGridLayout()
        tools.setSpacing(3)
        for place, (name, (mode, tooltip)) in enumerate(TOOLS.items()):
            button = QPushButton(name)
            button.setToolTip(tooltip)
            button.clicked.connect(lambda _=False, m=mode: self._draw(m))
            tools.addWidget(button, place // 3, place % 3)
            self.tools[name] = button
        self.brush = Brush(napari_viewer, self.workspace.session)
        tools.addWidget(self.brush.button, 1, 2)
        self.palette_of_names = Palette()
        self.tree = RegionTree()
        self.nest = _button(
            "Arrange by containment", "Put every region into the smallest that surrounds it"
        )
        self.merge = _button("Merge", "Make one of the selected regions; it keeps the first's name")
        self.remove = _button("Remove", "Remove the selected regions; what is in them stays")
        self.undo = _button("Undo", "Take the last step back (Ctrl+Z)")
        self.redo = _button("Redo", "Do the step again that was taken back (Ctrl+Shift+Z)")
        self.other = QComboBox()
        self.other.setToolTip("What the selected region is compared with")
        self.other.setAccessibleName("Compare with")
        self.compare = _button("Compare with", "Which genes differ between the two (Wilcoxon, FDR)")
        self.save_table = _button("Save…", "Save the whole comparison as CSV")
        self.result = QTableWidget(0, 4)
        self.result.setHorizontalHeaderLabels(["Gene", "AUC", "Difference", "FDR"])
        self.result.verticalHeader().hide()
        self.result.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.result.setMinimumHeight(150)
        self.result.setToolTip(
            "AUC: the chance that a spot of the first region is higher; 0.5 means no difference"
        )
        self.result.setAccessibleName("Genes that differ")
        self.warning = facts("What p-values from one slide mean")
        self._compared: RegionComparison | None = None
        self._measured: dict[str, tuple[int, float]] = {}
        self._measuring = Latest(self, self.workspace.jobs, self._show_measured)
        edits = QHBoxLayout()
        for part in (self.nest, self.merge, self.remove, self.undo, self.redo):
            edits.addWidget(part)
        line = QHBoxLayout()
        line.addWidget(self.compare)
        line.addWidget(self.other, 1)
        line.addWidget(self.save_table)
        self.stack(
            heading("Draw"),
            tools,
            self.palette_of_names,
            heading("Regions"),
            self.tree,
            edits,
            line,
            self.result,
            self.warning,
        )
        self._wire()
        self._show_scene(self.workspace.scene)

    def _wire(self) -> None:
        """Connect everything; there is no wiring of this dock anywhere else."""
        session = self.workspace.session
        self.palette_of_names.chosen.connect(self._name)
        self.tree.renamed.connect(self._rename)
        # Queued: this fills the tree anew, and Qt is not yet done with the item that was ticked.
        self.tree.locked.connect(self._lock, Qt.ConnectionType.QueuedConnection)
        self.tree.selected.connect(self.workspace.layers.regions.select)
        self.nest.clicked.connect(self._nest)
        self.merge.clicked.connect(self._merge)
        self.remove.clicked.connect(self._remove)
        self.undo.clicked.connect(session.undo)
        self.redo.clicked.connect(session.redo)
        self.compare.clicked.connect(self._compare)
        self.save_table.clicked.connect(self._save_table)
        self.brush.painted.connect(self._painted)
        self.workspace.leaving.connect(self._leaving)
        self.workspace.settling.connect(self.brush.finish)
        self.workspace.shown.connect(self._show_scene)

    @property
    def _regions(self) -> tuple[Region, ...]:
        return self.workspace.session.annotations.regions

    @property
    def chosen(self) -> tuple[str, ...]:
        """Ids of the regions that are selected, on the slide or in the tree."""
        there = {each.id for each in flat(self._regions)}
        picked = self.workspace.layers.regions.selected or self.tree.chosen
        return tuple(each for each in picked if each in there)

    def _draw(self, mode: str) -> None:
        session = self.workspace.session
        with told():
            if session.slide is None and session.spots is None:
                raise SettingsError("Nothing is open to draw on; open a slide first.")
            session.show(draw=True, show_regions=True)
            self.workspace.layers.regions.draw(mode)

    def _edit(self, what: str, regions: tuple[Region, ...]) -> None:
        self.workspace.session.edit(what, regions=regions)

    def _name(self, name: str, colour: Rgb) -> None:
        layer = self.workspace.layers.regions
        layer.name, layer.colour = name, colour
        regions = self._regions
        for each in self.chosen:
            regions = recoloured(renamed(regions, each, name), each, colour)
        self._edit(f"Name a region {name}", regions)

    def _rename(self, region_id: str, name: str) -> None:
        with told():
            if not name.strip():
                raise SettingsError("A region needs a name; type one.")
            self._edit("Rename a region", renamed(self._regions, region_id, name.strip()))
        self._show_tree()

    def _lock(self, region_id: str, locked: bool) -> None:
        region = replace(find(self._regions, region_id), locked=locked)
        what = "Lock a region" if locked else "Unlock a region"
        self._edit(what, changed(self._regions, region))

    def _nest(self) -> None:
        self._edit("Arrange regions by containment", nested(self._regions))

    def _merge(self) -> None:
        with told():
            self._edit("Merge regions", merged(self._regions, self.chosen))

    def _remove(self) -> None:
        self._edit("Remove regions", removed(self._regions, self.chosen))

    def _painted(self, region: Region) -> None:
        layer = self.workspace.layers.regions
        named = replace(region, name=layer.name, colour=layer.colour)
        self._edit("Paint a region", (*self._regions, named))

    def _compare(self) -> None:
        session = self.workspace.session
        with told():
            every = flat(self._regions)
            if not every:
                raise SettingsError("There is no region to compare; draw one first.")
            one = find(every, self.chosen[0]) if self.chosen else every[-1]
            other_id = self.other.currentData()
            other = find(every, other_id) if other_id else None
            if other is not None and other.id == one.id:
                raise SettingsError(f"{one.name} cannot be compared with itself; choose another.")
            of: Of = "predicted" if session.result is not None else "measured"
            self.workspace.tasks.compare(one, other, of)

    @property
    def compared(self) -> pd.DataFrame | None:
        """Which genes differ between two regions, where that was asked for."""
        return None if self._compared is None else self._compared.table

    def _show_comparison(self) -> None:
        comparison = self.workspace.session.annotations.comparison
        if comparison is self._compared:
            return
        self._compared = comparison
        if comparison is None:
            self.result.setRowCount(0)
            self.warning.setText("")
            return
        table = comparison.table
        self.result.setRowCount(min(SHOWN, len(table)))
        for row, found in enumerate(table.head(SHOWN).itertuples()):
            texts = (
                found.gene,
                f"{found.auc:.2f}",
                f"{found.difference:+.2f}",
                _small(float(str(found.fdr))),
            )
            for column, text in enumerate(texts):
                self.result.setItem(row, column, QTableWidgetItem(str(text)))
        clear = int((table["fdr"] < 0.05).sum())
        self.warning.setText(
            f"{comparison.what}: {clear:,} genes differ (FDR < 0.05). {NOT_REPLICATES}"
        )

    def _leaving(self) -> None:
        """Leave nothing of this slide on the next."""
        self.brush.finish()
        self._measured = {}

    def _save_table(self) -> None:
        path = dialogs.ask_target(self, "Save the comparison", "comparison.csv", dialogs.TABLE)
        if path is not None and self.compared is not None:
            with told():
                write_table(self.compared, path)

    def _show_scene(self, _: Scene) -> None:
        self._show_tree()
        self._show_comparison()
        self._show_buttons()

    def _show_tree(self) -> None:
        """Show the regions at once; their spots and mm² follow from another thread."""
        session, regions = self.workspace.session, self._regions
        self.tree.show_regions(regions, self._measured)
        scale = session.um_per_px
        key = regions, session.expression.number, scale
        self._measuring.ask(key, partial(_measure, regions, session.spots, scale))

    def _show_measured(self, found: dict[str, tuple[int, float]]) -> None:
        self._measured = found
        self.tree.show_regions(self._regions, found)

    def _show_buttons(self) -> None:
        session, regions = self.workspace.session, flat(self._regions)
        history = session.shown.history
        for button, what in ((self.undo, history.undoable), (self.redo, history.redoable)):
            button.setEnabled(bool(what))
        self.undo.setToolTip(_step("Undo", history.undoable, "undo", "Ctrl+Z"))
        self.redo.setToolTip(_step("Redo", history.redoable, "redo", "Ctrl+Shift+Z"))
        for button in (self.nest, self.merge):
            button.setEnabled(len(regions) > 1)
        for button in (self.remove, self.compare):
            button.setEnabled(bool(regions))
        self.save_table.setEnabled(self.compared is not None)
        offered = [("", REST), *((each.id, each.name) for each in regions)]
        if offered != [
            (self.other.itemData(i), self.other.itemText(i)) for i in range(self.other.count())
        ]:
            kept = self.other.currentData()
            self.other.clear()
            for region_id, name in offered:
                self.other.addItem(name, region_id)
            self.other.setCurrentIndex(max(0, self.other.findData(kept)))


def _measure(
    regions: tuple[Region, ...], spots: AnnData | None, um_per_px: float | None
) -> dict[str, tuple[int, float]]:
    """Return of each region, by its id, how many spots are in it and how many mm² it has."""
    scale = um_per_px or float("nan")
    xy = None if spots is None else positions(spots)
    return {
        each.id: (
            0 if xy is None else int(spots_in(each, xy).sum()),
            each.shape().area * scale**2 / 1e6,
        )
        for each in flat(regions)
    }


def _step(act: str, what: str, verb: str, keys: str) -> str:
    return f"{act}: {what} ({keys})" if what else f"Nothing to {verb} ({keys})"


def _small(fdr: float) -> str:
    return f"{fdr:.1e}" if fdr > 1e-300 else "< 1e-300"


def _button(text: str, tooltip: str) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tooltip)
    button.setStyleSheet("padding: 3px 6px;")
    return button
