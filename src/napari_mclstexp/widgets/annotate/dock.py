"""The dock "Annotate": draw regions, give them classes, shape them, see how they differ."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QPushButton

from ...analysis.region import Region
from ...analysis.region_classes import RegionClass, reclassified
from ...analysis.region_edits import (
    changed,
    find,
    flat,
    nested,
    recoloured,
    removed,
    renamed,
)
from ...analysis.region_statistics import spots_in
from ...errors import SettingsError
from ...scene.layer_specs import Scene
from ...session.class_defaults import ClassDefaults
from ...spots.schema import positions
from ..common.dock import Dock
from ..common.latest import Latest
from ..common.notify import told
from ..common.theme import facts, heading
from ..common.words import tr
from .brush import Brush
from .class_cursor import ClassCursor
from .classes_dialog import ClassesDialog
from .comparison_panel import ComparisonPanel
from .palette import Palette
from .region_tree import RegionTree
from .shape_panel import ShapePanel

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

TOOLS = {  # napari's own
    "Polygon": ("add_polygon", "Click corner after corner; double-click or Esc ends"),
    "Lasso": ("add_polygon_lasso", "Draw the border in one stroke"),
    "Rectangle": ("add_rectangle", "Drag from corner to corner"),
    "Cut": (
        "add_path",
        "Draw a line across regions, or the selected ones: each is cut in two",
    ),
    "Select": ("select", "Select, move, resize; Delete removes"),
    "Edit points": ("direct", "Move single corners of a region"),
}
PURPOSES = {
    "new": ("A new region", "What you draw is a region of its own"),
    "add": ("Add to selected", "What you draw is added to the selected region"),
    "take out": ("Take out of selected", "What you draw is taken out of the selected region"),
}


class AnnotateDock(Dock):
    """Everything that is done to regions."""

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__(napari_viewer)
        session, layer = self.workspace.session, self.workspace.layers.regions
        self.tools: dict[str, QPushButton] = {}
        for name, (mode, tooltip) in TOOLS.items():
            button = QPushButton(name)
            button.setCheckable(True)
            button.setToolTip(tooltip)
            button.setStyleSheet("padding: 3px 6px;")
            button.clicked.connect(lambda _=False, m=mode: self._draw(m))
            self.tools[name] = button
        self.brush = Brush(napari_viewer, session, layer)
        self.purpose = QComboBox()
        for key, (label, tooltip) in PURPOSES.items():
            self.purpose.addItem(label, key)
            place = self.purpose.count() - 1
            self.purpose.setItemData(place, tooltip, Qt.ItemDataRole.ToolTipRole)
        self.purpose.setToolTip(tr("What a shape is for that you draw or paint"))
        self.purpose.setAccessibleName(tr("What a drawn shape is for"))
        tools = QGridLayout()
        tools.setSpacing(3)
        buttons = (*[self.tools[name] for name in ("Polygon", "Lasso", "Rectangle")],
                   self.brush.button,
                   *[self.tools[name] for name in ("Cut", "Select", "Edit points")])  # fmt: skip
        for place, button in enumerate(buttons):
            tools.addWidget(button, place // 4, place % 4)
        tools.addWidget(self.purpose, 1, 3)
        self.cursor_over_tissue = ClassCursor(napari_viewer, layer)
        self.palette_of_names = Palette()
        self.armed = facts(tr("What pressing a class does now"))
        self.armed.setAccessibleName(tr("Armed class"))
        self.tree = RegionTree()
        self.shapes = ShapePanel(session, layer)
        self.nest = _button(
            tr("Arrange by containment"), tr("Put every region into the smallest that surrounds it")
        )
        self.remove = _button(
            tr("Remove"), tr("Remove the selected regions; what is in them stays")
        )
        self.similar = _button(
            tr("Similar…"), tr("Find places like the selected region, on all open slides")
        )
        self.undo = _button(tr("Undo"), tr("Take the last step back (Ctrl+Z)"))
        self.redo = _button(tr("Redo"), tr("Do the step again that was taken back (Ctrl+Shift+Z)"))
        self.comparison = ComparisonPanel(self)
        self._defaults = ClassDefaults()
        self._own_classes = self._defaults.classes()
        self._measured: dict[str, tuple[int, float]] = {}
        self._measuring = Latest(self, self.workspace.jobs, self._show_measured)
        arranging, edits = QHBoxLayout(), QHBoxLayout()
        for part in (self.nest, self.similar):
            arranging.addWidget(part, 1)
        for part in (self.remove, self.undo, self.redo):
            edits.addWidget(part)
        self.stack(
            heading(tr("Draw")),
            tools,
            self.palette_of_names,
            self.armed,
            heading(tr("Regions")),
            self.tree,
            self.shapes,
            arranging,
            edits,
            heading(tr("Comparison")),
            self.comparison,
        )
        self._wire()
        self._show_scene(self.workspace.scene)

    def _wire(self) -> None:
        """Connect everything; there is no wiring of this dock anywhere else."""
        session, layer = self.workspace.session, self.workspace.layers.regions
        self.palette_of_names.chosen.connect(self._classify)
        self.palette_of_names.edit_asked.connect(self._edit_classes)
        self.purpose.currentIndexChanged.connect(self._purpose_chosen)
        self.tree.renamed.connect(self._rename)
        # Queued: this fills the tree anew, and Qt is not yet done with the item that was ticked.
        self.tree.locked.connect(self._lock, Qt.ConnectionType.QueuedConnection)
        self.tree.selected.connect(layer.select)
        layer.selection_changed.connect(self._selected)
        layer.mode_changed.connect(self._show_tool)
        self.nest.clicked.connect(self._nest)
        self.remove.clicked.connect(self._remove)
        self.similar.clicked.connect(self._find_similar)
        self.undo.clicked.connect(session.undo)
        self.redo.clicked.connect(session.redo)
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
        return self.workspace.layers.regions.selected

    @property
    def classes(self) -> tuple[RegionClass, ...]:
        """The classes that are offered: the session's own, or else the person's."""
        return self.workspace.session.display.classes or self._own_classes

    @property
    def compare(self) -> QPushButton:
        """The button that compares two regions."""
        return self.comparison.compare

    @property
    def compared(self) -> pd.DataFrame | None:
        """Which genes differ between two regions, where that was asked for."""
        return self.comparison.table

    # -- tools and classes ---------------------------------------------------------------------

    def _draw(self, mode: str) -> None:
        session, layer = self.workspace.session, self.workspace.layers.regions
        with told():
            if session.slide is None and session.spots is None:
                raise SettingsError("Nothing is open to draw on; open a slide first.")
            session.show(draw=True, show_regions=True)
            layer.draw("pan_zoom" if layer.tool == mode else mode)
        self._show_tool()

    def _purpose_chosen(self) -> None:
        self.workspace.layers.regions.set_purpose(self.purpose.currentData())

    def _show_tool(self) -> None:
        """Mark the tool in hand, the armed class, and what pressing a class does."""
        layer = self.workspace.layers.regions
        for name, (mode, _) in TOOLS.items():
            self.tools[name].setChecked(layer.tool == mode)
        self.palette_of_names.show_classes(self.classes, layer.armed)
        names = [each.name for each in flat(self._regions) if each.id in layer.selected]
        if names:
            said = names[0] if len(names) == 1 else f"{len(names)} regions"
            text = f"Selected: {said}. A class you press is given to it."
            if len(names) > 1:
                text = f"Selected: {said}. A class you press is given to them."
        elif layer.armed is not None:
            text = f"The next region is {layer.armed.name}. Press it again for none."
        else:
            text = "Press a class for the next region, or select a region to give it one."
        self.armed.setText(text)

    def _classify(self, chosen: RegionClass) -> None:
        """Give the selected regions a class, or arm it; the armed one is disarmed."""
        layer = self.workspace.layers.regions
        regions = self._regions
        for each in self.chosen:
            regions = recoloured(renamed(regions, each, chosen.name), each, chosen.colour)
        layer.arm(None if not self.chosen and chosen == layer.armed else chosen)
        self._edit(f"Name a region {chosen.name}", regions)
        self._show_tool()

    def _edit_classes(self) -> None:
        dialog = ClassesDialog(self, self.classes)
        if dialog.exec():
            self.take_classes(dialog.classes, dialog.changes, dialog.as_default.isChecked())

    def take_classes(
        self,
        classes: tuple[RegionClass, ...],
        changes: dict[RegionClass, RegionClass],
        as_default: bool,
    ) -> None:
        """Offer other classes; regions of classes that were changed change with them.

        Parameters
        ----------
        classes
            All of them.
        changes
            The class now, by the class before.
        as_default
            Whether new sessions begin with them too.
        """
        session, layer = self.workspace.session, self.workspace.layers.regions
        session.show(classes=classes)
        for opened in session.open_slides:
            regions = reclassified(opened.annotations.regions, changes)
            session.edit("Change classes", on=opened, regions=regions)
        armed = changes.get(layer.armed, layer.armed) if layer.armed is not None else None
        layer.arm(armed if armed in classes else None)
        with told():
            if as_default:
                self._defaults.keep(classes)
                self._own_classes = classes
        self._show_tool()

    # -- regions -------------------------------------------------------------------------------

    def _edit(self, what: str, regions: tuple[Region, ...]) -> None:
        self.workspace.session.edit(what, regions=regions)

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

    def _remove(self) -> None:
        self._edit("Remove regions", removed(self._regions, self.chosen))

    def _find_similar(self) -> None:
        viewer = self.workspace.layers.viewer
        if viewer is not None and self.chosen:
            _, dock = viewer.window.add_plugin_dock_widget("napari-mclstexp", "Across slides")
            dock.tabs.setCurrentWidget(dock.similar)
            dock.similar.choose_region(self.chosen[0])

    def _painted(self, region: Region) -> None:
        self.workspace.layers.regions.take_painted(region, self._regions)

    def _selected(self, ids: tuple[str, ...]) -> None:
        self.tree.select(ids)
        self._show_buttons()
        self._show_tool()

    def _leaving(self) -> None:
        """Leave nothing of this slide on the next."""
        self.brush.finish()
        self._measured = {}

    def _show_scene(self, _: Scene) -> None:
        self._show_tree()
        self.comparison.show_session()
        self._show_buttons()
        self._show_tool()

    def _show_tree(self) -> None:
        """Show the regions at once; their spots and mm² follow from another thread."""
        session, regions = self.workspace.session, self._regions
        self.tree.show_regions(regions, self._measured)
        self.tree.select(self.chosen)
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
        self.nest.setEnabled(len(regions) > 1)
        self.remove.setEnabled(bool(self.chosen))
        self.similar.setEnabled(len(self.chosen) == 1)
        self.shapes.show_selection()


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


def _button(text: str, tooltip: str) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tooltip)
    button.setStyleSheet("padding: 3px 6px;")
    return button
