"""The gene bar: which gene is shown, how far it can be trusted, and the way to any other."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QShortcut,
    QSizePolicy,
    QToolBar,
    QToolButton,
    QWidget,
)

from ...analysis.gene_aliases import other_names
from ...analysis.gene_summary import UNPROVEN, is_unproven, trust_word
from ..common.accessible import name_controls
from ..common.napari_compat import main_window
from ..common.notify import told
from ..common.words import tr
from .gene_link import show_gene
from .gene_picker import GenePicker

if TYPE_CHECKING:
    from qtpy.QtWidgets import QMainWindow

    from ...scene.layer_specs import Scene
    from ...session.session import Session


class GeneBar(QToolBar):
    """Always there, above the canvas, whichever dock is open."""

    def __init__(self, session: Session, window: QMainWindow) -> None:
        super().__init__(window)
        self._session = session
        self.setObjectName("mclSTExp genes")
        self.setWindowTitle(tr("Genes"))
        self.setMovable(False)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self.toggleViewAction().setVisible(False)
        self.picker = GenePicker()
        self.shown = QLabel("")
        self.shown.setTextFormat(Qt.TextFormat.RichText)
        self.shown.setAccessibleName(tr("Gene shown"))
        self.shown.setMinimumWidth(150)  # so that what follows stands still from gene to gene
        self.picker.line.insertWidget(self.picker.line.count() - 1, self.shown)
        self._named: tuple[tuple[str, ...], int] = ((), 0)
        self._names: dict[str, str] = {}
        content = QWidget()
        content.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        line = QHBoxLayout(content)
        line.setContentsMargins(8, 2, 8, 2)
        line.addWidget(self.picker)
        content.setFixedHeight(self.picker.sizeHint().height() + 4)  # a tool bar would take more
        self.addWidget(content)
        for more in self.findChildren(QToolButton, "qt_toolbar_ext_button"):
            more.setAccessibleName(tr("More of this bar"))
        name_controls(self)
        find = QShortcut(QKeySequence("Ctrl+F"), window)
        find.activated.connect(self.picker.go_to)
        self.picker.picked.connect(self._picked)
        window.addToolBarBreak(Qt.ToolBarArea.TopToolBarArea)
        window.addToolBar(Qt.ToolBarArea.TopToolBarArea, self)

    def _picked(self, gene: str) -> None:
        with told():
            show_gene(self._session, gene)

    def show_scene(self, drawn: Scene) -> None:
        """Offer the genes there are, and say which is shown."""
        session = self._session
        known: Any = session.result or (session.model.config if session.model is not None else None)
        if drawn.warning:  # scores of other slides would promise what nobody knows of this one
            known = None
        pcc = known.held_out_pcc if known is not None else {}
        low = known.held_out_low if known is not None else {}
        counts, measured = session.expression.counts, session.shown_quantity == "measured"
        programs = session.expression.programs
        self.picker.set_genes(
            session.genes,
            pcc,
            low,
            {name: each.sentence(loadings=True) for name, each in programs.items()},
        )
        self.picker.set_other_names(self._other_names(session.genes))
        self.picker.set_known(counts.genes if counts is not None else (), measured)
        self.picker.set_gene(session.gene)
        self._say(session.gene, pcc, low, unlike=bool(drawn.warning), measured=measured)

    def _say(
        self,
        gene: str | None,
        pcc: dict[str, float],
        low: dict[str, float],
        *,
        unlike: bool,
        measured: bool,
    ) -> None:
        if gene is None:
            self.shown.setText("")
            self.shown.setToolTip(tr("No gene is shown yet"))
            return
        score = pcc.get(gene)
        if gene in self._session.expression.similarities:
            word = "similarity"
            why = "How like that place each spot is: 1 is like it, 0 has nothing in common with it."
        elif measured:
            word, why = "measured", "What was counted, and not what a model says."
        elif unlike:
            word, why = "reliability unknown", "This slide is unlike those the model was scored on."
        elif score is None:
            word, why = "reliability unknown", "The model has no held-out score for it."
        else:
            proven = not is_unproven(score, low.get(gene))
            word = f"{trust_word(score)} {score:.2f}" if proven else UNPROVEN
            why = f"Correlation on sections that the model had not seen: {score:.2f}."
        self.shown.setText(f"<b>{escape(gene)}</b>&nbsp; {escape(word)}")
        self.shown.setToolTip(f"{gene}: {word}. {why}")

    def _other_names(self, genes: tuple[str, ...]) -> dict[str, str]:
        """Return the aliases of the genes, worked out again only for others."""
        spots, number = self._session.spots, self._session.expression.number
        if self._named != (genes, number):
            ids: dict[str, str] = {}
            if spots is not None and "gene_ids" in spots.var:
                ids = dict(zip(map(str, spots.var_names), spots.var["gene_ids"], strict=True))
            self._named, self._names = (genes, number), other_names(genes, ids)
        return self._names


def gene_picker_of(viewer: Any) -> GenePicker:
    """Return the gene bar's search and list in the window of a viewer."""
    window = main_window(getattr(viewer, "__wrapped__", viewer))
    bar = None if window is None else window.findChild(GeneBar)
    return GenePicker() if bar is None else bar.picker
