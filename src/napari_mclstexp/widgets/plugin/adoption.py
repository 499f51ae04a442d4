"""Files that come by napari's own ways: no reader is asked for, its slides are taken over.

While docks are open, what this plugin reads is read by it, dropped or chosen with Ctrl+O (Alt and
a drop still ask). A slide that napari's own reader has opened becomes the session's.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from napari.layers import Image
from npe2 import PluginManager
from qtpy.QtCore import QTimer

from ..common.napari_compat import prefer_reader
from .handover import METADATA

PLUGIN = "napari-mclstexp"
Open = Callable[[Path, Callable[[], None]], None]


def ours(path: str) -> bool:
    """Whether this plugin reads a file or folder."""
    readers = PluginManager.instance().iter_compatible_readers(path)
    return any(each.command.startswith(f"{PLUGIN}.") for each in readers)


class Adoption:
    """Takes slides over that napari opened itself.

    Parameters
    ----------
    viewer
        Whose layers to watch; those that are there already count too.
    open_slide
        Called with the file, and with what makes napari's layer go once the slide is there.
    """

    def __init__(self, viewer: Any, open_slide: Open) -> None:
        self._viewer = weakref.ref(viewer)
        self._open = open_slide
        prefer_reader(viewer, PLUGIN, ours)
        self._timer = QTimer()  # napari adds the layers of one file one after the other
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._look)
        self._seen: weakref.WeakSet[Any] = weakref.WeakSet()
        viewer.layers.events.inserted.connect(self._inserted)
        self._timer.start(0)

    def _inserted(self, event: Any) -> None:
        if _is_slide(event.value):
            self._timer.start(0)

    def _look(self) -> None:
        viewer = self._viewer()
        layers = [] if viewer is None else list(viewer.layers)
        for layer in layers:
            if layer not in self._seen and _is_slide(layer):
                self._seen.add(layer)
                self._open(Path(layer.source.path), partial(self._remove, weakref.ref(layer)))

    def _remove(self, layer: weakref.ref[Any]) -> None:
        viewer, there = self._viewer(), layer()
        if viewer is not None and there is not None and there in viewer.layers:
            viewer.layers.remove(there)


def _is_slide(layer: Any) -> bool:
    """Whether a layer is a coloured picture that another reader made of a file that is ours."""
    if not isinstance(layer, Image) or not layer.rgb or METADATA in layer.metadata:
        return False
    path, plugin = layer.source.path, layer.source.reader_plugin
    return bool(path) and plugin != PLUGIN and Path(path).is_file() and ours(str(path))
