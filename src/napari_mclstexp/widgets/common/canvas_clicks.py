"""Clicks on the canvas, told to a widget as long as it lives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from weakref import WeakMethod

from qtpy.compat import isalive

Clicked = Callable[[Any, Any], Iterator[None]]


class _ToWidget:
    """One of napari's callbacks that keeps no widget alive."""

    def __init__(self, clicked: Clicked) -> None:
        self._clicked = WeakMethod(clicked)

    @property
    def heard(self) -> Clicked | None:
        """The method of the widget, or None once that is gone."""
        clicked = self._clicked()
        alive = clicked is not None and isalive(getattr(clicked, "__self__"))  # noqa: B009
        return clicked if alive else None

    def __call__(self, viewer: Any, event: Any) -> Iterator[None]:
        """Hand a press, and what follows it, to the widget."""
        clicked = self.heard
        return iter(()) if clicked is None else clicked(viewer, event)


def when_clicked(viewer: Any, clicked: Clicked) -> None:
    """Call a widget's method with each press on the canvas, as napari calls its callbacks.

    Nothing is told when the widget goes: what Qt calls then may be called while Python clears up.

    Parameters
    ----------
    clicked
        Yields until the mouse moves or is let go.
    """
    viewer = getattr(viewer, "__wrapped__", viewer)
    callbacks = viewer.mouse_drag_callbacks
    for each in [each for each in callbacks if isinstance(each, _ToWidget) and not each.heard]:
        callbacks.remove(each)
    callbacks.append(_ToWidget(clicked))
