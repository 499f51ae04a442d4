"""The dock "Genes": what is known of the shown gene, several genes at once, signatures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHBoxLayout, QLabel, QListWidget, QListWidgetItem, QPushButton

from ...analysis.gene_summary import UNPROVEN, GeneFacts, gene_facts, is_unproven, trust_word
from ...errors import SettingsError
from ...scene.layer_specs import Scene
from ...session.display import MOST_BLENDED, MOST_COMPARED
from ...session.spot_expression import Source
from ...spots.schema import positions
from ..common.dock import Dock
from ..common.latest import Latest
from ..common.notify import told
from ..common.theme import colour, facts, heading, when_theme_changes
from ..common.words import tr
from .signature_panel import SignaturePanel

PEAK_UM = 1500.0  # what is seen about a peak, across
LOADED = 20  # genes of a program that are listed, in each direction
GENE = int(Qt.ItemDataRole.UserRole)


class GenesDock(Dock):
    """Facts of the shown gene, genes beside and over each other, signatures."""

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__(napari_viewer)
        self.name = heading("")
        self.trust = facts(
            tr(
                "How far the model can be trusted with this gene; of a program, the genes that "
                "rise and fall with it, with their loadings"
            )
        )
        self.plot = pg.PlotWidget(background=None)
        self.plot.setFixedHeight(110)
        self.plot.setMouseEnabled(x=False, y=False)
        self.plot.hideButtons()
        self.plot.setMenuEnabled(False)
        self.plot.setToolTip(tr("How many spots have which value"))
        self.plot.setAccessibleName(tr("Histogram of the shown gene"))
        self.peak = QPushButton(tr("Go to where it peaks"))
        self.peak.setToolTip(tr("Bring the place with the highest values to the middle"))
        self.alike = QListWidget()
        self.alike.setFixedHeight(96)
        self.alike.setToolTip(
            tr("The genes that go with it most over this slide; click to show one")
        )
        self.alike.setAccessibleName(tr("Best correlated genes"))
        self.compared = QLabel("")
        self.compared.setWordWrap(True)
        self.beside = QPushButton(tr("Add side by side"))
        self.beside.setToolTip(
            f"Keep this gene in a view of its own beside the next, up to {MOST_COMPARED} in all; "
            "the views move together"
        )
        self.over = QPushButton(tr("Add to overlay"))
        self.over.setToolTip(
            f"Mix this gene with the next, each in a colour of its own, up to {MOST_BLENDED} in all"
        )
        self.alone = QPushButton(tr("Clear"))
        self.alone.setToolTip(tr("Show one gene again"))
        self.signatures = SignaturePanel()
        self.facts: GeneFacts | None = None
        self._explained: tuple[object, ...] = ()
        self._latest = Latest(self, self.workspace.jobs, self._show_facts)
        several = QHBoxLayout()
        for button in (self.beside, self.over, self.alone):
            several.addWidget(button)
        self.stack(
            self.name,
            self.trust,
            self.plot,
            self.peak,
            QLabel(tr("Best correlated")),
            self.alike,
            heading(tr("Several genes")),
            several,
            self.compared,
            heading(tr("Signatures")),
            self.signatures,
            stretch=self.signatures,
        )
        self._wire()
        self._show_scene(self.workspace.scene)

    def _wire(self) -> None:
        """Connect everything; there is no wiring of this dock anywhere else."""
        session = self.workspace.session
        self.peak.clicked.connect(self._go_to_peak)
        for followed in (self.alike.itemClicked, self.alike.itemActivated):
            followed.connect(lambda item: session.show(gene=item.data(GENE)))
        when_theme_changes(self._restyle)
        self.beside.clicked.connect(lambda: self._keep("compare", MOST_COMPARED))
        self.over.clicked.connect(lambda: self._keep("blend", MOST_BLENDED))
        self.alone.clicked.connect(lambda: session.show(compare=(), blend=()))
        self.signatures.chosen.connect(self._signatures_chosen)
        self.signatures.asked.connect(lambda name: session.show(gene=name))
        self.workspace.shown.connect(self._show_scene)

    def _keep(self, field: str, most: int) -> None:
        """Keep the shown gene and go on to the next, which is then shown beside or over it."""
        session = self.workspace.session
        with told():
            gene = session.gene
            if gene is None:
                raise SettingsError("There is no gene yet; run a prediction, or load counts.")
            kept = tuple(dict.fromkeys((*getattr(session.display, field), gene)))
            if len(kept) >= most:
                raise SettingsError(f"No more than {most} genes fit; press “Clear” first.")
            other = "blend" if field == "compare" else "compare"
            alike = [name for name, _ in self.facts.alike] if self.facts is not None else []
            following = next((name for name in (*alike, *session.genes) if name not in kept), gene)
            session.show(**{field: kept, other: ()}, gene=following)

    def _go_to_peak(self) -> None:
        session = self.workspace.session
        if self.facts is None or self.facts.peak is None or session.spots is None:
            return
        x, y = positions(session.spots)[self.facts.peak] * (session.um_per_px or 1.0)
        self.workspace.layers.look_at((y, x), PEAK_UM)

    def _signatures_chosen(self, chosen: tuple[Any, ...]) -> None:
        session = self.workspace.session
        if tuple(each.name for each in chosen) != tuple(
            s.name for s in session.annotations.signatures
        ):
            session.edit("Choose signatures", signatures=chosen)

    def _show_scene(self, _: Scene) -> None:
        session = self.workspace.session
        source = self._source
        self.signatures.show_signatures(session.annotations.signatures, self._known_genes())
        display = session.display
        kept = display.compare or display.blend
        how = "beside" if display.compare else "blended with"
        self.compared.setText(f"{', '.join(kept)} {how} {session.gene}" if kept else "")
        self.compared.setVisible(bool(kept))
        for button in (self.beside, self.over):
            button.setEnabled(session.gene is not None)
        self.alone.setEnabled(bool(kept))
        key = () if source is None else session.expression.key(source, session.display.gene)
        if key != self._explained and session.run is None:
            self._explained = key
            self._explain(source)
        self._show_peak()

    def _show_peak(self) -> None:
        self.peak.setEnabled(self.facts is not None and self.facts.peak is not None)

    @property
    def _source(self) -> Source | None:
        session = self.workspace.session
        if session.gene is None:
            return None
        return "measured" if session.shown_quantity == "measured" else "predicted"

    def _known_genes(self) -> tuple[str, ...]:
        spot_expression = self.workspace.session.expression
        if (
            self.workspace.session.shown_quantity == "measured"
            and spot_expression.counts is not None
        ):
            return spot_expression.counts.genes
        return spot_expression.result.genes if spot_expression.result is not None else ()

    def _explain(self, source: Source | None) -> None:
        session = self.workspace.session
        gene = session.gene
        self.name.setText(gene or "No gene is shown yet.")
        self.facts = None
        self.plot.clear()
        self.alike.clear()
        self.trust.setText(self._trust(gene) if gene else "")
        expression, spots = session.expression, session.spots
        if gene is None or source is None or spots is None:
            self._latest.forget()
            return

        def work() -> GeneFacts | None:
            values = expression.values(source, gene)
            if values is None:
                return None
            try:
                every, genes = expression.matrix(source)
            except SettingsError:  # not finished: its like are not looked for
                every, genes = np.empty((len(values), 0), dtype=np.float32), ()
            xy = positions(spots)
            return gene_facts(values, xy, every, genes, gene)

        self._latest.ask(self._explained, work)

    def _show_facts(self, found: GeneFacts | None) -> None:
        self.facts = found
        self._show_peak()
        if found is None:
            return
        self._restyle()
        for name, r in found.alike:
            item = QListWidgetItem(f"{name}   {r:.2f}")
            item.setData(GENE, name)
            font = item.font()
            font.setUnderline(True)  # a link, as every name of a gene
            item.setFont(font)
            self.alike.addItem(item)

    def _restyle(self) -> None:
        """Draw the histogram in the theme of the moment."""
        self.plot.clear()
        if self.facts is not None:
            edges, height = self.facts.edges, self.facts.counts
            brush = colour("highlight")
            bars = pg.BarGraphItem(
                x0=edges[:-1], x1=edges[1:], height=height, brush=brush, pen=None
            )
            self.plot.addItem(bars)
        for axis in ("left", "bottom"):
            self.plot.getAxis(axis).setTextPen(colour("text"))

    def _trust(self, gene: str) -> str:
        session = self.workspace.session
        program = session.expression.programs.get(gene)
        if program is not None:
            return program.sentence(LOADED, loadings=True)
        result = session.result
        pcc = None if result is None else result.held_out_pcc.get(gene)
        low = None if result is None else result.held_out_low.get(gene)
        if self.workspace.scene.warning:
            return "Trust: unknown; this slide is unlike those the model was scored on."
        if pcc is None:
            return "Trust: unknown; the model has no held-out score for it."
        word = UNPROVEN if is_unproven(pcc, low) else trust_word(pcc)
        within = "" if low is None else f" (95% interval from {low:.2f})"
        return f"Trust: {word}; PCC {pcc:.2f}{within} on sections that the model had not seen."
