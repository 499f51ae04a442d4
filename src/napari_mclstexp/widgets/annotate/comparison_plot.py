"""A volcano plot of a comparison: how large each gene's difference is, and how clear."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from qtpy.QtGui import QColor, QHelpEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import QSizePolicy, QToolTip, QWidget

from ...analysis.region_comparison import CLEAR, RegionComparison
from ..common.theme import colour
from ..common.words import tr

if TYPE_CHECKING:
    from numpy.typing import NDArray

UP, DOWN, UNCLEAR = QColor(213, 94, 0), QColor(0, 114, 178), QColor(140, 140, 140)
HEIGHT = 170
LEFT, RIGHT, TOP, BOTTOM = 34, 8, 8, 30
NAMED = 3  # genes of each side with their name on the plot
NEAR = 8.0  # px from a point that a click takes
LEAST_FDR = 1e-300


class ComparisonPlot(QWidget):
    """Draws the genes of a :class:`~napari_mclstexp.analysis.region_comparison.RegionComparison`.

    Signals
    -------
    clicked
        The gene whose point was clicked.
    """

    clicked = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._comparison: RegionComparison | None = None
        self._x: NDArray[np.float64] = np.zeros(0)
        self._y: NDArray[np.float64] = np.zeros(0)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        self.setToolTip(
            tr(
                "Each point is a gene: to the right those higher in the first region; the higher "
                "up, the clearer (FDR). A click shows its map"
            )
        )
        self.setAccessibleName(tr("Volcano plot of the comparison"))
        self.hide()

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the room it takes."""
        return QSize(240, HEIGHT)

    def show_comparison(self, comparison: RegionComparison | None) -> None:
        """Draw this one; None hides the plot."""
        self._comparison = comparison
        if comparison is not None:
            table = comparison.table
            self._x = table["difference"].to_numpy(dtype=float)
            fdr = np.clip(table["fdr"].to_numpy(dtype=float), LEAST_FDR, 1)
            self._y = -np.log10(fdr)
        self.setVisible(comparison is not None)
        self.update()

    def gene_at(self, x: float, y: float) -> str:
        """Return the gene whose point is at a place of the widget, or ""."""
        if self._comparison is None or not len(self._x):
            return ""
        px, py = self._places()
        distance = np.hypot(px - x, py - y)
        nearest = int(np.argmin(distance))
        near = distance[nearest] <= NEAR
        return str(self._comparison.table["gene"].iloc[nearest]) if near else ""

    def place_of(self, gene: str) -> tuple[float, float]:
        """Return where a gene's point is in the widget."""
        assert self._comparison is not None
        row = self._comparison.table["gene"].tolist().index(gene)
        px, py = self._places()
        return float(px[row]), float(py[row])

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Tell which gene was clicked."""
        gene = self.gene_at(event.position().x(), event.position().y())
        if gene:
            self.clicked.emit(gene)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Show that a point can be clicked."""
        over = self.gene_at(event.position().x(), event.position().y())
        shape = Qt.CursorShape.PointingHandCursor if over else Qt.CursorShape.ArrowCursor
        self.setCursor(shape)

    def event(self, event: QEvent) -> bool:
        """Name the gene under the mouse in the tooltip."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            gene = self.gene_at(float(event.pos().x()), float(event.pos().y()))
            if gene:
                QToolTip.showText(event.globalPos(), self._said_of(gene), self)
                return True
        return bool(super().event(event))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Draw axes, points, and the names of the clearest genes."""
        if self._comparison is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = self._area()
        wide, high = self._ranges()
        grey = QColor(colour("text"))
        grey.setAlpha(110)
        painter.setPen(QPen(grey, 1.0))
        zero = area.center().x()
        painter.drawLine(QPointF(area.left(), area.bottom()), QPointF(area.right(), area.bottom()))
        painter.drawLine(QPointF(zero, area.top()), QPointF(zero, area.bottom()))
        painter.setPen(QPen(grey, 1.0, Qt.PenStyle.DashLine))
        line = area.bottom() - area.height() * min(1.0, -np.log10(CLEAR) / high)
        painter.drawLine(QPointF(area.left(), line), QPointF(area.right(), line))
        painter.setPen(colour("text"))
        centre = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop
        below = QRectF(area.left(), area.bottom() + 1, area.width(), 14)
        for side, text in (
            (Qt.AlignmentFlag.AlignLeft, f"{-wide:.2g}"),
            (Qt.AlignmentFlag.AlignHCenter, "0"),
            (Qt.AlignmentFlag.AlignRight, f"+{wide:.2g}"),
        ):
            painter.drawText(below, side | Qt.AlignmentFlag.AlignTop, text)
        painter.drawText(below.translated(0, 13), centre, "Difference of means")
        painter.save()
        painter.translate(11.0, area.center().y())
        painter.rotate(-90)
        painter.drawText(QRectF(-60, -8, 120, 16), Qt.AlignmentFlag.AlignCenter, "−log10 FDR")
        painter.restore()
        self._draw_points(painter)
        painter.end()

    def _draw_points(self, painter: QPainter) -> None:
        assert self._comparison is not None
        table = self._comparison.table
        auc, fdr = table["auc"].to_numpy(dtype=float), table["fdr"].to_numpy(dtype=float)
        px, py = self._places()
        painter.setPen(Qt.PenStyle.NoPen)
        for i in np.argsort(-fdr, kind="stable").tolist():  # the clear ones on top
            tint = QColor(UNCLEAR if fdr[i] >= CLEAR else UP if auc[i] > 0.5 else DOWN)
            tint.setAlpha(120 if fdr[i] >= CLEAR else 200)
            painter.setBrush(tint)
            painter.drawEllipse(QPointF(float(px[i]), float(py[i])), 3.0, 3.0)
        painter.setPen(colour("text"))
        used: list[QRectF] = []
        place = {gene: i for i, gene in enumerate(table["gene"].tolist())}
        for side in (self._comparison.up, self._comparison.down):
            for gene in side[side["fdr"] < CLEAR]["gene"].head(NAMED):
                i = place[gene]
                box = self._label(painter, str(gene), float(px[i]), float(py[i]))
                if not any(box.intersects(other) for other in used):
                    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, str(gene))
                    used.append(box)

    def _label(self, painter: QPainter, gene: str, x: float, y: float) -> QRectF:
        """Return where a gene's name stands: beside its point, within the plot."""
        wide = float(painter.fontMetrics().horizontalAdvance(gene)) + 2
        left = x + 5 if x + 5 + wide < self.width() else x - 5 - wide
        return QRectF(left, max(0.0, y - 8), wide, 16)

    def _said_of(self, gene: str) -> str:
        assert self._comparison is not None
        table = self._comparison.table
        row = table[table["gene"] == gene].iloc[0]
        return (
            f"{gene}: difference {row['difference']:+.2f}, AUC {row['auc']:.2f}, "
            f"FDR {row['fdr']:.1e}"
        )

    def _area(self) -> QRectF:
        return QRectF(LEFT, TOP, self.width() - LEFT - RIGHT, self.height() - TOP - BOTTOM)

    def _ranges(self) -> tuple[float, float]:
        """Return the largest difference and the largest -log10 FDR on the axes."""
        wide = float(np.nanmax(np.abs(self._x))) if len(self._x) else 0.0
        high = float(np.nanmax(self._y)) if len(self._y) else 0.0
        return wide or 1.0, max(high, 2.0)

    def _places(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        area = self._area()
        wide, high = self._ranges()
        x = area.center().x() + np.nan_to_num(self._x) / wide * area.width() / 2
        return x, area.bottom() - self._y / high * area.height()
