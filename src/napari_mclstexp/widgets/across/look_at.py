"""Bringing a place of the slide into the middle of the canvas."""

from __future__ import annotations

from typing import Any

from ..common.napari_compat import canvas_height


def look_at(viewer: Any, xy: tuple[float, float], scale: float, wide_px: float) -> None:
    """Bring a place into the middle of the canvas, near enough to see it.

    Parameters
    ----------
    xy, wide_px
        The place, and how much of the slide the height of the canvas shows at most, in level-0 px.
    scale
        World units per px.
    """
    camera = viewer.scene.camera
    camera.center = (0.0, xy[1] * scale, xy[0] * scale)
    camera.zoom = max(camera.zoom, canvas_height(viewer) / (wide_px * scale))
