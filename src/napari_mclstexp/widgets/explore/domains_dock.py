"""The dock "Domains": regions of similar expression, named, coloured, explained."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, cast

from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QPushButton,
)

from ...analysis.domain_map import DomainMap, dot_table
from ...analysis.domain_settings import DomainSettings
from ...analysis.domains import MOST_K, agreement
from ...scene.layer_specs import Scene
from ...session.spot_expression import Of
from ..common import dialogs
from ..common.dock import Dock
from ..common.forms import Fields
from ..common.notify import told
from ..common.theme import facts
from ..common.words import tr
from ..frame.gene_link import show_gene
from .domain_table import DomainTable
from .dot_plot import DotPlot

if TYPE_CHECKING:
    import pandas as pd

HIGH, DOTS = 6, 2  # genes named, and plotted, of each domain
MOST_LABELS = 30


class DomainsDock(Dock):
    """Find domains, name them, see what tells them apart."""

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__(napari_viewer)
        self.of = QComboBox()
        self.of.addItem(tr("Predicted expression"), "predicted")
        self.of.addItem(tr("Measured expression"), "measured")
        self.of.setToolTip(tr("Which expression is clustered"))
        self.fields = Fields(
            *(DomainSettings, "features", "k", "method", "smoothing"),
            high={"k": MOST_K},
            sliders=("smoothing",),
        )
        self.find = QPushButton(tr("Find domains"))
        self.find.setToolTip(
            tr("Cluster the spots by the components of their expression, or by their programs")
        )
        self.cancel = QPushButton(tr("Cancel"))
        self.cancel.setToolTip(
            tr("Stop the search within a second or two; the domains stay as they are")
        )
        self.cancel.setEnabled(False)
        self.table = DomainTable()
        self.reason = facts(tr("Why so many domains, and how they agree with the labels"))
        self.dots = DotPlot()
        self.shown = QCheckBox(tr("Show on the slide"))
        self.shown.setToolTip(tr("Colour the spots by their domain"))
        self.truth = QComboBox()
        self.truth.setToolTip(tr("Labels that came with the spots, to compare the domains with"))
        self.to_regions = QPushButton(tr("Turn into regions"))
        self.to_regions.setToolTip(
            tr("Turn every domain into regions that can be edited and exported")
        )
        self.save_markers = QPushButton(tr("Markers…"))
        self.save_markers.setToolTip(tr("Save the table of marker genes (Wilcoxon, FDR) as CSV"))
        self._markers: pd.DataFrame | None = None
        self._explained: DomainMap | None = None
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow("Cluster", self.of)
        self.fields.add_to(form)
        form.addRow("Labels", self.truth)
        self.of.setAccessibleName(tr("Cluster"))
        self.truth.setAccessibleName(tr("Labels"))
        self._truth_label = form.labelForField(self.truth)
        buttons = QHBoxLayout()
        buttons.addWidget(self.to_regions, 1)
        buttons.addWidget(self.save_markers, 1)
        search = QHBoxLayout()
        search.addWidget(self.find, 1)
        search.addWidget(self.cancel)
        self.stack(form, search, self.shown, self.table, buttons, self.reason, self.dots)
        self._wire()
        self._show_table()
        self._show_scene(self.workspace.scene)

    def _wire(self) -> None:
        """Connect everything; there is no wiring of this dock anywhere else."""
        session = self.workspace.session
        self.find.clicked.connect(self._find)
        self.cancel.clicked.connect(self.workspace.tasks.cancel_search)
        self.workspace.tasks.search_changed.connect(self._show_search)
        self.shown.clicked.connect(lambda on: session.show(show_domains=on))
        self.table.renamed.connect(self._rename)
        self.table.recoloured.connect(self._recolour)
        for part in (self.table, self.dots):
            part.gene_asked.connect(self._show_gene)
        self.to_regions.clicked.connect(self._to_regions)
        self.save_markers.clicked.connect(self._save_markers)
        self.truth.activated.connect(self._say_reason)
        self.workspace.shown.connect(self._show_scene)

    def _find(self) -> None:
        with told():
            settings = DomainSettings(**self.fields.values())
            self.workspace.tasks.find_domains(settings, cast(Of, self.of.currentData()))

    def _show_search(self) -> None:
        searching = self.workspace.tasks.searching
        self.cancel.setEnabled(searching)
        self.find.setEnabled(self.workspace.session.spots is not None and not searching)

    def _show_gene(self, gene: str) -> None:
        with told():
            show_gene(self.workspace.session, gene)

    def _rename(self, key: str, name: str) -> None:
        session = self.workspace.session
        domains = session.annotations.domains
        with told():
            if domains is not None and domains.names[key] != name:
                session.edit("Rename a domain", domains=domains.renamed(key, name))
        self._show_table()

    def _recolour(self, key: str, colour: tuple[int, int, int]) -> None:
        session = self.workspace.session
        if session.annotations.domains is not None:
            changed = session.annotations.domains.recoloured(key, colour)
            session.edit("Colour a domain", domains=changed)

    def _to_regions(self) -> None:
        with told():
            self.workspace.tasks.domains_to_regions()

    def _save_markers(self) -> None:
        if self._markers is None:
            return
        path = dialogs.ask_target(self, "Save the marker genes", "markers.csv", dialogs.TABLE)
        if path is not None:
            with told():
                write_table(self._named(self._markers), path)

    def _show_scene(self, _: Scene) -> None:
        session = self.workspace.session
        domains = session.annotations.domains
        self._show_search()
        self.shown.setChecked(session.display.show_domains and domains is not None)
        for part in (self.shown, self.to_regions):
            part.setEnabled(domains is not None)
        self._offer_labels()
        if domains is None:
            self._markers = None
        elif self._explained is None or domains.labels is not self._explained.labels:
            self._markers = None
            with told():
                self.workspace.tasks.markers(partial(self._take_markers, domains))
        if domains is not self._explained:
            self._explained = domains
            self._say_reason()
            self._show_table()

    def _take_markers(self, domains: DomainMap, markers: pd.DataFrame) -> None:
        now = self.workspace.session.annotations.domains
        if now is not None and now.labels is domains.labels:
            self._markers = markers
            self._show_table()

    def _show_table(self) -> None:
        domains, markers = self.workspace.session.annotations.domains, self._markers
        high: dict[str, str] = {}
        dots = None
        if domains is not None and markers is not None:
            tops = {key: markers[markers["domain"] == key].head(HIGH) for key in domains.keys}
            high = {key: ", ".join(table["gene"]) for key, table in tops.items()}
            chosen = tuple(
                dict.fromkeys(g for table in tops.values() for g in table["gene"].head(DOTS))
            )
            with told():
                expression, genes = self.workspace.session.expression.matrix(cast(Of, domains.of))
                dots = dot_table(expression, genes, domains, chosen)
        self.table.show_domains(domains, high)
        self.dots.show_table(dots)
        self.save_markers.setEnabled(markers is not None)

    def _named(self, markers: pd.DataFrame) -> pd.DataFrame:
        domains = self.workspace.session.annotations.domains
        names = dict(domains.names) if domains is not None else {}
        return markers.assign(domain=markers["domain"].map(names))

    def _offer_labels(self) -> None:
        spots = self.workspace.session.spots
        offered = [] if spots is None else label_columns(spots.obs)
        if offered != [self.truth.itemText(i) for i in range(self.truth.count())]:
            self.truth.clear()
            self.truth.addItems(offered)
        for part in (self.truth, self._truth_label):
            part.setVisible(bool(offered))

    def _say_reason(self) -> None:
        session = self.workspace.session
        domains, column = session.annotations.domains, self.truth.currentText()
        text = domains.reason if domains is not None else ""
        if domains is not None and column and session.spots is not None:
            labels = session.spots.obs[column].astype(str).to_numpy(dtype=str)
            with told():
                ari, nmi, n = agreement(domains.labels, labels)
                text += f" Agreement with {column} at {n:,} spots: ARI {ari:.2f}, NMI {nmi:.2f}."
        self.reason.setText(text)


def label_columns(obs: pd.DataFrame) -> list[str]:
    """Return the columns of spots that look like labels: text, of two to thirty kinds."""
    return [
        str(name)
        for name in obs.columns
        if obs[name].dtype.kind not in "biufc" and 2 <= obs[name].nunique() <= MOST_LABELS
    ]


def write_table(table: pd.DataFrame, path: Any) -> None:
    """Write a table as CSV, whole or not at all."""
    from ...files import atomic_file

    with atomic_file(path) as temporary:
        table.to_csv(temporary, index=False)
