"""What is looked at in the window's frame."""

from __future__ import annotations

from typing import Any

from qtpy.QtWidgets import QDockWidget

from napari_mclstexp.widgets.common.napari_compat import layer_panels
from napari_mclstexp.widgets.frame.gene_bar import GeneBar


def standing(viewer: Any) -> list[str]:
    """The titles of the docks of the plugin that are seen, but for the line of steps."""
    window = viewer.window._qt_window
    panels = layer_panels(viewer)
    return [
        dock.windowTitle()
        for dock in window.findChildren(QDockWidget)
        if not dock.isHidden() and dock not in panels and dock.windowTitle() != "Workbench"
    ]


def dock(viewer: Any, name: str) -> Any:
    """A dock by its name, opened if it is not."""
    return viewer.window.add_plugin_dock_widget("napari-mclstexp", name)[1]


def gene_bar(viewer: Any) -> GeneBar:
    """The gene bar of a window."""
    found: GeneBar = viewer.window._qt_window.findChild(GeneBar)
    return found
