"""The cursor over the tissue while one draws: a cross, and the class that the next region gets."""

from __future__ import annotations

import weakref
from typing import Any

from qtpy.QtCore import QObject, QPointF, QRectF, Qt, QTimer
from qtpy.QtGui import QColor, QCursor, QFontMetricsF, QGuiApplication, QPainter, QPen, QPixmap

from ...analysis.region_classes import RegionClass
from ..common.napari_compat import set_canvas_cursor
from ..layers.region_layer import CUT, RegionLayer

ARM = 9  # px of the cross, from its middle
MOST_LETTERS = 24


class ClassCursor(QObject):
    """Keeps the canvas' cursor in line with the tool and the armed class."""

    def __init__(self, viewer: Any, layer: RegionLayer) -> None:
        super().__init__()
        self._viewer = weakref.ref(getattr(viewer, "__wrapped__", viewer))
        self._layer = layer
        self._shown: RegionClass | None = None
        # After napari, which sets the cursor of its own at each of these events.
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._show)
        layer.mode_changed.connect(self._ask)
        layer.selection_changed.connect(self._ask)
        viewer.cursor.events.style.connect(self._ask)
        viewer.scene.camera.events.zoom.connect(self._ask)
        viewer.layers.selection.events.active.connect(self._ask)

    @property
    def shown(self) -> RegionClass | None:
        """The class that the cursor shows, or None while it is napari's own."""
        return self._shown

    def _ask(self, *_: object) -> None:
        self._soon.start(0)

    @property
    def _wanted(self) -> RegionClass | None:
        """What a shape becomes: of the armed class, or a part more or less of what is selected."""
        layer = self._layer
        sign = {"add": "+", "take out": "−"}.get(layer.purpose)
        if sign is None:
            return layer.armed
        target = layer.target
        return None if target is None else RegionClass(f"{sign} {target.name}", target.colour)

    def _show(self) -> None:
        viewer = self._viewer()
        if viewer is None:
            return
        drawing = self._layer.tool.startswith("add") and self._layer.tool != CUT
        wanted = self._wanted if drawing else None
        if wanted is not None:
            set_canvas_cursor(viewer, cursor_of(wanted))
        elif self._shown is not None:
            set_canvas_cursor(viewer, None)
        self._shown = wanted


def cursor_of(each: RegionClass) -> QCursor:
    """Return a cross with the colour and name of a class beside it."""
    name = each.name if len(each.name) <= MOST_LETTERS else f"{each.name[: MOST_LETTERS - 1]}…"
    font = QGuiApplication.font()
    metrics = QFontMetricsF(font)
    wide, high = metrics.horizontalAdvance(name), metrics.height()
    size = (int(2 * ARM + 30 + wide), int(2 * ARM + high + 6))
    picture = QPixmap(*size)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    middle = float(ARM + 1)
    for colour, width in ((QColor("white"), 3.0), (QColor("black"), 1.0)):
        painter.setPen(QPen(colour, width))
        painter.drawLine(QPointF(middle - ARM, middle), QPointF(middle + ARM, middle))
        painter.drawLine(QPointF(middle, middle - ARM), QPointF(middle, middle + ARM))
    box = QRectF(middle + 5, middle + 5, wide + 22, high + 4)
    painter.setPen(QPen(QColor(*each.colour), 1.5))
    painter.setBrush(QColor(255, 255, 255, 220))
    painter.drawRoundedRect(box, 4.0, 4.0)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(*each.colour))
    painter.drawEllipse(QPointF(box.x() + 9, box.center().y()), 4.5, 4.5)
    painter.setPen(QColor("black"))
    painter.setFont(font)
    painter.drawText(box.adjusted(17, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, name)
    painter.end()
    return QCursor(picture, ARM + 1, ARM + 1)
