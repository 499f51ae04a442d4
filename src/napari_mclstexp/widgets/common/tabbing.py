"""Standing beside each other: the docks of the plugin as tabs of one place, so that both fit."""

from __future__ import annotations

from collections.abc import Iterable

from qtpy.QtWidgets import QDockWidget, QMainWindow, QWidget


def join_docks(widgets: Iterable[QWidget], newest: QWidget) -> None:
    """Make `newest` a tab beside the docks that stand in its area, and bring it to the front."""
    dock = dock_of(newest)
    window = dock.parentWidget() if dock is not None else None
    if dock is None or not isinstance(window, QMainWindow):
        return
    for widget in widgets:
        other = dock_of(widget)
        if other is None or other is dock or other.isFloating() or dock.isFloating():
            continue
        same_area = window.dockWidgetArea(other) == window.dockWidgetArea(dock)
        if same_area and dock not in window.tabifiedDockWidgets(other):
            window.tabifyDockWidget(other, dock)
            dock.raise_()


def dock_of(widget: QWidget) -> QDockWidget | None:
    """Return the dock that a widget stands in."""
    parent: QWidget | None = widget
    while parent is not None and not isinstance(parent, QDockWidget):
        parent = parent.parentWidget()
    return parent
