"""The spots of the "Slide and spots" dock: load, lay a grid, show outlines and counts."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QCheckBox,
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
from ..common.theme import facts, heading
from ..common.words import tr


class SpotsPanel(QWidget):
    """Loading spots and what was read of them.

    Signals
    -------
    spots_asked, clear_asked, outlines_wanted, counts_wanted
        Path of the spots and of their counts (or None); nothing; on or off; nothing.
    """

    spots_asked = Signal(object, object)
    clear_asked = Signal()
    outlines_wanted = Signal(bool)
    counts_wanted = Signal()

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
        self.counts = QPushButton(tr("Show measured counts"))
        self.counts.setToolTip(
            tr("Show what was counted of a gene; choose which in the gene bar above the tissue")
        )

        buttons = QHBoxLayout()
        buttons.addWidget(self.load, 1)
        buttons.addWidget(self.clear)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(heading(tr("Spots")))
        layout.addLayout(buttons)
        layout.addWidget(self.facts)
        layout.addWidget(self.outlines)
        layout.addWidget(self.counts)
        self._wire()

    def _wire(self) -> None:
        self.from_file.triggered.connect(self._ask_file)
        self.from_folder.triggered.connect(self._ask_folder)
        self.from_two.triggered.connect(self._ask_two)
        self.clear.clicked.connect(lambda: self.clear_asked.emit())
        self.outlines.clicked.connect(self.outlines_wanted)
        self.counts.clicked.connect(lambda: self.counts_wanted.emit())

    def show_spots(self, loaded: bool, text: str, outlines: bool, counted: bool) -> None:
        """Show what is loaded, and whether anything was counted."""
        self.counts.setVisible(counted)
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
