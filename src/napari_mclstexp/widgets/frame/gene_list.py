"""The genes as a Qt model: searched, sorted, each with the correlation to expect of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from qtpy.QtCore import QAbstractListModel, QModelIndex, QRect, QSize, Qt
from qtpy.QtGui import QPainter
from qtpy.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from ...analysis.gene_summary import UNPROVEN, is_unproven, trust_word
from ..common.theme import colour

PCC_ROLE = int(Qt.ItemDataRole.UserRole)
STAR_ROLE = PCC_ROLE + 1
UNPROVEN_ROLE = STAR_ROLE + 1
NO_INDEX = QModelIndex()
NOTHING: Mapping[str, Any] = MappingProxyType({})


class GeneList(QAbstractListModel):
    """Genes that match a search; names that begin with it come first."""

    def __init__(self) -> None:
        super().__init__()
        self._genes: tuple[str, ...] = ()
        self._pcc: Mapping[str, float] = {}
        self._low: Mapping[str, float] = {}
        self._programs: Mapping[str, str] = {}
        self._query = ""
        self._best_first = True
        self._others: Mapping[str, str] = {}
        self._favourites: frozenset[str] = frozenset()
        self._shown: list[str] = []

    @property
    def shown(self) -> list[str]:
        """The genes that match the search, in the order shown."""
        return list(self._shown)

    @property
    def offered(self) -> tuple[str, ...]:
        """All genes, whatever is searched for."""
        return self._genes

    def is_favourite(self, gene: str) -> bool:
        """Whether the person marked a gene."""
        return gene in self._favourites

    @property
    def scored(self) -> bool:
        """Whether any gene has a held-out correlation."""
        return bool(self._pcc)

    def set_genes(
        self,
        genes: Sequence[str],
        held_out_pcc: Mapping[str, float],
        held_out_low: Mapping[str, float] = NOTHING,
        programs: Mapping[str, str] = NOTHING,
    ) -> None:
        """Take other genes.

        Parameters
        ----------
        genes
            Names of genes, signatures and programs.
        held_out_pcc, held_out_low
            Of genes: the held-out correlation, and the lower end of its interval.
        programs
            Of what genes each program among them is made.
        """
        new = (tuple(genes), dict(held_out_pcc), dict(held_out_low), dict(programs))
        if new != (self._genes, self._pcc, self._low, self._programs):
            self._genes, self._pcc, self._low, self._programs = new
            self._refresh()

    def set_other_names(self, others: Mapping[str, str]) -> None:
        """Take the names by which genes are found beside their symbols."""
        if others != self._others:
            self._others = dict(others)
            if self._query:  # nothing else depends on them
                self._refresh()

    def set_favourites(self, genes: frozenset[str]) -> None:
        """Mark these genes and put them first."""
        if genes != self._favourites:
            self._favourites = genes
            self._refresh()

    def search(self, query: str) -> None:
        """Show only genes with `query` in their name, whatever the case."""
        self._query = query.strip().casefold()
        self._refresh()

    def sort_by(self, best_first: bool) -> None:
        """Sort by held-out correlation, else by name."""
        self._best_first = best_first
        self._refresh()

    def row_of(self, gene: str | None) -> int:
        """Return the row of a gene, or -1 if it is not shown."""
        return self._shown.index(gene) if gene in self._shown else -1

    def rowCount(self, parent: QModelIndex = NO_INDEX) -> int:  # noqa: N802
        """Return how many genes are shown."""
        return 0 if parent.isValid() else len(self._shown)

    def data(self, index: QModelIndex, role: int = int(Qt.ItemDataRole.DisplayRole)) -> Any:
        """Return the name, the correlation, or the tooltip of a gene."""
        if not index.isValid():
            return None
        gene = self._shown[index.row()]
        pcc = self._pcc.get(gene)
        if role == Qt.ItemDataRole.DisplayRole:
            return gene
        if role == STAR_ROLE:
            return gene in self._favourites
        if role == PCC_ROLE:
            return pcc
        if role == UNPROVEN_ROLE:
            return self._unproven(gene)
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tooltip(gene, pcc)
        return None

    def _unproven(self, gene: str) -> bool:
        return is_unproven(self._pcc.get(gene), self._low.get(gene))

    def _tooltip(self, gene: str, pcc: float | None) -> str:
        if gene in self._programs:
            return f"{gene.partition(':')[0]}: {self._programs[gene]}"
        if pcc is None:
            return f"{gene}: the model has no held-out score for it."
        word = UNPROVEN if self._unproven(gene) else trust_word(pcc)
        low = self._low.get(gene)
        within = "" if low is None else f", its 95% interval from {low:.2f}"
        return (
            f"{gene}: {word}; held-out PCC {pcc:.2f} in the model's own cross-validation{within}."
        )

    def _refresh(self) -> None:
        self.beginResetModel()
        query = self._query
        found = [
            gene
            for gene in self._genes
            if query in gene.casefold() or (query and query in self._others.get(gene, ""))
        ]
        found.sort(key=self._rank)
        self._shown = found
        self.endResetModel()

    def _rank(self, gene: str) -> tuple[bool, bool, bool, bool, bool, bool, float, str]:
        """Return where a gene stands: programs before genes, those not proven late."""
        begins = gene.casefold().startswith(self._query)
        score = self._pcc.get(gene, -math.inf) if self._best_first else 0.0
        known_as = bool(self._query) and self._query in self._others.get(gene, "").split("|")
        return (
            not known_as,
            gene not in self._favourites,
            not begins,
            gene not in self._programs,
            self._best_first and gene not in self._pcc,
            self._best_first and self._unproven(gene),
            -score,
            gene.casefold(),
        )


class GeneDelegate(QStyledItemDelegate):
    """Draws a gene with a small bar and the figure of its held-out correlation at the right."""

    BAR = 44
    FIGURE = 66

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        """Draw one row."""
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = option.rect
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(area, colour("current"))
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(area, colour("foreground"))
        inner = area.adjusted(8, 0, -8, 0)
        painter.setPen(colour("text"))
        middle = Qt.AlignmentFlag.AlignVCenter
        name = f"★ {index.data()}" if index.data(STAR_ROLE) else str(index.data())
        painter.drawText(inner, middle | Qt.AlignmentFlag.AlignLeft, name)
        pcc = index.data(PCC_ROLE)
        if index.data(UNPROVEN_ROLE):
            painter.setPen(colour("secondary"))
            painter.drawText(inner, middle | Qt.AlignmentFlag.AlignRight, UNPROVEN)
        elif pcc is not None:
            painter.drawText(
                inner, middle | Qt.AlignmentFlag.AlignRight, f"{trust_word(pcc)} {pcc:.2f}"
            )
            bar = QRect(inner.right() - self.FIGURE - self.BAR, inner.center().y() - 2, self.BAR, 5)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour("secondary"))
            painter.drawRoundedRect(bar, 2, 2)
            bar.setWidth(round(self.BAR * min(max(pcc, 0.0), 1.0)))
            painter.setBrush(colour("text"))
            painter.drawRoundedRect(bar, 2, 2)
        painter.restore()

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:  # noqa: N802
        """Return the size of one row."""
        return QSize(160, option.fontMetrics.height() + 8)
