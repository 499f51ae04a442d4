"""Scale bar and legend on the canvas, so that a picture of it can stand alone."""

from __future__ import annotations

from collections.abc import Sequence
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


def legend(viewer: Any, scene: Scene, layers: Sequence[Any]) -> None:
    """Say on the canvas which gene the colours of `layers` show and what they mean.

    Of maps side by side each has a bar of its own, in the notes over the canvas: one for all would
    be a lie. Of a blend every gene is named with its colour; in a comparison each view has the name
    of its own layer.

    Parameters
    ----------
    viewer
        Where the layers are.
    scene
        As it is drawn.
    layers
        Those of the maps, the further ones of a comparison too.
    """
    bars = scene.bars
    words = _words(scene)
    text = viewer.canvas.overlays.text
    if words or text.text:
        text.text = words
        text.position = CORNER
        text.box = True
        text.visible = bool(words)
    several = len({bar.gene for bar in bars}) > 1
    shared = bool(bars) and not several and len({bar.limits for bar in bars}) == 1
    for number, layer in enumerate(layers):
        name = layer.name_overlay
        name.position, name.box = "top_left", True
        name.visible = bool(scene.compared)
        bar = colour_bar(layer)
        bar.position = BAR_CORNER
        bar.box = True
        bar.visible = shared and number == 0 and not scene.panels


def _words(scene: Scene) -> str:
    """Return the lines that stand in a corner of the canvas."""
    bars = scene.bars
    if not bars or (scene.panels and not scene.compared):
        return ""
    first, genes = bars[0], list(dict.fromkeys(bar.gene for bar in bars))
    units = dict.fromkeys(bar.unit for bar in bars)
    if scene.compared:  # each view says its own gene
        return f"\u00a0{first.unit}" if len(units) == 1 else ""
    if len(genes) > 1:
        title = ", ".join(f"{bar.gene} {bar.colormap}" for bar in bars)
    else:
        title = first.title if len(bars) == 1 else ", ".join(genes)
    # The box that napari draws is a little too narrow for the text at its left.
    return "\n".join(f"\u00a0{line}" for line in (title, first.unit, *_ends(first)))


def _ends(bar: ColourBar) -> tuple[str, ...]:
    low, high = bar.ends
    return (f"pale: {low}, dark: {high}",) if low or high else ()
