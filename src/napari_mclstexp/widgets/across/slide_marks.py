"""Marks on the slide that is shown: a ring, or numbered points; gone before the slide is."""

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
    """A layer of points of its own kind.

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

    def show(
        self,
        xy: Sequence[tuple[float, float]],
        diameter: float,
        texts: Sequence[str] = (),
        *,
        on_screen: bool = False,
    ) -> None:
        """Mark places of the shown slide instead of those before.

        Parameters
        ----------
        xy
            In level-0 px.
        diameter
            In level-0 px, or px of the screen.
        texts
            What stands beside each.
        on_screen
            Whether the diameter is of the screen, whatever the zoom.
        """
        viewer, session = self.viewer, self._workspace.session
        wanted = (tuple(xy), diameter, tuple(texts), session.um_per_px)
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
            size=diameter * (1.0 if on_screen else scale),
            canvas_size_limits=(diameter, diameter) if on_screen else (2, 10_000),
            symbol="cross" if on_screen else "disc",
            face_color=YELLOW if on_screen else "transparent",
            border_color="black" if on_screen else YELLOW,
            border_width=0.08,
            features={"label": list(texts)} if texts else None,
            text={"string": "{label}", "size": 11, "color": "black", "anchor": "upper_left"}
            if texts
            else None,
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
