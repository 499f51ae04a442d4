"""Going to a place on an open slide, and a ring around it once one is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...errors import SettingsError
from ..common.napari_compat import canvas_height
from .slide_marks import Marks

if TYPE_CHECKING:
    from ...session.open_slide import OpenSlide
    from ..workspace import Workspace

NAME = "Place"
ACROSS = 12  # diameters of a spot that the height of the canvas shows


class PlaceMarker(Marks):
    """Shows a place of a slide in the middle of the canvas."""

    def __init__(self, viewer: Any, workspace: Workspace) -> None:
        super().__init__(viewer, workspace, NAME)

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
        session, viewer = self._workspace.session, self.viewer
        if opened not in session.open_slides:
            raise SettingsError("That slide was closed; open it again, and search again.")
        if viewer is None:
            return
        session.select(opened)
        self.show([xy], diameter_px)
        look_at(viewer, xy, session.um_per_px or 1.0, ACROSS * diameter_px)


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
