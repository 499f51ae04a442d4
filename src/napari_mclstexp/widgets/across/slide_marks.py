"""Numbered crosses on the slide that is shown; gone before the slide is."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QObject

from ..common.napari_compat import halo_around_text

if TYPE_CHECKING:
    from ..workspace import Workspace

YELLOW = "#ffd400"


class Marks(QObject):
    """A layer of points of its own.

    Parameters
    ----------
    viewer, workspace
        Where they are.
    name
        Of the layer.
    """

    def __init__(self, viewer: Any, workspace: Workspace, name: str) -> None:
        super().__init__()
        self._viewer = weakref.ref(getattr(viewer, "__wrapped__", viewer))
        self._workspace, self._name = workspace, name
        self._layer: Any = None
        self._shown: tuple[Any, ...] = ()
        # Before any layer changes: one of another unit beside it could not be drawn.
        workspace.leaving.connect(self.clear)
        workspace.session.slide_changed.connect(self._slide_changed)

    @property
    def viewer(self) -> Any:
        """The viewer, or None once it is gone."""
        return self._viewer()

    def show(self, xy: Sequence[tuple[float, float]], texts: Sequence[str], size: float) -> None:
        """Mark places of the shown slide instead of those before.

        Parameters
        ----------
        xy
            In level-0 px.
        texts
            What stands beside each.
        size
            Of a cross, in px of the screen, whatever the zoom.
        """
        viewer, session = self.viewer, self._workspace.session
        wanted = (tuple(xy), tuple(texts), size, session.um_per_px)
        there = self._layer is not None and viewer is not None and self._layer in viewer.layers
        if viewer is None or (there and wanted == self._shown):
            return
        self.clear()
        if not len(xy):
            return
        scale = session.um_per_px or 1.0
        unit = "pixel" if session.um_per_px is None else "µm"
        active = viewer.layers.selection.active
        self._layer = viewer.add_points(
            np.array([(y * scale, x * scale) for x, y in xy]),
            name=self._name,
            size=size,
            canvas_size_limits=(size, size),
            symbol="cross",
            face_color=YELLOW,
            border_color=YELLOW,  # which is all that napari draws of a cross
            features={"label": list(texts)},
            text={"string": "{label}", "size": 11, "color": "black", "anchor": "upper_left"},
            units=(unit, unit),
        )
        self._layer.editable = False
        halo_around_text(viewer, self._layer)
        self._shown = wanted
        # It is looked at only: the tool stays in the hand.
        viewer.layers.selection.active = active if active in viewer.layers else None

    def clear(self) -> None:
        """Take them away."""
        viewer, layer = self.viewer, self._layer
        self._layer, self._shown = None, ()
        if viewer is not None and layer is not None and layer in viewer.layers:
            viewer.layers.remove(layer)

    def _slide_changed(self, _: object) -> None:
        self.clear()
