"""A dot plot: genes by domains, the colour how high, the size how common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QPainter, QPaintEvent
from qtpy.QtWidgets import QSizePolicy, QWidget

from ..common.theme import colour
from ..predict.colour_bar import gradient

if TYPE_CHECKING:
    import pandas as pd

ROW, COLUMN = 20, 20


class DotPlot(QWidget):
    """Draws what :func:`~napari_mclstexp.analysis.domain_map.dot_table` returns, or nothing."""

    def __init__(self) -> None:
        super().__init__()
        self._table: pd.DataFrame | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setToolTip(
            "Each domain's clearest genes: the colour says how high the mean is, from the lowest "
            "to the highest domain; the size which share of its spots is above the gene's median"
        )
        self.setAccessibleName("Dot plot of marker genes")
        self.hide()

    def show_table(self, table: pd.DataFrame | None) -> None:
        """Draw this table; None hides the plot."""
        self._table = table
        self.setVisible(table is not None)
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the room for a row a gene and a column a domain."""
        if self._table is None:
            return QSize(0, 0)
        genes, domains = self._table["gene"].nunique(), self._table["domain"].nunique()
        return QSize(110 + domains * COLUMN, ROW * genes + 80)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Return the least room."""
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Draw names of genes at the left, of domains below, and the dots."""
        if self._table is None:
            return
        genes = list(dict.fromkeys(self._table["gene"]))
        domains = list(dict.fromkeys(self._table["domain"]))
        colours = gradient("viridis", 256, 1)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(colour("text"))
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for row, gene in enumerate(genes):
            painter.drawText(QRectF(0, row * ROW, 92, ROW), right, gene)
        for column, domain in enumerate(domains):
            painter.save()
            painter.translate(104 + (column + 0.7) * COLUMN, len(genes) * ROW + 6)
            painter.rotate(60)
            short = painter.fontMetrics().elidedText(domain, Qt.TextElideMode.ElideRight, 76)
            painter.drawText(QPointF(0, 6), short)
            painter.restore()
        painter.setPen(Qt.PenStyle.NoPen)
        for gene, domain, mean, share in self._table[["gene", "domain", "mean", "share"]].values:
            x = 100 + (domains.index(domain) + 0.5) * COLUMN
            y = (genes.index(gene) + 0.5) * ROW
            radius = 1.5 + 7 * share
            painter.setBrush(QColor(colours.pixel(min(255, round(mean * 255)), 0)))
            painter.drawEllipse(QPointF(x, y), radius, radius)
        painter.end()
