"""Going to a place on an open slide, and a ring around it once one is there."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject

from ...errors import SettingsError
from ..common.napari_compat import canvas_height

if TYPE_CHECKING:
    from ...session.open_slide import OpenSlide
    from ..workspace import Workspace

NAME = "Place"
ACROSS = 12  # diameters of a spot that the height of the canvas shows


class PlaceMarker(QObject):
    """Shows a place of a slide in the middle of the canvas."""

    def __init__(self, viewer: Any, workspace: Workspace) -> None:
        super().__init__()
        self._viewer = weakref.ref(getattr(viewer, "__wrapped__", viewer))
        self._workspace = workspace
        self._layer: Any = None
        # Before any layer changes: one of another unit beside it could not be drawn.
        workspace.leaving.connect(self.clear)
        workspace.session.slide_changed.connect(self._slide_changed)

    def go(self, opened: OpenSlide, xy: tuple[float, float], diameter_px: float) -> None:
        """Show an open slide, with a place of it in the middle.

        Parameters
        ----------
        opened, xy
            The slide, and the place in its level-0 px.
        diameter_px
            Of the ring.

        Raises
        ------
        SettingsError
            If the slide was closed meanwhile.
        """
        session, viewer = self._workspace.session, self._viewer()
        if opened not in session.open_slides:
            raise SettingsError("That slide was closed; open it again, and search again.")
        if viewer is None:
            return
        self.clear()
        session.select(opened)
        scale = session.um_per_px or 1.0
        unit = "pixel" if session.um_per_px is None else "µm"
        place = (xy[1] * scale, xy[0] * scale)
        active = viewer.layers.selection.active
        self._layer = viewer.add_points(
            [place],
            name=NAME,
            size=diameter_px * scale,
            symbol="disc",
            face_color="transparent",
            border_color="#ffd400",
            border_width=0.08,
            units=(unit, unit),
        )
        self._layer.editable = False
        viewer.layers.selection.active = active if active in viewer.layers else None
        camera = viewer.scene.camera
        camera.center = (0.0, *place)
        wide = ACROSS * diameter_px * scale
        camera.zoom = max(camera.zoom, canvas_height(viewer) / wide)

    def clear(self) -> None:
        """Take the ring away."""
        viewer, layer, self._layer = self._viewer(), self._layer, None
        if viewer is not None and layer is not None and layer in viewer.layers:
            viewer.layers.remove(layer)

    def _slide_changed(self, _: object) -> None:
        self.clear()
