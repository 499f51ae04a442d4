"""A colour bar that says which gene, measured or predicted, and in what unit."""

from __future__ import annotations

import numpy as np
from napari.utils.colormaps import ensure_colormap
from qtpy.QtCore import QRectF, QSize, Qt
from qtpy.QtGui import QImage, QPainter, QPaintEvent
from qtpy.QtWidgets import QSizePolicy, QWidget

from ...scene.layer_specs import ColourBar
from ..common.theme import colour
from ..common.words import tr


def gradient(colormap: str, width: int = 256, height: int = 1) -> QImage:
    """Return an image of a colormap from left to right."""
    rgba = ensure_colormap(colormap).map(np.linspace(0, 1, width))
    row = np.ascontiguousarray((rgba * 255).round().astype(np.uint8))
    image = np.ascontiguousarray(np.repeat(row[np.newaxis], height, axis=0))
    return QImage(image.data, width, height, 4 * width, QImage.Format.Format_RGBA8888).copy()


class ColourBarView(QWidget):
    """Draws one :class:`~napari_mclstexp.scene.resolve.ColourBar`, or nothing."""

    BAR = 12

    def __init__(self) -> None:
        super().__init__()
        self.bar: ColourBar | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setToolTip(
            tr("What the colours mean: values beyond either end have the colour of that end")
        )
        self.hide()

    def show_bar(self, bar: ColourBar | None) -> None:
        """Draw this bar; None hides the widget."""
        self.bar = bar
        self.setVisible(bar is not None)
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the room for title, bar and figures."""
        return QSize(200, 2 * self.fontMetrics().height() + self.BAR + 8)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Return the room for title, bar and figures."""
        return QSize(120, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Draw title, gradient, the two ends and the unit between them."""
        if self.bar is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        line = self.fontMetrics().height()
        width = self.width()
        title = QRectF(0, 0, width, line)
        figures = QRectF(0, line + self.BAR + 6, width, line)
        left, right, centre = (
            Qt.AlignmentFlag.AlignLeft,
            Qt.AlignmentFlag.AlignRight,
            Qt.AlignmentFlag.AlignHCenter,
        )
        painter.setPen(colour("text"))
        painter.drawImage(QRectF(0, line + 3, width, self.BAR), gradient(self.bar.colormap))
        figures_of = (f"{each:.2g}" for each in self.bar.limits)
        words = [*(f"{word} " if word else "" for word in self.bar.ends)]
        low, high = (f"{word}{each}" for word, each in zip(words, figures_of, strict=True))
        painter.drawText(figures, left, low)
        painter.drawText(figures, right, high)
        metrics = painter.fontMetrics()
        ends = 2 * max(metrics.horizontalAdvance(each) for each in (f"{low} ", f"{high} "))
        elided = Qt.TextElideMode.ElideRight
        unit = metrics.elidedText(self.bar.unit, elided, int(figures.width()) - ends)
        painter.drawText(figures, centre, unit)
        font = painter.font()
        font.setBold(True)
        painter.setFont(font)
        painter.drawText(title, left, self.bar.title)
        painter.end()
