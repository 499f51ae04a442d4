"""Regions as a napari Shapes layer, both ways: drawn from the session, and read as a person draws.

Every ring of a region is one shape; its features say whose it is. Coordinates are level-0 pixels.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.utils.notifications import show_info
from numpy.typing import NDArray
from qtpy.QtCore import QTimer

from ...analysis.region import Region, region_of
from ...analysis.region_edits import changed, flat, removed
from ...errors import SettingsError
from ...scene.layer_specs import RegionShapes
from ..common.napari_compat import SHAPES_CHANGED, is_drawing

if TYPE_CHECKING:
    import pandas as pd

FILL = 0.15
POLL_MS = 40  # while a shape is being drawn
_ELLIPSE_POINTS = 64

OnDrawn = Callable[[str, tuple[Region, ...]], None]


class RegionLayer:
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
    name, colour
        Of the next region that is drawn.
    """

    def __init__(self, viewer: Any, on_drawn: OnDrawn) -> None:
        self.layer: Any = None
        self.name, self.colour = "Region", Region.colour
        self._on_drawn = on_drawn
        self._shown: RegionShapes | None = None
        self._ours = False
        self._viewer = weakref.ref(viewer)
        # napari is still busy with the shape when it tells of it.
        self._read_soon = QTimer()
        self._read_soon.setSingleShot(True)
        self._read_soon.timeout.connect(self._read)

    def forget(self) -> None:
        """Let go of the layer; the viewer is going away."""
        self._read_soon.stop()
        self.layer = self._shown = None

    def finish(self) -> None:
        """Take in at once what was drawn; another slide is about to be shown."""
        if self._read_soon.isActive():
            self._read_soon.stop()
            if self.layer is not None and not self._busy:
                self._read()

    @property
    def selected(self) -> tuple[str, ...]:
        """Ids of the selected regions, in the order of the layer."""
        ids = self._ids
        chosen = (ids[i] for i in sorted(self.layer.selected_data) if i < len(ids)) if ids else ()
        return tuple(dict.fromkeys(each for each in chosen if each))

    @property
    def _ids(self) -> list[str]:
        """Whose each shape is; a layer that never held a shape knows no ids."""
        known = self.layer is not None and "id" in self.layer.features
        return [str(each) for each in self.layer.features["id"]] if known else []

    def select(self, ids: tuple[str, ...]) -> None:
        """Select the shapes of these regions."""
        if self.layer is not None:
            self.layer.selected_data = {i for i, each in enumerate(self._ids) if each in ids}

    def draw(self, mode: str) -> None:
        """Choose one of napari's tools: "add_polygon", "add_polygon_lasso", "select"..."""
        viewer = self._viewer()
        if self.layer is not None and viewer is not None:
            viewer.layers.selection.active = self.layer
            self.layer.mode = mode

    def apply(self, viewer: Any, wanted: RegionShapes | None, unit: str) -> None:
        """Show these regions; None takes the layer away."""
        if wanted is None:
            layer, self.layer, self._shown = self.layer, None, None
            if layer is not None and layer in viewer.layers:
                viewer.layers.remove(layer)
            return
        if self.layer is None or self.layer not in viewer.layers:
            self.layer = viewer.add_shapes(name=wanted.name, ndim=2, units=(unit, unit))
            self.layer.events.data.connect(self._edited)
            self._shown = None
        if wanted == self._shown:
            return
        layer, before = self.layer, self._shown
        self._shown = None  # until all of it stands
        if before is None or before.regions != wanted.regions or before.edge != wanted.edge:
            self._fill_quietly(wanted)
        layer.scale = (wanted.scale, wanted.scale)
        layer.visible = wanted.visible
        self._shown = wanted

    def _fill_quietly(self, wanted: RegionShapes) -> None:
        self._ours = True
        try:
            self._fill(wanted)
        finally:
            self._ours = False

    def _fill(self, wanted: RegionShapes) -> None:
        layer, selected = self.layer, self.selected
        every = flat(wanted.regions)
        table = _features(every)
        rings = [
            np.asarray(ring[:-1])[:, ::-1]
            for each in every
            for polygon in each.polygons
            for ring in polygon
        ]
        layer.selected_data = set()
        layer.data = []
        if rings:
            colours = [np.array((*c, 255)) / 255 for c in table.pop("colour")]
            faces = [c * (1, 1, 1, FILL if ring == 0 else 0)
                     for c, ring in zip(colours, table["ring"], strict=True)]  # fmt: skip
            layer.add(
                rings,
                shape_type="polygon",
                edge_width=wanted.edge,
                edge_color=colours,
                face_color=faces,
            )
            layer.features = table
            # What napari gives the next shape: no id, so that it is known as new.
            layer.feature_defaults = {"id": "", "part": 0, "ring": 0, "label": ""}
            layer.text = {"string": "{label}", "size": 10, "color": "black", "anchor": "center"}
        layer.current_edge_width = wanted.edge
        self.select(selected)
        layer.refresh()

    def _edited(self, event: Any) -> None:
        if not self._ours and event.action in SHAPES_CHANGED:
            self._read_soon.start(0)

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
        before = self._shown.regions
        new = _own_shapes(self.layer)
        regions = before
        drawn: list[Region] = []
        for rings in new.pop("", {}).values():
            try:
                drawn.append(_drawn(rings[0], self.name, self.colour))
            except SettingsError:
                continue  # a click without a drag, or a line
        gone = [each.id for each in flat(before) if each.id not in new]
        regions = removed(regions, gone)
        moved = 0
        fixed: list[str] = []
        for region_id, parts in new.items():
            old = next((each for each in flat(before) if each.id == region_id), None)
            polygons = tuple(
                tuple(rings[i] for i in sorted(rings)) for _, rings in sorted(parts.items())
                if 0 in rings
            )  # fmt: skip
            if old is not None and polygons and polygons != old.polygons:
                if old.locked:
                    fixed.append(old.name)
                    continue
                moved += 1
                current = next(each for each in flat(regions) if each.id == region_id)
                regions = changed(regions, replace(current, polygons=polygons))
        regions += tuple(drawn)
        if fixed:
            show_info(f"{', '.join(fixed)}: locked, so it stays; untick it to change it.")
        if regions == before:  # a click that made or moved nothing is no step
            known = sum(len(polygon) for each in flat(before) for polygon in each.polygons)
            if fixed or len(self.layer.data) != known:
                self._fill_quietly(self._shown)
            return
        # It no longer shows what the session has: the next scene makes it so again.
        self._shown = None
        what = "Draw a region" if drawn else "Change a region" if moved else "Remove a region"
        self._on_drawn(what, regions)


def _features(regions: tuple[Region, ...]) -> pd.DataFrame:
    """Return whose each ring is: region, polygon and ring number, and what is written on it."""
    import pandas as pd

    columns = ("id", "part", "ring", "label", "colour")
    rows = [
        (each.id, part, ring, each.name if part == ring == 0 else "", each.colour)
        for each in regions
        for part, polygon in enumerate(each.polygons)
        for ring in range(len(polygon))
    ]
    if not rows:
        rows = [("", 0, 0, "", Region.colour)]
    return pd.DataFrame(rows, columns=list(columns))


def _own_shapes(layer: Any) -> dict[str, dict[int, dict[int, tuple[tuple[float, float], ...]]]]:
    """Return the rings in the layer, by region, polygon and ring; new shapes have the id ""."""
    import pandas as pd

    found: dict[str, dict[int, dict[int, tuple[tuple[float, float], ...]]]] = {}
    table = layer.features
    for i, (data, kind) in enumerate(zip(layer.data, layer.shape_type, strict=True)):
        region = str(table["id"].iloc[i]) if "id" in table and pd.notna(table["id"].iloc[i]) else ""
        part, ring = (int(table["part"].iloc[i]), int(table["ring"].iloc[i])) if region else (i, 0)
        points = _ellipse(data) if kind == "ellipse" else np.asarray(data, dtype=float)
        if not region and kind in ("line", "path"):
            continue
        xy = [(float(x), float(y)) for y, x in points[:, -2:]]
        found.setdefault(region, {}).setdefault(part, {})[ring] = (*xy, xy[0])
    return found


def _drawn(
    ring: tuple[tuple[float, float], ...], name: str, colour: tuple[int, int, int]
) -> Region:
    """Return a region of a ring drawn by hand, which may cross itself."""
    from shapely import make_valid
    from shapely.geometry import MultiPolygon, Polygon

    shape = make_valid(Polygon(ring))
    parts = [
        part
        for each in getattr(shape, "geoms", [shape])
        for part in getattr(each, "geoms", [each])
        if part.geom_type == "Polygon" and part.area > 0
    ]
    return region_of(MultiPolygon(parts), name, colour=colour)


def _ellipse(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the outline of an ellipse that touches the sides of a box."""
    corners = np.asarray(corners, dtype=float)
    centre = corners.mean(axis=0)
    right, down = (corners[1] - corners[0]) / 2, (corners[3] - corners[0]) / 2
    angle = np.linspace(0, 2 * np.pi, _ELLIPSE_POINTS, endpoint=False)[:, None]
    return np.asarray(centre + np.cos(angle) * right + np.sin(angle) * down)
