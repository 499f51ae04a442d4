"""Notes over the canvas: titles of maps side by side, the legend of domains, the swipe's divider.

napari's own overlays know neither several titles on one canvas nor names with colours. These are
drawn by Qt over the canvas, in the theme of the moment.
"""

from __future__ import annotations

import weakref
from typing import Any

from qtpy.compat import isalive
from qtpy.QtCore import QPoint, QRect, QRectF, QSize, Qt, Signal
from qtpy.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from qtpy.QtWidgets import QWidget

from ...scene.layer_specs import ColourBar, LegendEntry, Scene, Swipe
from ..common.napari_compat import canvas_widget
from ..common.theme import colour
from ..common.words import tr
from ..predict.colour_bar import gradient

MARGIN, PAD, SWATCH = 10, 6, 12
BAR = QSize(120, 10)
HANDLE = 17  # px wide, of which the middle is the line
STEP = 0.01  # of the way, for each press of an arrow key
BOX_OPACITY = 0.85


class CanvasNotes(QWidget):
    """Lets the mouse through to the canvas, but for the divider.

    Signals
    -------
    swiped
        How far from the left the divider was dragged, 0 to 1.
    """

    swiped = Signal(float)

    def __init__(self, viewer: Any, canvas: QWidget) -> None:
        super().__init__(canvas)
        self._viewer = weakref.ref(viewer)
        self._scene = Scene()
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self.setStyleSheet("background: transparent;")
        self.setAccessibleName(tr("Notes on the canvas"))
        self.divider = SwipeDivider(canvas)
        self.divider.dragged.connect(self._dragged)
        camera = viewer.scene.camera
        for event in (camera.events.center, camera.events.zoom, viewer.canvas.events.size):
            event.connect(self._moved)
        self._fill()
        self.show()

    @classmethod
    def over(cls, viewer: Any) -> CanvasNotes | None:
        """Return notes over the canvas of a viewer, None where it has no window."""
        canvas = canvas_widget(viewer)
        return None if canvas is None else cls(viewer, canvas)

    def show_scene(self, drawn: Scene) -> None:
        """Write what is to be said of what is drawn."""
        self._scene = drawn
        said = [panel.title for panel in drawn.panels] + [entry.name for entry in drawn.legend]
        self.setAccessibleDescription(", ".join(said))
        self._moved()

    def _moved(self, _: object = None) -> None:
        """Follow the camera and the size of the canvas."""
        if not isalive(self):
            return
        self._fill()
        swipe = self._scene.swipe
        self.divider.setVisible(swipe is not None)
        if swipe is not None:
            self.divider.stand(self._x_of(swipe.x), self.height(), swipe)
        if swipe or self._scene.panels or self._scene.legend:
            self.raise_()
            self.divider.raise_()
        self.update()

    def _fill(self) -> None:
        canvas = self.parentWidget()
        if canvas is not None and self.size() != canvas.size():
            self.setGeometry(canvas.rect())

    # -- from the world to the canvas ----------------------------------------------------------

    def _camera(self) -> tuple[float, float, float]:
        """Return (y, x) of the centre in world units, and px of the canvas per world unit."""
        viewer = self._viewer()
        if viewer is None:
            return 0.0, 0.0, 1.0
        y, x = viewer.scene.camera.center[-2:]
        return float(y), float(x), float(viewer.scene.camera.zoom)

    def _x_of(self, x: float) -> int:
        _, centre, zoom = self._camera()
        return int(min(max((x - centre) * zoom + self.width() / 2, -1e6), 1e6) + 0.5)

    def _y_of(self, y: float) -> int:
        centre, _, zoom = self._camera()
        return int(min(max((y - centre) * zoom + self.height() / 2, -1e6), 1e6) + 0.5)

    def _dragged(self, at: int) -> None:
        swipe = self._scene.swipe
        if swipe is None or swipe.right <= swipe.left:
            return
        _, centre, zoom = self._camera()
        x = (at - self.width() / 2) / zoom + centre
        self.swiped.emit(min(max((x - swipe.left) / (swipe.right - swipe.left), 0.0), 1.0))

    # -- drawing -------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Draw titles, bars and legend in boxes that let some of the canvas through."""
        scene = self._scene
        if not (scene.panels or scene.legend or scene.swipe):
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for panel, area in zip(scene.panels, self._areas(), strict=True):
            if area.width() < 4 * MARGIN or area.height() < 4 * MARGIN:
                continue  # out of sight
            if panel.box is not None:  # a view of its own has the name of its layer
                self._title(painter, panel.title, area)
            self._bar(painter, panel.bar, area)
        if scene.swipe is not None:
            self._sides(painter, scene.swipe)
        if scene.legend:
            self._legend(painter, scene.legend)
        painter.end()

    def _box(self, painter: QPainter, area: QRect) -> None:
        ground = colour("canvas")
        ground.setAlphaF(BOX_OPACITY)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ground)
        painter.drawRoundedRect(area, 4, 4)
        painter.setPen(_ink(ground))

    def _areas(self) -> list[QRect]:
        """Return the visible part of the canvas on which each of the panels stands."""
        viewer, whole = self._viewer(), self.rect()
        areas = []
        for number, panel in enumerate(self._scene.panels):
            if panel.box is not None:
                (top, left), (bottom, right) = panel.box
                first = QPoint(self._x_of(left), self._y_of(top))
                area = QRect(first, QPoint(self._x_of(right), self._y_of(bottom)))
            elif viewer is None:
                area = QRect()
            else:
                columns = max(int(viewer.canvas.grid.actual_shape(viewer.layers)[1]), 1)
                high, wide = map(float, viewer.canvas.viewbox_size(viewer.layers))
                row, column = divmod(number, columns)
                x, y = round(column * wide), round(row * high)
                area = QRect(x, y, round(wide), round(high))
            areas.append(area.intersected(whole))
        return areas

    def _title(self, painter: QPainter, text: str, panel: QRect) -> None:
        metrics = self.fontMetrics()
        room = panel.width() - 2 * MARGIN
        text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, room)
        width = metrics.horizontalAdvance(text) + 2 * PAD
        left, top = panel.center().x() - width // 2, panel.top() + MARGIN
        area = QRect(left, top, width, metrics.height() + PAD)
        self._box(painter, area)
        painter.drawText(area, int(Qt.AlignmentFlag.AlignCenter), text)

    def _bar(self, painter: QPainter, bar: ColourBar, panel: QRect) -> None:
        """Draw a colour bar with the figures and the unit of its ends."""
        line = self.fontMetrics().height()
        low, high = (f"{each:.2g}" for each in bar.limits)
        unit = self.fontMetrics().horizontalAdvance(bar.unit)
        width = max(BAR.width(), unit) + 2 * PAD
        height = BAR.height() + 2 * line + 2 * PAD
        area = QRect(panel.left() + MARGIN, panel.bottom() - height - MARGIN, width, height)
        self._box(painter, area)
        inner = area.adjusted(PAD, PAD, -PAD, -PAD)
        painter.drawImage(QRectF(inner.x(), inner.y(), inner.width(), BAR.height()),
                          gradient(bar.colormap))  # fmt: skip
        figures = QRect(inner.x(), inner.y() + BAR.height(), inner.width(), line)
        painter.drawText(figures, int(Qt.AlignmentFlag.AlignLeft), low)
        painter.drawText(figures, int(Qt.AlignmentFlag.AlignRight), high)
        painter.drawText(figures.translated(0, line), int(Qt.AlignmentFlag.AlignHCenter), bar.unit)

    def _sides(self, painter: QPainter, swipe: Swipe) -> None:
        """Say what stands on either side of the divider."""
        at, metrics = self._x_of(swipe.x), self.fontMetrics()
        for name, direction in zip(swipe.names, (-1, 1), strict=True):
            width = metrics.horizontalAdvance(name) + 2 * PAD
            left = at + HANDLE if direction > 0 else at - HANDLE - width
            area = QRect(left, self.height() // 2 - metrics.height() * 2, width,
                         metrics.height() + PAD)  # fmt: skip
            self._box(painter, area)
            painter.drawText(area, int(Qt.AlignmentFlag.AlignCenter), name)

    def _legend(self, painter: QPainter, entries: tuple[LegendEntry, ...]) -> None:
        """Draw the domains with their names in the lower left corner, as many as have room."""
        metrics = self.fontMetrics()
        line = max(metrics.height(), SWATCH) + 3
        room = max((self.height() - 4 * MARGIN) // line, 1)
        rows = [(entry.name, entry.colour) for entry in entries]
        if len(rows) > room:
            more = len(rows) - room + 1
            rows = [*rows[: room - 1], (f"{more} more", (0, 0, 0))]
        most = max(self.width() // 2, 120)
        names = [metrics.elidedText(n, Qt.TextElideMode.ElideRight, most) for n, _ in rows]
        width = SWATCH + 3 * PAD + max(map(metrics.horizontalAdvance, names))
        area = QRect(MARGIN, self.height() - MARGIN - line * len(rows) - 2 * PAD,
                     width, line * len(rows) + 2 * PAD)  # fmt: skip
        self._box(painter, area)
        ink = painter.pen().color()
        for row, (name, (_, rgb)) in enumerate(zip(names, rows, strict=True)):
            top = area.top() + PAD + row * line
            if not (len(entries) > room and row == room - 1):
                painter.setBrush(QColor(*rgb))
                painter.setPen(Qt.PenStyle.NoPen)
                painter.drawRoundedRect(area.left() + PAD, top + (line - SWATCH) // 2,
                                        SWATCH, SWATCH, 2, 2)  # fmt: skip
            painter.setPen(ink)
            text = QRect(area.left() + SWATCH + 2 * PAD, top, width, line)
            painter.drawText(text, int(Qt.AlignmentFlag.AlignVCenter), name)


class SwipeDivider(QWidget):
    """A line across the canvas that is dragged, or moved by the arrow keys.

    Signals
    -------
    dragged
        Where on the canvas it was dragged to, in px from its left.
    """

    dragged = Signal(int)

    def __init__(self, canvas: QWidget) -> None:
        super().__init__(canvas)
        self.setCursor(Qt.CursorShape.SplitHCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self.setStyleSheet("background: transparent;")
        self.setToolTip(tr("Drag to swipe between predicted and measured; ← and → move it too"))
        self.setAccessibleName(tr("Swipe divider"))
        self.hide()

    @property
    def middle(self) -> int:
        """Where it stands, in px from the left of the canvas."""
        return int(self.x()) + HANDLE // 2

    def stand(self, x: int, height: int, swipe: Swipe) -> None:
        """Stand at a place of the canvas, which it keeps within reach."""
        canvas = self.parentWidget()
        within = min(max(x, 0), canvas.width() if canvas is not None else x)
        self.setGeometry(within - HANDLE // 2, 0, HANDLE, height)
        self.setAccessibleDescription(
            f"{swipe.names[0]} to the left, {swipe.names[1]} to the right"
        )

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Begin a drag: the canvas is not to take it for its own."""
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Go where the mouse goes."""
        if event.buttons() & Qt.MouseButton.LeftButton:
            self.dragged.emit(self.mapToParent(_place(event)).x())
        event.accept()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """End the drag."""
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Move by the arrow keys."""
        canvas = self.parentWidget()
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()), 0)
        if step and canvas is not None:
            self.dragged.emit(self.middle + step * max(round(canvas.width() * STEP), 1))
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Draw a line that is seen on anything, and a grip in the middle."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle = HANDLE // 2
        painter.fillRect(QRect(middle - 2, 0, 5, self.height()), QColor(0, 0, 0, 150))
        painter.fillRect(QRect(middle - 1, 0, 3, self.height()), QColor(255, 255, 255))
        grip = QRect(1, self.height() // 2 - 18, HANDLE - 2, 36)
        painter.setPen(QColor(0, 0, 0, 150))
        painter.setBrush(colour("highlight") if self.hasFocus() else QColor(255, 255, 255))
        painter.drawRoundedRect(grip, 5, 5)
        painter.setPen(QColor(60, 60, 60))
        for x in (middle - 2, middle + 2):
            painter.drawLine(x, grip.top() + 10, x, grip.bottom() - 10)
        painter.end()


def _place(event: QMouseEvent) -> QPoint:
    """Return where a mouse event was, in Qt 5 and 6 alike."""
    position = getattr(event, "position", None)
    return event.pos() if position is None else position().toPoint()


def _ink(ground: QColor) -> QColor:
    """Return black or white, whichever is read on a ground."""
    return QColor(Qt.GlobalColor.white if ground.lightness() < 128 else Qt.GlobalColor.black)
