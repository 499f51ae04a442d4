"""How regions look in napari: borders of one width on the screen, selected ones stronger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

# Not filled, so that colours of a map below are those of its legend; the selected ones barely.
FILL, FILL_SELECTED = 0.0, 0.15
EDGE_PX, SELECTED_PX = 1.6, 3.2  # on the screen, whatever the zoom


def style_shapes(
    layer: Any,
    colours: Sequence[tuple[float, ...]],
    chosen: Sequence[bool],
    px: float,
    *,
    fills: bool = True,
) -> None:
    """Style the shapes of a layer.

    Parameters
    ----------
    layer
        Of shapes; one that is drawn just now has more of them than regions, and stays as it is.
    colours
        (n,) red, green and blue of each, 0 to 1.
    chosen
        (n,) whether each is selected.
    px
        Units of the layer's data that one pixel of the screen shows.
    fills
        Whether the faces are to be styled too.
    """
    if not layer.nshapes or layer.nshapes != len(colours):
        return
    chosen = list(chosen)[: layer.nshapes]
    layer.edge_width = [px * (SELECTED_PX if each else EDGE_PX) for each in chosen]
    if fills:
        layer.face_color = [
            (*colour, FILL_SELECTED if each else FILL)
            for colour, each in zip(colours, chosen, strict=True)
        ]
    layer.events.edge_width()


def style_next(layer: Any, colour: tuple[int, int, int], px: float) -> None:
    """Style the shape that is drawn next; `colour` is red, green and blue, 0 to 255."""
    ink = np.array((*colour, 255)) / 255
    with layer.block_update_properties():
        layer.current_edge_width = EDGE_PX * px
        layer.current_edge_color = ink
        layer.current_face_color = ink * (1, 1, 1, FILL)
