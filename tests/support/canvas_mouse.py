"""Real mouse events on the canvas of a viewer, at places of the slide in µm (y, x)."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import QApplication

NONE = Qt.KeyboardModifier.NoModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier


def place_on_canvas(viewer: Any, place: tuple[float, float]) -> QPoint:
    """Return where a place of the slide is on the canvas, in px of the screen."""
    canvas, camera = viewer.window._qt_viewer.canvas, viewer.scene.camera
    size = np.array([canvas.native.height(), canvas.native.width()])
    y, x = (np.array(place) - np.array(camera.center[-2:])) * camera.zoom + size / 2
    return QPoint(round(x), round(y))


def click_at(viewer: Any, qtbot: Any, place: tuple[float, float], keys: Any = NONE) -> None:
    """Click on the slide."""
    native, point = viewer.window._qt_viewer.canvas.native, place_on_canvas(viewer, place)
    _move(native, point, Qt.MouseButton.NoButton)
    qtbot.mouseClick(native, Qt.MouseButton.LeftButton, keys, point)
    qtbot.wait(30)


def drag_over(viewer: Any, qtbot: Any, *places: tuple[float, float]) -> None:
    """Press at the first place, move over the others, and let go at the last."""
    native = viewer.window._qt_viewer.canvas.native
    points = [place_on_canvas(viewer, place) for place in places]
    _move(native, points[0], Qt.MouseButton.NoButton)
    qtbot.mousePress(native, Qt.MouseButton.LeftButton, pos=points[0])
    for start, end in pairwise(points):
        for share in np.linspace(0.2, 1, 5):
            # QTest moves the mouse with no button held, which is no drag.
            step = (end - start) * float(share)
            _move(native, start + step, Qt.MouseButton.LeftButton)
            qtbot.wait(10)
    qtbot.mouseRelease(native, Qt.MouseButton.LeftButton, pos=points[-1])
    qtbot.wait(60)


def _move(native: Any, point: QPoint, held: Any) -> None:
    move = QMouseEvent(
        QEvent.Type.MouseMove,
        QPointF(point),
        QPointF(native.mapToGlobal(point)),
        Qt.MouseButton.NoButton,
        held,
        NONE,
    )
    QApplication.sendEvent(native, move)
