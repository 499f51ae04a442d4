"""A dot plot: genes by domains, the colour how high, the size how common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from qtpy.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from qtpy.QtWidgets import QSizePolicy, QWidget

from ..common.theme import colour
from ..common.words import tr
from ..predict.colour_bar import gradient

if TYPE_CHECKING:
    import pandas as pd

ROW, COLUMN = 20, 20
HEAD = 74  # px for the names of the domains
NAMES, FIRST = 92, 100  # px for the names of the genes, and where the dots begin


class DotPlot(QWidget):
    """Draws what :func:`~napari_mclstexp.analysis.domain_map.dot_table` returns, or nothing.

    Signals
    -------
    gene_asked
        The gene whose name was followed, by mouse or by Enter.
    """

    gene_asked = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._table: pd.DataFrame | None = None
        self._row = -1  # of the gene under the mouse, or the one that the arrow keys went to
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setToolTip(
            tr(
                "Each domain's clearest genes: the colour says how high the mean is, from the "
                "lowest to the highest domain; the size which share of its spots is above the "
                "gene's median. Click a gene to see its map."
            )
        )
        self.setAccessibleName(tr("Dot plot of marker genes"))
        self.hide()

    @property
    def genes(self) -> list[str]:
        """The genes from top to bottom."""
        return [] if self._table is None else list(dict.fromkeys(self._table["gene"]))

    def show_table(self, table: pd.DataFrame | None) -> None:
        """Draw this table; None hides the plot."""
        self._table, self._row = table, -1
        self.setAccessibleDescription(", ".join(self.genes))
        self.setVisible(table is not None)
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the room for a row a gene and a column a domain."""
        if self._table is None:
            return QSize(0, 0)
        genes, domains = self._table["gene"].nunique(), self._table["domain"].nunique()
        return QSize(FIRST + domains * COLUMN + HEAD // 2, ROW * genes + HEAD + 8)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Return the least room."""
        return self.sizeHint()

    # -- genes are links -----------------------------------------------------------------------

    def place_of(self, gene: str) -> QPointF:
        """Return the middle of the name of a gene."""
        return QPointF(NAMES / 2, HEAD + (self.genes.index(gene) + 0.5) * ROW)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Show which gene would be followed."""
        row = int((event.pos().y() - HEAD) // ROW)
        self._go_to(row if event.pos().x() <= NAMES and 0 <= row < len(self.genes) else -1)

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802
        """Mark no gene."""
        self._go_to(-1)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Follow the gene under the mouse."""
        self.mouseMoveEvent(event)
        self._follow()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Walk through the genes by the arrow keys, and follow one by Enter."""
        step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()), 0)
        if step:
            self._go_to(min(max(self._row + step, 0), len(self.genes) - 1))
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._follow()
        else:
            super().keyPressEvent(event)

    def _go_to(self, row: int) -> None:
        if row != self._row:
            self._row = row
            hand = Qt.CursorShape.PointingHandCursor if row >= 0 else Qt.CursorShape.ArrowCursor
            self.setCursor(hand)
            self.update()

    def _follow(self) -> None:
        if 0 <= self._row < len(self.genes):
            self.gene_asked.emit(self.genes[self._row])

    # -- drawing -------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Draw names of domains above, of genes at the left, and the dots."""
        if self._table is None:
            return
        genes = self.genes
        domains = list(dict.fromkeys(self._table["domain"]))
        colours = gradient("viridis", 256, 1)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(colour("text"))
        for column, domain in enumerate(domains):
            painter.save()
            painter.translate(FIRST + (column + 0.6) * COLUMN, HEAD - 4.0)
            painter.rotate(-60)
            short = painter.fontMetrics().elidedText(domain, Qt.TextElideMode.ElideRight, HEAD)
            painter.drawText(QPointF(0, 0), short)
            painter.restore()
        font = painter.font()
        font.setUnderline(True)
        painter.setFont(font)
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for row, gene in enumerate(genes):
            area = QRectF(0, HEAD + row * ROW, NAMES, ROW)
            if row == self._row:
                painter.fillRect(area, colour("current"))
            painter.drawText(area, right, gene)
        painter.setPen(Qt.PenStyle.NoPen)
        for gene, domain, mean, share in self._table[["gene", "domain", "mean", "share"]].values:
            x = FIRST + (domains.index(domain) + 0.5) * COLUMN
            y = HEAD + (genes.index(gene) + 0.5) * ROW
            radius = 1.5 + 7 * share
            painter.setBrush(QColor(colours.pixel(min(255, round(mean * 255)), 0)))
            painter.drawEllipse(QPointF(x, y), radius, radius)
        painter.end()
