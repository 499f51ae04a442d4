"""What napari needs to draw each layer of a scene, and to turn one into another."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ...scene.layer_specs import (
    DomainPoints,
    ExpressionBlend,
    ExpressionHeatmap,
    ExpressionPoints,
    PickedSpot,
    SlideLayer,
    SpotsLayer,
)
from ..common.napari_compat import coloured_once

Coloured = ExpressionBlend | DomainPoints
Description = SlideLayer | SpotsLayer | ExpressionPoints | ExpressionHeatmap | Coloured | PickedSpot

SPOT_COLOUR = "#111111"
RING, RING_HALO = "#ffffff", "#000000"  # seen on every map and on bare tissue
# px. Around each spot napari paints a margin of three times this at either side, most of it for
# nothing: at its own 1 px, spots of 7 px cost nearly three times their area.
SOFT_EDGE = 0.5
VALUE = "expression"  # the feature that colours the points; napari shows it under the cursor
NOTES = "interval"  # said beside it


def slide_arguments(slide: SlideLayer) -> dict[str, Any]:
    """Return what ``viewer.add_image`` needs to draw the slide."""
    from ...slides.pyramid import pyramid

    levels = pyramid(slide.slide)
    return {
        "data": levels if len(levels) > 1 else levels[0],
        "multiscale": len(levels) > 1,
        "rgb": True,
        "cache": False,  # the slide keeps its tiles itself; napari would keep those of closed ones
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
        "antialiasing": SOFT_EDGE,
        "opacity": 0.7,
        "visible": spots.visible,
    }


def expression_arguments(points: ExpressionPoints) -> dict[str, Any]:
    """Return what ``viewer.add_points`` needs to draw spots coloured by expression."""
    return {
        "data": points.positions,
        "name": points.name,
        "size": points.diameter,
        "features": _features(points),
        "face_color": VALUE,
        "face_colormap": points.colormap,
        "face_contrast_limits": points.limits,
        "border_width": 0,
        "border_color": "transparent",
        "antialiasing": SOFT_EDGE,
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
        "interpolation2d": "linear" if heatmap.smooth else "nearest",
        "blending": "translucent",
    }


def coloured_arguments(points: ExpressionBlend | DomainPoints) -> dict[str, Any]:
    """Return what ``viewer.add_points`` needs to draw spots that have each a colour."""
    features = {"domain": points.names} if isinstance(points, DomainPoints) else None
    return {
        "data": points.positions,
        "name": points.name,
        "size": points.diameter,
        "face_color": points.colours,
        "features": features,
        "border_width": 0,
        "border_color": "transparent",
        "antialiasing": SOFT_EDGE,
        "opacity": points.opacity,
    }


def picked_arguments(picked: PickedSpot) -> dict[str, Any]:
    """Return what ``viewer.add_points`` needs to draw a ring, and the outline of a patch."""
    ring = picked.diameter * 1.25
    sizes = [ring, ring] + [picked.patch] * 2 * (picked.patch > 0)
    dark = [0.34, 0.2]  # a wide dark border under a narrower bright one
    thin = 0.5 * ring / picked.patch if picked.patch else 0.0  # as wide as that of the ring
    widths = dark + [each * thin for each in dark] * (picked.patch > 0)
    return {
        "data": np.tile(np.array(picked.centre), (len(sizes), 1)),
        "name": picked.name,
        "size": np.array(sizes),
        "symbol": ["disc", "disc", "square", "square"][: len(sizes)],
        "face_color": "transparent",
        "border_color": [RING_HALO, RING] * (len(sizes) // 2),
        "border_width": np.array(widths),
        "antialiasing": SOFT_EDGE,
    }


def _features(points: ExpressionPoints) -> dict[str, Any]:
    """Return what napari says of the spot under the pointer."""
    values: dict[str, Any] = {VALUE: points.values}
    return values if points.notes is None else {**values, NOTES: points.notes}


def updatable(old: Description, new: Description) -> bool:
    """Whether the layer of `old` can be turned into `new` instead of being made again."""
    if isinstance(old, SlideLayer) and isinstance(new, SlideLayer):
        # napari keeps looking at the level it was at.
        return old.key == new.key or _n_levels(old) == _n_levels(new)
    if isinstance(old, PickedSpot) and isinstance(new, PickedSpot):
        return bool(old.patch) == bool(new.patch)
    if isinstance(old, Coloured) and isinstance(new, Coloured):
        return type(old) is type(new) and old.positions_key == new.positions_key
    return type(new) is type(old)


def whole(layer: Any, description: Description) -> bool:
    """Whether the layer has as many points as it was given; a person can delete some by hand.

    One that has not cannot be updated: its colours would be of other points than its places.
    """
    positions = getattr(description, "positions", None)
    return layer is None or positions is None or len(layer.data) == len(positions)


def _n_levels(slide: SlideLayer) -> int:
    return len(slide.slide.levels)


def update(layer: Any, old: Description, new: Description) -> None:
    """Turn the layer of `old` into that of `new`, touching only what differs."""
    layer.name = new.name
    hidden = not layer.visible and old != new
    if hidden and isinstance(new, ExpressionPoints | ExpressionHeatmap):
        layer.visible = True  # she asked for this map, whatever napari's eye hid before
    if isinstance(new, SlideLayer) and isinstance(old, SlideLayer):
        if old.key != new.key:
            layer.data = slide_arguments(new)["data"]
        layer.scale = (new.scale, new.scale)
        layer.translate = new.translate
    elif isinstance(new, SpotsLayer) and isinstance(old, SpotsLayer):
        _update_spots(layer, old, new)
    elif isinstance(new, ExpressionPoints) and isinstance(old, ExpressionPoints):
        _update_points(layer, old, new)
    elif isinstance(new, ExpressionHeatmap) and isinstance(old, ExpressionHeatmap):
        _update_heatmap(layer, old, new)
    elif isinstance(new, Coloured) and isinstance(old, Coloured):
        _update_coloured(layer, old, new)
    elif isinstance(new, PickedSpot) and old != new:
        wanted = picked_arguments(new)
        layer.data, layer.size = wanted["data"], wanted["size"]
        layer.border_width = wanted["border_width"]


def _update_spots(layer: Any, old: SpotsLayer, new: SpotsLayer) -> None:
    if old.key != new.key:
        layer.data = new.positions
    if old.key != new.key or old.diameter != new.diameter:
        layer.size = new.diameter
    layer.visible = new.visible


def _update_points(layer: Any, old: ExpressionPoints, new: ExpressionPoints) -> None:
    moved = old.positions_key != new.positions_key
    if moved:
        layer.selected_data = set()
        layer.data = new.positions
        layer.border_width = 0
    if moved or old.diameter != new.diameter:
        layer.size = new.diameter
    known = np.isfinite(new.values)
    if moved or not np.array_equal(known, layer.shown):
        layer.shown = known
    if replace(old, opacity=new.opacity, name=new.name) != new:
        with coloured_once(layer):
            if old.colormap != new.colormap:
                layer.face_colormap = new.colormap
            if old.limits != new.limits:
                layer.face_contrast_limits = new.limits
            if moved or old.values_key != new.values_key:
                layer.features = _features(new)
    layer.opacity = new.opacity


def _update_heatmap(layer: Any, old: ExpressionHeatmap, new: ExpressionHeatmap) -> None:
    if old.values_key != new.values_key:
        layer.data = new.image
        layer.scale = (new.scale, new.scale)
        layer.translate = new.translate
    layer.interpolation2d = "linear" if new.smooth else "nearest"
    layer.colormap = new.colormap
    layer.contrast_limits = new.limits
    layer.opacity = new.opacity


def _update_coloured(
    layer: Any, old: ExpressionBlend | DomainPoints, new: ExpressionBlend | DomainPoints
) -> None:
    if old.diameter != new.diameter:
        layer.size = new.diameter
    if old.values_key != new.values_key:
        layer.face_color = new.colours
        if isinstance(new, DomainPoints):
            layer.features = {"domain": new.names}
    layer.opacity = new.opacity
