"""Colours that a person changes in napari's own controls: one state with those of the dock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from napari.layers import Image

from ...scene.layer_specs import ExpressionHeatmap, ExpressionPoints
from ..common.napari_compat import face_events
from .arguments import Description

# Offered by the dock; other colormaps of napari are unknown to matplotlib, which draws figures.
COLORMAPS = ("viridis", "magma", "inferno", "plasma", "cividis", "turbo", "coolwarm")


def watch_colours(layer: Any, told: Callable[[str, Any], None]) -> None:
    """Tell what a person changes in the colours of a layer.

    Parameters
    ----------
    layer
        Of the slide, or of a gene.
    told
        Called with the field of :class:`~napari_mclstexp.session.display.Display` and its value;
        with "" and None where the display has nothing like it.
    """

    def coloured(colormap: Any) -> None:
        name = str(getattr(colormap, "name", colormap))
        told(*(("colormap", name) if name in COLORMAPS else ("", None)))

    def limited(limits: Any) -> None:
        low, high = (float(limits[0]), float(limits[1])) if limits else (0.0, 0.0)
        told(*(("limits", (low, high)) if low < high else ("", None)))

    layer.events.opacity.connect(lambda: told("opacity", layer.opacity))
    if isinstance(layer, Image):
        layer.events.colormap.connect(lambda: coloured(layer.colormap))
        layer.events.contrast_limits.connect(lambda: limited(layer.contrast_limits))
        layer.events.gamma.connect(lambda: told("", None))
    elif (events := face_events(layer)) is not None:
        events.continuous_colormap.connect(lambda: coloured(layer.face_colormap))
        events.contrast_limits.connect(lambda: limited(layer.face_contrast_limits))


def colour_as_described(layer: Any, wanted: Description) -> None:
    """Give the map of a gene the colours that its description says, whatever it has."""
    if isinstance(wanted, ExpressionHeatmap):
        layer.colormap, layer.contrast_limits = wanted.colormap, wanted.limits
        layer.gamma = 1.0
        layer.opacity = wanted.opacity
    elif isinstance(wanted, ExpressionPoints):
        layer.face_colormap, layer.face_contrast_limits = wanted.colormap, wanted.limits
        layer.opacity = wanted.opacity
