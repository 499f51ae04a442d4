"""Choosing a gene: type to search, up and down to walk through, held-out PCC beside each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qtpy.QtCore import QEvent, QModelIndex, QObject, Qt, Signal
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListView,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from ...session.recent_files import Favourites
from .gene_list import NOTHING as NONE_KNOWN
from .gene_list import GeneDelegate, GeneList

KEYS = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)


NOTHING = "Run a prediction, or load spots with counts, to see genes."


class GenePicker(QWidget):
    """A search field over a list of genes.

    Signals
    -------
    picked
        The gene that the person went to, by mouse or keyboard.
    """

    picked = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.genes = GeneList()
        self._gene: str | None = None
        self._favourites = Favourites()
        self._updating = False
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search genes")
        self.search.setClearButtonEnabled(True)
        self.search.setToolTip(
            "Type part of a gene's name, an alias (HER2) or an Ensembl id; ↑ and ↓ walk through "
            "the genes found"
        )
        self.order = QComboBox()
        self.order.addItems(["Best first", "A to Z"])
        self.order.setToolTip(
            "Sort the genes by the correlation that the model reached on sections it had not seen "
            "(held-out PCC), those not shown to be predicted last, or by name; programs come first"
        )
        self.list = QListView()
        self.list.setModel(self.genes)
        self.list.setItemDelegate(GeneDelegate(self.list))
        self.list.setUniformItemSizes(True)
        self.list.setMouseTracking(True)
        # It takes the room that is left, and asks for none beyond a few rows.
        self.list.setMinimumHeight(92)
        self.list.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
        self.list.setToolTip(
            "Programs, genes and signatures; the figure is the held-out PCC of the model for that "
            "gene"
        )
        self.none = QLabel("")
        self.none.setToolTip("Why the list is empty")
        self.none.setWordWrap(True)

        self.star = QToolButton()
        self.star.setText("★")
        self.star.setToolTip(
            "Mark or unmark the current gene; marked genes are listed first (Ctrl+B)"
        )
        self.star.setAccessibleName("Mark the shown gene")
        self.star.setShortcut("Ctrl+B")

        line = QHBoxLayout()
        line.addWidget(self.search, 1)
        line.addWidget(self.star)
        line.addWidget(self.order)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(line)
        layout.addWidget(self.list, 1)
        layout.addWidget(self.none)
        self._wire()

    def _wire(self) -> None:
        self.search.textChanged.connect(self._searched)
        self.search.returnPressed.connect(self._take_first)
        self.search.installEventFilter(self)
        self.star.clicked.connect(self._star_pressed)
        self.genes.set_favourites(self._favourites.genes())
        self.order.currentIndexChanged.connect(self._ordered)
        self.list.selectionModel().currentChanged.connect(self._moved)

    def set_genes(
        self,
        genes: Sequence[str],
        held_out_pcc: Mapping[str, float],
        held_out_low: Mapping[str, float] = NONE_KNOWN,
        programs: Mapping[str, str] = NONE_KNOWN,
    ) -> None:
        """Offer these genes; see :meth:`GeneList.set_genes`."""
        self._updating = True
        self.genes.set_genes(genes, held_out_pcc, held_out_low, programs)
        self._updating = False
        self.order.setVisible(self.genes.scored)
        self._settle()

    def set_gene(self, gene: str | None) -> None:
        """Mark the gene that is shown."""
        self._gene = gene
        self._settle()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Let the arrow keys in the search field move through the list."""
        if (
            watched is self.search
            and isinstance(event, QKeyEvent)
            and event.type() == QEvent.Type.KeyPress
            and event.key() in KEYS
        ):
            step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1, Qt.Key.Key_PageUp: -10}
            self._walk(step.get(Qt.Key(event.key()), 10))
            return True
        return False

    def set_other_names(self, others: Mapping[str, str]) -> None:
        """Take the names by which genes are found beside their symbols."""
        self._updating = True
        self.genes.set_other_names(others)
        self._updating = False
        self._settle()

    def _star_pressed(self) -> None:
        if self._gene is not None:
            self._updating = True
            self.genes.set_favourites(self._favourites.toggle(self._gene))
            self._updating = False
            self._settle()

    def _walk(self, step: int) -> None:
        last = self.genes.rowCount() - 1
        if last >= 0:
            at = self.list.currentIndex().row()
            to = min(max(at + step, 0), last) if at >= 0 else 0
            self.list.setCurrentIndex(self.genes.index(to))

    def _take_first(self) -> None:
        if not self.list.currentIndex().isValid():
            self._walk(0)

    def _searched(self, text: str) -> None:
        self._updating = True
        self.genes.search(text)
        self._updating = False
        self._settle()

    def _ordered(self, index: int) -> None:
        self._updating = True
        self.genes.sort_by(best_first=index == 0)
        self._updating = False
        self._settle()

    def _moved(self, current: QModelIndex) -> None:
        if not self._updating and current.isValid():
            self._gene = str(current.data())
            self.picked.emit(self._gene)

    def _settle(self) -> None:
        """Mark the row of the shown gene and say when nothing matches."""
        row = self.genes.row_of(self._gene)
        moved = row != self.list.currentIndex().row()
        self._updating = True
        self.list.setCurrentIndex(self.genes.index(row) if row >= 0 else QModelIndex())
        self._updating = False
        if row >= 0 and moved:  # not while she walks: the list would jump under her eyes
            self.list.scrollTo(self.genes.index(row), QListView.ScrollHint.PositionAtCenter)
        self.none.setVisible(self.genes.rowCount() == 0)
        wanted = self.search.text()
        self.none.setText(f"No gene has “{wanted}” in its name." if wanted else NOTHING)
