"""The one place that brings napari's layers in line with a Scene, touching only what differs."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..scene import ExpressionHeatmap, ExpressionPoints, Scene, SlideLayer, SpotsLayer
from .overlays import legend, scale_bar

Description = SlideLayer | SpotsLayer | ExpressionPoints | ExpressionHeatmap

SLOTS = ("slide", "slide_beside", "spots", "predicted", "measured")  # bottom up
SPOT_COLOUR = "#111111"
VALUE = "expression"  # the feature that colours the points; napari shows it under the cursor


@dataclass
class _Slot:
    description: Description
    layer: Any  # None once the person has removed the layer


class Layers:
    """The layers of one session in one viewer.

    Parameters
    ----------
    viewer
        A napari viewer (or a ViewerModel, without a window).
    on_removed
        Called with the name of the slot whose layer the person removed.
    on_edited
        Called with field and value when the person changes what the session owns in napari's own
        controls: ``("show_spots", False)``, ``("opacity", 0.5)``.
    """

    def __init__(
        self,
        viewer: Any,
        on_removed: Callable[[str], None],
        on_edited: Callable[[str, Any], None],
    ) -> None:
        self._viewer = weakref.ref(viewer)
        self._on_removed = on_removed
        self._on_edited = on_edited
        self._slots: dict[str, _Slot] = {}
        self._scene = Scene()
        self._applying = False
        viewer.layers.events.removed.connect(self._removed)

    def __getitem__(self, slot: str) -> Any:
        """Return the napari layer in a slot, or None."""
        shown = self._slots.get(slot)
        return shown.layer if shown else None

    def forget(self) -> None:
        """Let go of all layers; the viewer is going away."""
        self._slots.clear()

    def apply(self, scene: Scene) -> None:
        """Change the viewer from the scene shown before to this one."""
        viewer = self._viewer()
        if viewer is None or scene == self._scene:
            return
        new_world = _world(scene) != _world(self._scene)
        self._scene = scene
        with self._by_us():
            for slot in SLOTS:
                self._bring(viewer, slot, getattr(scene, slot), scene.unit)
            self._restack(viewer)
            scale_bar(viewer).visible = scene.unit == "µm"
            scale_bar(viewer).box = True
            coloured = (self[slot] for slot in ("predicted", "measured"))
            legend(viewer, scene.bars, [layer for layer in coloured if layer is not None])
            if new_world and any(self[slot] is not None for slot in SLOTS):
                viewer.reset_view()

    def _bring(self, viewer: Any, slot: str, wanted: Description | None, unit: str) -> None:
        shown = self._slots.get(slot)
        units = (unit, unit)
        if wanted is None:
            self._drop(viewer, slot)
        elif shown is None or not _updatable(shown.description, wanted):
            self._drop(viewer, slot)
            self._put(viewer, slot, wanted, units)
        elif shown.layer is None:  # the person removed it: only a new wish brings it back
            if shown.description != wanted:
                self._put(viewer, slot, wanted, units)
        else:
            if shown.description != wanted:
                _update(shown.layer, shown.description, wanted)
            if _units(shown.layer) != units:
                shown.layer.units = units
            shown.description = wanted

    def _put(self, viewer: Any, slot: str, wanted: Description, units: tuple[str, str]) -> None:
        hidden = isinstance(wanted, SpotsLayer) and not wanted.visible
        layer = None if hidden else self._add(viewer, wanted, units)
        self._slots[slot] = _Slot(wanted, layer)
        if layer is not None:
            self._watch(slot, layer)

    def _add(self, viewer: Any, wanted: Description, units: tuple[str, str]) -> Any:
        if isinstance(wanted, SlideLayer):
            return viewer.add_image(**slide_arguments(wanted), units=units)
        if isinstance(wanted, SpotsLayer):
            return viewer.add_points(**spots_arguments(wanted), units=units)
        if isinstance(wanted, ExpressionPoints):
            return viewer.add_points(**expression_arguments(wanted), units=units)
        return viewer.add_image(**heatmap_arguments(wanted), units=units)

    def _drop(self, viewer: Any, slot: str) -> None:
        shown = self._slots.pop(slot, None)
        if shown is not None and shown.layer is not None and shown.layer in viewer.layers:
            viewer.layers.remove(shown.layer)

    def _restack(self, viewer: Any) -> None:
        """Keep our layers in their order among themselves, where new ones went on top."""
        ours = [self[slot] for slot in SLOTS if self[slot] is not None]
        places = sorted(viewer.layers.index(layer) for layer in ours)
        for place, layer in zip(places, ours, strict=True):
            if viewer.layers.index(layer) != place:
                viewer.layers.move(viewer.layers.index(layer), place)

    def _watch(self, slot: str, layer: Any) -> None:
        if slot == "spots":
            layer.events.visible.connect(lambda: self._edited("show_spots", layer.visible))
        elif slot in ("predicted", "measured"):
            layer.events.opacity.connect(lambda: self._edited("opacity", layer.opacity))

    def _edited(self, field: str, value: Any) -> None:
        if not self._applying:
            self._on_edited(field, value)

    def _removed(self, event: Any) -> None:
        if self._applying:
            return
        for slot, shown in list(self._slots.items()):
            if shown.layer is event.value:
                shown.layer = None
                self._on_removed(slot)

    @contextmanager
    def _by_us(self) -> Iterator[None]:
        self._applying = True
        try:
            yield
        finally:
            self._applying = False


def slide_arguments(slide: SlideLayer) -> dict[str, Any]:
    """Return what ``viewer.add_image`` needs to draw the slide."""
    pyramid = slide.slide.pyramid()
    return {
        "data": pyramid if len(pyramid) > 1 else pyramid[0],
        "multiscale": len(pyramid) > 1,
        "rgb": True,
        "name": slide.name,
        "scale": (slide.scale, slide.scale),
        "translate": slide.translate,
    }


def spots_arguments(spots: SpotsLayer) -> dict[str, Any]:
    """Return what ``viewer.add_points`` needs to draw the outlines of the spots."""
    return {
        "data": spots.positions,
        "name": spots.name,
        "size": spots.diameter,
        "face_color": "transparent",
        "border_color": SPOT_COLOUR,
        "border_width": 0.06,
        "opacity": 0.7,
        "visible": spots.visible,
    }


def expression_arguments(points: ExpressionPoints) -> dict[str, Any]:
    """Return what ``viewer.add_points`` needs to draw spots coloured by expression."""
    return {
        "data": points.positions,
        "name": points.name,
        "size": points.diameter,
        "features": {VALUE: points.values},
        "face_color": VALUE,
        "face_colormap": points.colormap,
        "face_contrast_limits": points.limits,
        "border_width": 0,
        "border_color": "transparent",
        "opacity": points.opacity,
        "shown": np.isfinite(points.values),
    }


def heatmap_arguments(heatmap: ExpressionHeatmap) -> dict[str, Any]:
    """Return what ``viewer.add_image`` needs to draw a smooth map."""
    return {
        "data": heatmap.image,
        "name": heatmap.name,
        "colormap": heatmap.colormap,
        "contrast_limits": heatmap.limits,
        "opacity": heatmap.opacity,
        "scale": (heatmap.scale, heatmap.scale),
        "translate": heatmap.translate,
        "interpolation2d": "linear",
        "blending": "translucent",
    }


def _updatable(old: Description, new: Description) -> bool:
    """Whether the layer of `old` can be turned into `new` instead of being made again."""
    if isinstance(old, SlideLayer) and isinstance(new, SlideLayer):
        return old.key == new.key
    if isinstance(old, ExpressionPoints) and isinstance(new, ExpressionPoints):
        return old.positions_key == new.positions_key
    return isinstance(new, type(old)) and isinstance(old, SpotsLayer | ExpressionHeatmap)


def _update(layer: Any, old: Description, new: Description) -> None:
    layer.name = new.name
    if isinstance(new, SlideLayer):
        layer.scale = (new.scale, new.scale)
        layer.translate = new.translate
    elif isinstance(new, SpotsLayer) and isinstance(old, SpotsLayer):
        _update_spots(layer, old, new)
    elif isinstance(new, ExpressionPoints) and isinstance(old, ExpressionPoints):
        _update_points(layer, old, new)
    elif isinstance(new, ExpressionHeatmap) and isinstance(old, ExpressionHeatmap):
        _update_heatmap(layer, old, new)


def _update_spots(layer: Any, old: SpotsLayer, new: SpotsLayer) -> None:
    if old.key != new.key:
        layer.data = new.positions
    if old.key != new.key or old.diameter != new.diameter:
        layer.size = new.diameter
    layer.visible = new.visible


def _update_points(layer: Any, old: ExpressionPoints, new: ExpressionPoints) -> None:
    if old.diameter != new.diameter:
        layer.size = new.diameter
    if old.values_key != new.values_key:
        layer.features = {VALUE: new.values}
        layer.shown = np.isfinite(new.values)
    if old.colormap != new.colormap:
        layer.face_colormap = new.colormap
    if old.limits != new.limits:
        layer.face_contrast_limits = new.limits
    if replace(old, opacity=new.opacity, name=new.name) != new:
        layer.refresh_colors()
    layer.opacity = new.opacity


def _update_heatmap(layer: Any, old: ExpressionHeatmap, new: ExpressionHeatmap) -> None:
    if old.values_key != new.values_key:
        layer.data = new.image
        layer.scale = (new.scale, new.scale)
        layer.translate = new.translate
    layer.colormap = new.colormap
    layer.contrast_limits = new.limits
    layer.opacity = new.opacity


def _units(layer: Any) -> tuple[str, ...] | None:
    return None if layer is None else tuple(f"{unit:~}" for unit in layer.units)


def _world(scene: Scene) -> tuple[Any, ...]:
    """Return what decides where to look: another slide, another scale, another arrangement."""
    slide = scene.slide and (scene.slide.key, scene.slide.scale)
    place = scene.spots.key if slide is None and scene.spots is not None else None
    beside = scene.predicted is not None and scene.measured is not None
    return (slide, place, beside, scene.unit)
