"""Scale bar and legend on the canvas, so that a picture of it can stand alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...scene.layer_specs import ColourBar, Scene

CORNER = "top_right"
BAR_CORNER = "bottom_left"  # away from the text, which would push it over the tissue


def scale_bar(viewer: Any) -> Any:
    """Return the scale bar of a viewer."""
    return viewer.canvas.overlays.scale_bar


def colour_bar(layer: Any) -> Any:
    """Return the colour bar of a layer."""
    return getattr(layer, "face_colorbar", None) or layer.colorbar


def legend(viewer: Any, scene: Scene, layers: Iterable[Any]) -> None:
    """Say on the canvas which gene the colours of `layers` show and what they mean.

    Where measured and predicted have ranges of their own, one bar would be a lie: only the name
    and the unit are written then, and the dock has both bars. Of a blend every gene is named with
    its colour, of a comparison in the order of the views.
    """
    bars = scene.bars
    several = len({bar.gene for bar in bars}) > 1
    shared = bool(bars) and not several and len({bar.limits for bar in bars}) == 1
    text = viewer.canvas.overlays.text
    if bars or text.text:
        if several and not scene.compared:
            title = ", ".join(f"{bar.gene} {bar.colormap}" for bar in bars)
        else:
            title = bars[0].title if len(bars) == 1 else ", ".join(dict.fromkeys(_genes(bars)))
        text.text = f"{title}\n{bars[0].unit}" if bars else ""
        text.position = CORNER
        text.box = True
        text.visible = bool(bars)
    for number, layer in enumerate(layers):
        bar = colour_bar(layer)
        bar.position = BAR_CORNER
        bar.box = True
        bar.visible = shared and number == 0


def _genes(bars: tuple[ColourBar, ...]) -> list[str]:
    return [bar.gene for bar in bars]
