"""Regions as a napari Shapes layer, both ways: drawn from the session, and read as a person draws.

Which regions are selected is known here, by their ids: napari's own selection is of shapes, and
follows it.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from napari.utils.notifications import show_info
from qtpy.QtCore import QObject, QTimer, Signal

from ...analysis.region import Region
from ...analysis.region_classes import RegionClass
from ...analysis.region_edits import flat
from ...errors import UserError
from ...scene.layer_specs import RegionShapes
from ..common.napari_compat import SHAPES_CHANGED, halo_around_text, is_drawing
from ..common.notify import tell, told
from .drawn_regions import NEW, Drawn, Purpose, painted_in, region_under, taken_in
from .region_shapes import features, outline, read_shapes
from .region_styles import EDGE_PX, FILL, style_next, style_shapes

NEAR_PX = 4  # as near to a border counts as a click on the region
SAME_ZOOM = 0.02  # by which share a zoom may differ before the borders are drawn anew
POLL_MS = 40  # while a shape is being drawn
LABEL_SIZE = 11
CUT = "add_path"  # the tool whose lines cut
_PICKING = ("select", "direct", "vertex_insert", "vertex_remove")
_UNNAMED = RegionClass("Region", Region.colour)

OnDrawn = Callable[[str, tuple[Region, ...]], None]


class RegionLayer(QObject):
    """The layer that shows the regions and that a person draws on.

    Parameters
    ----------
    viewer
        Where it is.
    on_drawn
        Called with what the person did ("Draw a region") and the trees as they are now.

    Attributes
    ----------
    layer
        The napari layer, or None.
    armed
        The class that the next region gets, or None.
    purpose
        What a shape that is drawn is for: a new region, a part more of the selected one, or a
        part less.

    Signals
    -------
    selection_changed
        Ids of the regions that are selected, by whatever way.
    mode_changed
        The tool in hand, or the armed class, is another.
    """

    selection_changed = Signal(tuple)
    mode_changed = Signal()

    def __init__(self, viewer: Any, on_drawn: OnDrawn) -> None:
        super().__init__()
        self.layer: Any = None
        self.armed: RegionClass | None = None
        self.purpose: Purpose = NEW
        self._on_drawn = on_drawn
        self._shown: RegionShapes | None = None
        self._selected: tuple[str, ...] = ()
        self._told: tuple[str, ...] = ()
        self._colours: list[tuple[float, ...]] = []  # of each shape
        self._ours = False
        self._zoom = 0.0
        self._viewer = weakref.ref(viewer)
        # napari is still busy with the shape when it tells of it.
        self._read_soon = self._timer(self._read)
        self._restyle_soon = self._timer(self._follow_zoom)
        viewer.scene.camera.events.zoom.connect(self._zoomed)
        viewer.mouse_drag_callbacks.append(self._clicked)

    def forget(self) -> None:
        """Let go of the layer; the viewer is going away."""
        self._read_soon.stop()
        self._restyle_soon.stop()
        viewer = self._viewer()
        if viewer is not None:
            viewer.scene.camera.events.zoom.disconnect(self._zoomed)
            if self._clicked in viewer.mouse_drag_callbacks:
                viewer.mouse_drag_callbacks.remove(self._clicked)
        self.layer = self._shown = None

    def finish(self) -> None:
        """Take in at once what was drawn; another slide is about to be shown."""
        if self._read_soon.isActive():
            self._read_soon.stop()
            if self.layer is not None and not self._busy:
                self._read()

    # -- selection -----------------------------------------------------------------------------

    @property
    def selected(self) -> tuple[str, ...]:
        """Ids of the selected regions, in the order in which they were selected."""
        there = {each.id for each in self._regions}
        return tuple(each for each in self._selected if each in there)

    def select(self, ids: tuple[str, ...]) -> None:
        """Select regions: all their shapes are."""
        # Who was selected first stays first: it is the one that others are taken out of.
        kept = [each for each in self._selected if each in ids]
        self._selected = (*kept, *(each for each in ids if each not in kept))
        self._mark()
        self._tell()

    def _tell(self) -> None:
        """Tell which regions are selected, where it is not what was told last."""
        if self._shown is not None and self.selected != self._told:
            self._told = self.selected
            self.selection_changed.emit(self._told)

    def _mark(self) -> None:
        """Show in napari's layer what is selected."""
        if self.layer is None:
            return
        with self._by_us():
            chosen = {i for i, each in enumerate(self._ids) if each in self._selected}
            if set(self.layer.selected_data) != chosen:
                self.layer.selected_data = chosen
            self._style()

    def _picked(self, *_: object) -> None:
        """Follow what a person selected with napari's own tools."""
        if self._ours or self.layer is None or str(self.layer.mode) not in _PICKING:
            return
        ids = self._ids
        chosen = [ids[i] for i in sorted(self.layer.selected_data) if i < len(ids)]
        if all(chosen):  # else a shape that is being drawn
            self.select(tuple(dict.fromkeys(chosen)))

    def _clicked(self, _: Any, event: Any) -> Iterator[None]:
        """Select the region that is clicked while no tool is in hand; a drag moves the view."""
        yield
        viewer, shown, layer = self._viewer(), self._shown, self.layer
        if event.type == "mouse_move" or viewer is None or shown is None or layer is None:
            return
        active = viewer.layers.selection.active
        if str(getattr(active, "mode", "pan_zoom")) != "pan_zoom" or not layer.visible:
            return
        y, x = layer.world_to_data(event.position)[-2:]
        found = region_under(shown.regions, (float(x), float(y)), NEAR_PX * self._px)
        more = {"Shift", "Control"} & set(event.modifiers)
        if found and more:
            rest = tuple(each for each in self._selected if each != found)
            self.select(rest if found in self._selected else (*self._selected, found))
        elif not more:
            self.select((found,) if found else ())

    # -- tools ---------------------------------------------------------------------------------

    def draw(self, mode: str) -> None:
        """Choose one of napari's tools: "add_polygon", "add_polygon_lasso", "select"..."""
        viewer = self._viewer()
        if self.layer is None or viewer is None:
            return
        viewer.layers.selection.active = self.layer
        with self._by_us():
            self.layer.mode = mode
        if mode.startswith("add") and mode != CUT and self.purpose == NEW:
            self.select(())  # a class pressed now is the next shape's
        self._mark()

    def set_purpose(self, purpose: Purpose) -> None:
        """Say what a shape that is drawn from now on is for."""
        if purpose != self.purpose:
            self.purpose = purpose
            self.mode_changed.emit()

    def arm(self, chosen: RegionClass | None) -> None:
        """Give the next regions this class."""
        if chosen != self.armed:
            self.armed = chosen
            self.mode_changed.emit()

    @property
    def target(self) -> Region | None:
        """The region that a drawn shape is added to, or taken out of: the only selected one."""
        chosen = [each for each in self._regions if each.id in self._selected]
        return chosen[0] if len(chosen) == 1 else None

    @property
    def next_class(self) -> RegionClass:
        """What the next region is called and coloured."""
        return self.armed or _UNNAMED

    @property
    def tool(self) -> str:
        """The tool in hand, as napari calls it; "" while another layer is the active one."""
        viewer, layer = self._viewer(), self.layer
        if viewer is None or layer is None or viewer.layers.selection.active is not layer:
            return ""
        return str(layer.mode)

    # -- drawing -------------------------------------------------------------------------------

    def apply(self, viewer: Any, wanted: RegionShapes | None, unit: str) -> None:
        """Show these regions; None takes the layer away."""
        if wanted is None:
            layer, self.layer, self._shown = self.layer, None, None
            if layer is not None and layer in viewer.layers:
                viewer.layers.remove(layer)
            return
        if self.layer is None or self.layer not in viewer.layers:
            self.layer = viewer.add_shapes(
                name=wanted.name, ndim=2, units=(unit, unit), opacity=1.0
            )
            self.layer.events.data.connect(self._edited)
            self.layer.events.mode.connect(self._tool_changed)
            self.layer.selected_data.events.items_changed.connect(self._picked)
            halo_around_text(viewer, self.layer)
            self._shown = None
        if wanted == self._shown:
            return
        layer, before = self.layer, self._shown
        self._shown = None  # until all of it stands
        layer.scale = (wanted.scale, wanted.scale)
        if before is None or before.regions != wanted.regions or before.scale != wanted.scale:
            with self._by_us():
                self._fill(wanted)
        if layer.visible != wanted.visible:  # else napari takes the tool out of the hand
            layer.visible = wanted.visible
        self._shown = wanted
        self._tell()

    def _fill(self, wanted: RegionShapes) -> None:
        layer, every = self.layer, flat(wanted.regions)
        layer.selected_data = set()
        layer.data = []
        self._colours = [
            tuple(value / 255 for value in each.colour) for each in every for _ in each.polygons
        ]
        if every:
            layer.add(
                [outline(polygon) for each in every for polygon in each.polygons],
                shape_type="polygon",
                edge_width=EDGE_PX * self._px,
                edge_color=[(*each, 1.0) for each in self._colours],
                face_color=[(*each, FILL) for each in self._colours],
            )
            layer.features = features(every)
            # What napari gives the next shape: no id, so that it is known as new.
            layer.feature_defaults = {"id": "", "part": 0, "label": ""}
            layer.text = {
                "string": "{label}",
                "size": LABEL_SIZE,
                "color": "black",
                "anchor": "center",
            }
        layer.selected_data = {i for i, each in enumerate(self._ids) if each in self._selected}
        self._style()
        layer.refresh()

    def _style(self, *, fills: bool = True) -> None:
        """Give borders their width on the screen, and the selected regions theirs.

        Parameters
        ----------
        fills
            Whether other regions may be selected than before; a zoom changes widths alone.
        """
        self._zoom = self._px
        chosen = [each in self._selected and bool(each) for each in self._ids]
        style_shapes(self.layer, self._colours, chosen, self._px, fills=fills)
        style_next(self.layer, self.next_class.colour, self._px)

    @property
    def _px(self) -> float:
        """Level-0 px that one pixel of the screen shows."""
        viewer = self._viewer()
        if viewer is None or self.layer is None:
            return 1.0
        return 1.0 / max(1e-9, float(viewer.scene.camera.zoom) * abs(float(self.layer.scale[-1])))

    def _zoomed(self, *_: object) -> None:
        if self.layer is not None:
            self._restyle_soon.start(0)

    def _follow_zoom(self) -> None:
        viewer = self._viewer()
        if viewer is None or self.layer is None or self.layer not in viewer.layers:
            return
        if self._busy:
            self._restyle_soon.start(POLL_MS)
        elif abs(self._px / self._zoom - 1) > SAME_ZOOM if self._zoom else True:
            with self._by_us():
                self._style(fills=False)

    # -- reading -------------------------------------------------------------------------------

    @property
    def _regions(self) -> tuple[Region, ...]:
        return flat(self._shown.regions) if self._shown is not None else ()

    @property
    def _ids(self) -> list[str]:
        """Whose each shape is; a layer that never held a shape knows no ids."""
        known = self.layer is not None and "id" in self.layer.features
        return [str(each) for each in self.layer.features["id"]] if known else []

    def _edited(self, event: Any) -> None:
        if not self._ours and event.action in SHAPES_CHANGED:
            self._read_soon.start(0)

    def _tool_changed(self, *_: object) -> None:
        self.mode_changed.emit()

    @property
    def _busy(self) -> bool:
        """Whether the person is in the middle of drawing or moving a shape.

        napari tells of a new shape when its drawing begins; only these flags say when it ends. In
        a layer that was removed meanwhile it never does.
        """
        viewer, layer = self._viewer(), self.layer
        if viewer is None or layer not in viewer.layers:
            return False
        return is_drawing(layer)

    def _read(self) -> None:
        """Tell what the person has made of the regions."""
        if self.layer is None or self._shown is None:
            return
        if self._busy:
            self._read_soon.start(POLL_MS)
            return
        shown = self._shown
        found = read_shapes(self.layer, {each.id: each for each in self._regions})
        try:
            drawn = taken_in(found, shown.regions, self.next_class, self.purpose, self.selected)
        except UserError as error:
            tell(error)
            drawn = Drawn(shown.regions)
        if drawn.say:
            show_info(drawn.say)
        if drawn.regions == shown.regions:  # a click that made or moved nothing is no step
            known = sum(len(each.polygons) for each in self._regions)
            if drawn.put_back or found.rings or found.lines or len(self.layer.data) != known:
                with self._by_us():
                    self._fill(shown)
            return
        # It no longer shows what the session has: the next scene makes it so again.
        self._shown = None
        self._take(drawn)

    def take_painted(self, region: Region, before: tuple[Region, ...]) -> None:
        """Take in a region that was painted, for what :attr:`purpose` says."""
        with told():
            given, purpose = self.next_class, self.purpose
            self._take(painted_in(region, before, given, purpose, self.selected))

    def _take(self, drawn: Drawn) -> None:
        if drawn.select is not None:
            self._selected = drawn.select
        self._on_drawn(drawn.what, drawn.regions)
        self._mark()
        self._tell()

    # -- within --------------------------------------------------------------------------------

    @contextmanager
    def _by_us(self) -> Iterator[None]:
        before, self._ours = self._ours, True
        try:
            yield
        finally:
            self._ours = before

    def _timer(self, call: Callable[[], None]) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.timeout.connect(call)
        return timer
