"""All that is used of napari beyond its public interface; checked with napari 0.9.2."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.layers.base._base_constants import ActionType

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget

# What a layer of shapes tells when a person has added, removed or changed one.
SHAPES_CHANGED = (ActionType.ADDED, ActionType.REMOVED, ActionType.CHANGED)


def main_window(viewer: Any) -> QWidget | None:
    """Return the Qt window of a viewer, None where it has none (any more)."""
    window: QWidget | None = getattr(getattr(viewer, "window", None), "_qt_window", None)
    return window


def canvas_height(viewer: Any, without_window: int = 600) -> int:
    """Return the height of a viewer's canvas, in px of the screen."""
    if not viewer.window:
        return without_window
    return int(viewer.window._qt_viewer.canvas.native.height())


def is_drawing(layer: Any) -> bool:
    """Whether the person is in the middle of drawing or moving a shape of a layer.

    napari tells of a new shape when its drawing begins; only these flags say when it ends.
    """
    return bool(getattr(layer, "_is_creating", False) or getattr(layer, "_is_moving", False))
