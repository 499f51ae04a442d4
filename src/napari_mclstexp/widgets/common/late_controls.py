"""napari's controls of a layer are made when a person looks at them, not whenever a layer comes.

Each layer that is added gets some fifty widgets otherwise, and the window stands still meanwhile;
where the controls are folded away, nobody sees them.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from weakref import ref

from qtpy.QtCore import QObject

from .napari_compat import layer_panels


class LateControls(QObject):
    """Stands between a viewer's layers and napari's container of their controls."""

    def __init__(self, viewer: Any, dock: Any, container: Any) -> None:
        super().__init__(container)
        self._dock, self._container = dock, container
        self._layers = ref(viewer.layers)
        events, selection = viewer.layers.events, viewer.layers.selection.events
        events.inserted.disconnect(container._add)
        events.removed.disconnect(container._remove)
        selection.changed.disconnect(container._populate)
        container.widgets = _MadeWhenAsked(container)
        events.removed.connect(self._removed)
        selection.changed.connect(self._selected)
        dock.visibilityChanged.connect(self._selected)
        self._selected()

    def _removed(self, event: Any) -> None:
        if event.value in self._container.widgets:
            self._container._remove(event)

    def _selected(self, _: object = None) -> None:
        """Show the controls of what is selected; a panel for several may hold what has gone."""
        if self._dock.isVisible() or self._container.panel is not None:
            self._container._populate()


class _MadeWhenAsked(dict[Any, Any]):
    """The controls of each layer, made by napari when they are asked for."""

    def __init__(self, container: Any) -> None:
        super().__init__(container.widgets)
        self._container = ref(container)

    def __missing__(self, layer: Any) -> Any:
        container = self._container()
        if container is not None:
            container._add(SimpleNamespace(value=layer))
        if layer not in self:
            raise KeyError(layer)
        return self[layer]


def make_controls_late(viewer: Any) -> None:
    """Have napari make the controls of a layer when they are seen; as ever where it cannot."""
    panels = layer_panels(viewer)
    container = getattr(getattr(viewer.window, "_qt_viewer", None), "controls", None)
    needed = ("_add", "_remove", "_populate", "widgets", "panel")
    if container is None or len(panels) < 2 or not all(hasattr(container, each) for each in needed):
        return
    if container.findChild(LateControls) is None:
        LateControls(viewer, panels[1], container)
