"""Painting a region with napari's brush: a labels layer for as long as one paints."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QPushButton

from ...analysis.region_edits import painted
from ...errors import SettingsError
from ..common.notify import told
from ..common.words import tr

if TYPE_CHECKING:
    from ...session.session import Session
    from ..layers.region_layer import RegionLayer

NAME = "Brush"
_LONGER_SIDE = 2000  # pixels of what is painted on
_BRUSH = 40


class Brush(QObject):
    """A button that begins and ends painting.

    Signals
    -------
    painted
        The :class:`~napari_mclstexp.analysis.region.Region` that was painted.
    """

    painted = Signal(object)

    def __init__(self, viewer: Any, session: Session, regions: RegionLayer) -> None:
        super().__init__()
        self._regions = regions
        self._viewer = weakref.ref(getattr(viewer, "__wrapped__", viewer))
        self._session = session
        self._layer: Any = None
        self._scale = 1.0
        self.button = QPushButton(tr("Brush"))
        self.button.setCheckable(True)
        self.button.setToolTip(
            tr("Paint a region with napari's brush; press again when it is done")
        )
        self.button.setStyleSheet("padding: 3px 6px;")
        self.button.clicked.connect(self._pressed)
        regions.mode_changed.connect(self._recolour)

    def _pressed(self, on: bool) -> None:
        with told():
            if on:
                self._begin()
            else:
                self._end()

    def finish(self) -> None:
        """Take in what was painted; another slide is about to be shown."""
        if self._layer is not None:
            self.button.setChecked(False)
            if np.any(self._layer.data):
                self._pressed(False)
            else:
                self._put_away()

    def _recolour(self) -> None:
        """Paint in the colour of the class that was pressed meanwhile."""
        if self._layer is not None:
            self._layer.colormap = self._colours()

    def _begin(self) -> None:
        viewer, slide = self._viewer(), self._session.slide
        if viewer is None or slide is None:
            self.button.setChecked(False)
            raise SettingsError("There is no slide to paint on; open one first.")
        self._scale = max(1.0, max(slide.width, slide.height) / _LONGER_SIDE)
        shape = (round(slide.height / self._scale), round(slide.width / self._scale))
        world = self._scale * (self._session.um_per_px or 1.0)
        unit = "pixel" if self._session.um_per_px is None else "µm"
        self._layer = viewer.add_labels(
            np.zeros(shape, dtype=np.uint8),
            name=NAME,
            scale=(world, world),
            translate=(world / 2, world / 2),
            units=(unit, unit),
            opacity=0.5,
        )
        self._layer.colormap = self._colours()
        self._layer.brush_size = _BRUSH
        self._layer.mode = "paint"
        viewer.layers.selection.active = self._layer

    def _colours(self) -> Any:
        """Return the colour of the class that is painted, for napari's layer of labels."""
        from napari.utils.colormaps import DirectLabelColormap

        painted_in = np.array((*self._regions.next_class.colour, 255)) / 255
        clear = np.zeros(4)
        return DirectLabelColormap(color_dict={1: painted_in, None: clear, 0: clear})

    def _end(self) -> None:
        layer = self._put_away()
        if layer is not None:
            self.painted.emit(painted(np.asarray(layer.data) > 0, self._scale))

    def _put_away(self) -> Any:
        """Remove the layer; return it, or None where the person had removed it."""
        viewer, layer = self._viewer(), self._layer
        self._layer = None
        if viewer is None or layer is None or layer not in viewer.layers:
            return None
        viewer.layers.remove(layer)
        return layer
