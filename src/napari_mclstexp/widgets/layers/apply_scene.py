"""The one place that brings napari's layers in line with a Scene, touching only what differs."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from napari.layers import Points
from qtpy.QtCore import QTimer

from ...analysis.region import Region
from ...scene.layer_specs import (
    DomainPoints,
    ExpressionBlend,
    ExpressionPoints,
    PickedSpot,
    Scene,
    SlideLayer,
    SpotsLayer,
)
from ..common.known_shaders import read_shaders_once
from ..common.napari_compat import (
    canvas_height,
    changed_together,
    fit_to,
    flush_in_own_context,
    unpainted,
)
from .arguments import (
    Description,
    coloured_arguments,
    expression_arguments,
    heatmap_arguments,
    picked_arguments,
    slide_arguments,
    spots_arguments,
    updatable,
    update,
    whole,
)
from .colour_controls import colour_as_described, watch_colours
from .overlays import colour_bar, legend, scale_bar
from .region_layer import RegionLayer
from .slots import ALL_SLOTS, MAPS, SLOTS, by_slot, world

SETTLE_MS = 150  # until a new arrangement of views was drawn
THUMBNAIL_MS = 400  # after the last gene; one who walks through genes does not wait for them


@dataclass
class _Slot:
    description: Description
    layer: Any  # None where the spots are hidden


class Layers:
    """The layers of one session in one viewer.

    Parameters
    ----------
    viewer
        A napari viewer (or a ViewerModel, without a window).
    on_removed
        Called with the slots ("slide", "regions"...) whose layers the person removed, once napari
        is through with it. Unless it changes the scene, they are drawn again by :meth:`restore`.
    on_edited
        Called with field and value when the person changes what the session owns in napari's own
        controls: ``("show_spots", False)``, ``("opacity", 0.5)``.
    on_drawn
        Called with what was done and all regions, when the person draws.
    """

    def __init__(
        self,
        viewer: Any,
        on_removed: Callable[[tuple[str, ...]], None],
        on_edited: Callable[[str, Any], None],
        on_drawn: Callable[[str, tuple[Region, ...]], None],
    ) -> None:
        self._viewer = weakref.ref(viewer)
        self._on_removed = on_removed
        self._on_edited = on_edited
        self._slots: dict[str, _Slot] = {}
        self.regions = RegionLayer(viewer, on_drawn)
        self._scene = Scene()  # the last that stood whole
        self._whole = True
        self._applying = False
        self._arranged = False
        self._looked: tuple[Any, ...] | None = None  # where fit looked last
        self._gone: list[str] = []
        # napari removes layers one by one, and is not to get new ones meanwhile.
        self._tell_soon = QTimer()
        self._tell_soon.setSingleShot(True)
        self._tell_soon.timeout.connect(self._tell_removed)
        self._thumbnails_soon = QTimer()
        self._thumbnails_soon.setSingleShot(True)
        self._thumbnails_soon.timeout.connect(self._draw_thumbnails)
        read_shaders_once()
        flush_in_own_context(viewer)
        viewer.layers.events.removed.connect(self._removed)
        viewer.canvas.events.size.connect(self._resized)

    def __getitem__(self, slot: str) -> Any:
        """Return the napari layer in a slot, or None."""
        shown = self._slots.get(slot)
        return shown.layer if shown else None

    @property
    def viewer(self) -> Any:
        """The viewer, or None once it is gone."""
        return self._viewer()

    def forget(self) -> None:
        """Let go of all layers; the viewer is going away."""
        self._tell_soon.stop()
        self._thumbnails_soon.stop()
        self._slots.clear()
        self.regions.forget()

    def apply(self, scene: Scene) -> None:
        """Change the viewer from the scene shown before to this one."""
        viewer = self._viewer()
        if viewer is None or (self._whole and scene == self._scene):
            return
        new_world = world(scene) != world(self._scene)
        self._whole = False
        with self._by_us(), unpainted(viewer):
            self._draw(viewer, scene)
            rearranged = self._arrange(viewer, scene)
            scale_bar(viewer).visible = scene.unit == "µm"
            scale_bar(viewer).box = True
            # A view that was never drawn cannot take a colour bar yet.
            later = rearranged or bool(scene.compared)
            legend(viewer, scene, [] if later else self._coloured)
            if later:
                QTimer.singleShot(SETTLE_MS, self._write_legend)
            if scene.focus != self._scene.focus and self._looked == _camera(viewer):
                new_world = True  # more is known of where the tissue is, and she looks at all
            if (new_world or rearranged) and any(self[slot] is not None for slot in SLOTS):
                self._look_at(viewer, scene)
        self._scene, self._whole = scene, True
        self._thumbnails_soon.start(THUMBNAIL_MS)

    def restore(self) -> None:
        """Draw again what the person removed, looking at where she looked."""
        viewer = self._viewer()
        if viewer is None:
            return
        camera, scene = viewer.scene.camera, self._scene
        center, zoom = camera.center, camera.zoom
        with self._by_us(), unpainted(viewer):
            self._draw(viewer, scene)
            if scene.compared:  # as in apply: these views are new
                QTimer.singleShot(SETTLE_MS, self._write_legend)
            else:
                legend(viewer, scene, self._coloured)
            camera.center, camera.zoom = center, zoom

    def _draw(self, viewer: Any, scene: Scene) -> None:
        wanted = by_slot(scene)
        # First what goes, then the unit of all that stay, then what comes: napari cannot draw
        # layers of µm beside layers of px.
        going = [slot for slot in ALL_SLOTS if self._must_go(slot, wanted.get(slot))]
        new = [slot for slot, each in wanted.items() if each is not None]
        coming = [slot for slot in new if slot in going or slot not in self._slots]
        drawn_on = self.regions.layer
        goes = len(going) + (drawn_on is not None and scene.regions is None)
        comes = len(coming) + (drawn_on is None and scene.regions is not None)
        with changed_together(viewer, goes, comes):
            for slot in going:
                self._drop(viewer, slot)
            self._measure_in(scene.unit)
            for slot in ALL_SLOTS:
                self._bring(viewer, slot, wanted.get(slot), scene.unit)
            self.regions.apply(viewer, scene.regions, scene.unit)
        if self.regions.layer is not None and self.regions.layer is not drawn_on:
            self._watch("regions", self.regions.layer)
        self._restack(viewer)

    def _must_go(self, slot: str, wanted: Description | None) -> bool:
        """Whether the layer that is there cannot become the wanted one."""
        shown = self._slots.get(slot)
        if shown is None:
            return False
        same = wanted is not None and updatable(shown.description, wanted)
        return not same or not whole(shown.layer, shown.description)

    def _measure_in(self, unit: str) -> None:
        """Give all our layers that stay the unit of the scene."""
        units = (unit, unit)
        for layer in (*(self[slot] for slot in ALL_SLOTS), self.regions.layer):
            if layer is not None and _units(layer) != units:
                layer.units = units

    def _bring(self, viewer: Any, slot: str, wanted: Description | None, unit: str) -> None:
        shown = self._slots.get(slot)
        if wanted is None:
            return
        if shown is None or (shown.layer is None and shown.description != wanted):
            self._put(viewer, slot, wanted, (unit, unit))
        elif shown.layer is not None:
            if shown.description != wanted:
                self._turn(viewer, slot, shown, wanted)
            shown.description = wanted

    def _turn(self, viewer: Any, slot: str, shown: _Slot, wanted: Description) -> None:
        """Turn a layer into the wanted one; what would be half of each is taken away."""
        try:
            update(shown.layer, shown.description, wanted)
        except BaseException:
            self._drop(viewer, slot)
            raise

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
        if isinstance(wanted, PickedSpot):
            return viewer.add_points(**picked_arguments(wanted), units=units)
        if isinstance(wanted, ExpressionBlend | DomainPoints):
            return viewer.add_points(**coloured_arguments(wanted), units=units)
        return viewer.add_image(**heatmap_arguments(wanted), units=units)

    def _drop(self, viewer: Any, slot: str) -> None:
        shown = self._slots.pop(slot, None)
        if shown is not None and shown.layer is not None and shown.layer in viewer.layers:
            viewer.layers.remove(shown.layer)

    def _restack(self, viewer: Any) -> None:
        """Keep our layers in their order among themselves, where new ones went on top."""
        every = (*(self[slot] for slot in ALL_SLOTS), self.regions.layer)
        ours = [layer for layer in every if layer is not None and layer in viewer.layers]
        places = sorted(viewer.layers.index(layer) for layer in ours)
        for place, layer in zip(places, ours, strict=True):
            if viewer.layers.index(layer) != place:
                viewer.layers.move(viewer.layers.index(layer), place)

    def _arrange(self, viewer: Any, scene: Scene) -> bool:
        """Put each gene of a comparison, over its copy of the slide, into a view of its own.

        Returns
        -------
        Whether the views are other ones now.
        """
        grid, compared = viewer.canvas.grid, bool(scene.compared)
        if compared == self._arranged:
            return False
        for layer in self._coloured:
            colour_bar(layer).visible = layer.name_overlay.visible = False
        grid.stride = 2 if compared and scene.slide is not None else 1  # a gene over a slide
        grid.enabled = compared
        self._arranged = compared
        return True

    def fit(self) -> None:
        """Look at the whole tissue."""
        viewer = self._viewer()
        if viewer is not None and self._slots:
            self._look_at(viewer, self._scene)

    def look_at(self, place: tuple[float, float], wide: float) -> None:
        """Bring a place (y, x) to the middle, its surroundings `wide` or less, in world units."""
        viewer = self._viewer()
        if viewer is not None:
            camera = viewer.scene.camera
            camera.center = (0.0, *map(float, place))
            camera.zoom = max(camera.zoom, canvas_height(viewer) / wide)

    def _look_at(self, viewer: Any, scene: Scene) -> None:
        fit_to(viewer, scene.focus)
        self._looked = _camera(viewer)

    def _resized(self, _: object = None) -> None:
        """Look at the whole tissue again, unless the person looks elsewhere by now."""
        viewer = self._viewer()
        if viewer is not None and self._looked is not None and self._looked == _camera(viewer):
            self.fit()

    @property
    def _coloured(self) -> list[Any]:
        found = (self[slot] for slot in MAPS)
        return [layer for layer in found if layer is not None]

    def _draw_thumbnails(self) -> None:
        for layer in self._coloured:
            if isinstance(layer, Points):  # images do so by themselves
                layer.refresh(data_displayed=False, highlight=False, extent=False)

    def _write_legend(self) -> None:
        viewer = self._viewer()
        if viewer is not None:
            legend(viewer, self._scene, self._coloured)

    def _watch(self, slot: str, layer: Any) -> None:
        if slot == "spots":
            layer.events.visible.connect(lambda: self._edited("show_spots", layer.visible))
        elif slot == "domains":
            layer.events.visible.connect(lambda: self._edited("show_domains", layer.visible))
        elif slot == "regions":
            layer.events.visible.connect(lambda: self._edited("show_regions", layer.visible))
        elif slot in MAPS:
            watch_colours(layer, lambda *change: self._coloured_by_hand(slot, *change))

    def _edited(self, field: str, value: Any) -> None:
        if not self._applying:
            self._on_edited(field, value)

    def _coloured_by_hand(self, slot: str, field: str, value: Any) -> None:
        """Take in what the person chose in napari's controls; what cannot be so is put back."""
        if self._applying:
            return
        if field:
            self._on_edited(field, value)
        shown = self._slots.get(slot)
        if shown is not None and shown.layer is not None:
            with self._by_us():
                colour_as_described(shown.layer, shown.description)

    def _removed(self, event: Any) -> None:
        """Note that a layer of ours was removed by hand: what it shows is still open."""
        if self._applying:
            return
        slots = [slot for slot, shown in self._slots.items() if shown.layer is event.value]
        for slot in slots:
            del self._slots[slot]
        if event.value is self.regions.layer:
            slots.append("regions")
        if slots:
            self._gone += slots
            self._tell_soon.start(0)

    def _tell_removed(self) -> None:
        gone, self._gone = tuple(self._gone), []
        self.regions.finish()  # what was drawn just before
        self._on_removed(gone)

    @contextmanager
    def _by_us(self) -> Iterator[None]:
        self._applying = True
        try:
            yield
        finally:
            self._applying = False


def _units(layer: Any) -> tuple[str, ...]:
    return tuple(f"{unit:~}" for unit in layer.units)


def _camera(viewer: Any) -> tuple[Any, ...]:
    return (*viewer.scene.camera.center, viewer.scene.camera.zoom)
