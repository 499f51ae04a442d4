"""The spots of the "Slide and spots" dock: load, lay a grid, show outlines and counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from qtpy.QtCore import QStringListModel, Qt, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QCompleter,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from ...spots import GridSettings
from ..common import dialogs
from ..common.forms import Fields
from ..common.theme import facts, heading, rule
from ..common.words import tr

if TYPE_CHECKING:
    from collections.abc import Sequence


class SpotsPanel(QWidget):
    """Loading spots and what was read of them.

    Signals
    -------
    spots_asked, clear_asked, outlines_wanted
        Path of the spots and of their counts (or None); nothing; on or off.
    """

    spots_asked = Signal(object, object)
    clear_asked = Signal()
    outlines_wanted = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self.load = QPushButton(tr("Load spots"))
        self.load.setToolTip(
            tr(
                "Load measured spots: a Space Ranger folder, a legacy ST spot file with its "
                "counts, an h5ad file, or a table of x and y"
            )
        )
        menu = QMenu(self.load)
        menu.setToolTipsVisible(True)
        self.from_file = menu.addAction(tr("Spot file…"))
        self.from_file.setToolTip(
            tr(
                "An h5ad file, a CSV or TSV of x and y, or a legacy ST spot file; counts "
                "beside a legacy ST file are found by name"
            )
        )
        self.from_folder = menu.addAction(tr("Space Ranger folder…"))
        self.from_folder.setToolTip(
            tr("The outs folder of Space Ranger, or AnnData or SpatialData in zarr")
        )
        self.from_two = menu.addAction(tr("Spot file and counts file…"))
        self.from_two.setToolTip(tr("A legacy ST spot file, then the file with its counts"))
        self.load.setMenu(menu)
        self.clear = QPushButton(tr("Remove"))
        self.clear.setToolTip(tr("Remove the spots and their prediction"))
        self.facts = facts(tr("The spots: how many, of which platform, with how many genes"))
        self.outlines = QCheckBox(tr("Show outlines"))
        self.outlines.setToolTip(tr("Draw each spot as a circle of its true diameter"))

        buttons = QHBoxLayout()
        buttons.addWidget(self.load, 1)
        buttons.addWidget(self.clear)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(heading(tr("Spots")))
        layout.addLayout(buttons)
        layout.addWidget(self.facts)
        layout.addWidget(self.outlines)
        self._wire()

    def _wire(self) -> None:
        self.from_file.triggered.connect(self._ask_file)
        self.from_folder.triggered.connect(self._ask_folder)
        self.from_two.triggered.connect(self._ask_two)
        self.clear.clicked.connect(lambda: self.clear_asked.emit())
        self.outlines.clicked.connect(self.outlines_wanted)

    def show_spots(self, loaded: bool, text: str, outlines: bool) -> None:
        """Show what is loaded."""
        self.clear.setEnabled(loaded)
        self.outlines.setEnabled(loaded)
        self.outlines.setChecked(outlines)
        self.facts.setText(text or "No spots yet.")

    def _ask_file(self) -> None:
        path = dialogs.ask_file(self, "Load spots", dialogs.SPOTS)
        if path is not None:
            self.spots_asked.emit(path, None)

    def _ask_folder(self) -> None:
        path = dialogs.ask_folder(self, "Choose the outs folder of Space Ranger")
        if path is not None:
            self.spots_asked.emit(path, None)

    def _ask_two(self) -> None:
        path = dialogs.ask_file(self, "Load spots", dialogs.SPOTS)
        counts = path and dialogs.ask_file(self, "Load the counts of these spots", dialogs.COUNTS)
        if counts is not None:
            self.spots_asked.emit(path, counts)


class GridPanel(QWidget):
    """A grid of spots for a slide that has none.

    Signals
    -------
    grid_asked
        Without anything; :meth:`settings` says how.
    """

    grid_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.fields = Fields(GridSettings)
        self.lay = QPushButton(tr("Create grid over the tissue"))
        self.lay.setToolTip(
            tr("Find the tissue and cover it with spots; they replace any spots shown")
        )
        form = QGridLayout()
        form.setColumnStretch(1, 1)
        form.setColumnStretch(3, 1)
        for name, row, column, width in (
            ("pitch_um", 0, 0, 1),
            ("diameter_um", 0, 2, 1),
            ("layout", 1, 0, 3),
        ):
            form.addWidget(QLabel(self.fields.label(name)), row, column)
            form.addWidget(self.fields[name], row, column + 1, 1, width)
        form.addWidget(self.lay, 2, 0, 1, 4)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(heading(tr("No spots? Create a grid")))
        layout.addLayout(form)
        self.lay.clicked.connect(lambda: self.grid_asked.emit())

    def settings(self) -> GridSettings:
        """Return what is chosen."""
        return GridSettings(**self.fields.values())


class CountsPanel(QWidget):
    """The measured counts as a layer, a gene at a time.

    Signals
    -------
    gene_chosen
        The gene whose counts shall be shown.
    """

    gene_chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.gene = QComboBox()
        self.gene.setEditable(True)
        self.gene.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.gene.setToolTip(tr("Type part of a gene's name to show its counts"))
        # Thousands of names: measuring each of them would hold up the window.
        self.gene.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self._genes = QStringListModel()
        self.gene.setModel(self._genes)
        completer = cast(QCompleter, self.gene.completer())
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        completer.setCompletionMode(QCompleter.CompletionMode.PopupCompletion)
        line = QHBoxLayout()
        line.addWidget(QLabel(tr("Gene")))
        line.addWidget(self.gene, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(rule())
        layout.addWidget(heading(tr("Measured counts")))
        layout.addLayout(line)
        self.gene.activated.connect(lambda: self.gene_chosen.emit(self.gene.currentText()))

    def show_genes(self, genes: Sequence[str], shown: str | None) -> None:
        """Offer the genes that were counted; hidden where there are none."""
        self.setVisible(bool(genes))
        if list(genes) != self._genes.stringList():
            self._genes.setStringList(list(genes))
        self.gene.setCurrentIndex(self.gene.findText(shown) if shown else -1)
