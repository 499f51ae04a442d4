"""Choosing a gene: type to search, up and down to walk through, how far each can be trusted."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial

from qtpy.QtCore import QEvent, QModelIndex, QObject, QPoint, Qt, Signal
from qtpy.QtGui import QFocusEvent, QKeyEvent, QKeySequence
from qtpy.QtWidgets import (
    QApplication,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QListView,
    QShortcut,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from ...analysis.gene_aliases import look_up
from ...session.recent_files import Favourites
from ..common.link_label import LinkLabel
from ..common.theme import gene_links, when_theme_changes
from ..common.words import tr
from .gene_list import NOTHING as NONE_KNOWN
from .gene_list import GeneDelegate, GeneList

KEYS = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)
LIST_SIZE = (330, 320)
NOTHING = "Run a prediction, or load spots with counts, to see genes."


class GenePicker(QWidget):
    """A search field with a list of genes that unfolds below it.

    The arrow keys walk through the genes with the list folded, so that it covers no tissue.

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
        self._measured = False
        self._known: Collection[str] = ()
        self.search = QLineEdit()
        self.search.setPlaceholderText(tr("Search genes (Ctrl+F)"))
        self.search.setClearButtonEnabled(True)
        self.search.setAccessibleName(tr("Search genes"))
        self.search.setToolTip(
            tr(
                "Type part of a gene's name, an alias (HER2) or an Ensembl id (Ctrl+F); ↑ and ↓ "
                "walk through the genes found, Enter takes the first"
            )
        )
        self.unfold = _button("▾", tr("Show the list of genes (Alt+G)"), "List of genes", "Alt+G")
        self.before = _button("▲", tr("The gene before in the list (F6)"), "Gene before")
        self.after = _button("▼", tr("The next gene in the list (F7)"), "Next gene")
        self.star = _button(
            *("★", "Mark or unmark the current gene; marked genes are listed first (Ctrl+B)"),
            *("Mark the shown gene", "Ctrl+B"),
        )
        self.star.setCheckable(True)
        self.drop = _Drop(self)
        self.order, self.list, self.none = self.drop.order, self.drop.list, self.drop.none
        self.list.setModel(self.genes)
        self.note = LinkLabel()
        self.note.setAccessibleName(tr("What became of the search"))
        self.note.setToolTip(
            tr("What the name that you searched for means, and what comes closest")
        )
        self.note.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(3)
        self.search.setMinimumWidth(150)
        self.search.setMaximumWidth(260)
        line.addWidget(self.search, 2)
        for button in (self.unfold, self.before, self.after, self.star):
            line.addWidget(button)
        self.line = line
        line.addWidget(self.note, 3)
        self._wire()

    def _wire(self) -> None:
        self.search.textEdited.connect(lambda text: self.open_list() if text.strip() else None)
        self.search.textChanged.connect(self._searched)
        self.search.returnPressed.connect(self._take_first)
        self.search.installEventFilter(self)
        self.list.installEventFilter(self)
        self.unfold.clicked.connect(self._toggle_list)
        for button, keys, step in ((self.before, "F6", -1), (self.after, "F7", 1)):
            button.clicked.connect(partial(self._stepped, step))
            # A button's own shortcut waits until the button was seen to go down and up.
            shortcut = QShortcut(QKeySequence(keys), self)
            shortcut.activated.connect(partial(self._walk, step))
        self.star.clicked.connect(self._star_pressed)
        self.genes.set_favourites(self._favourites.genes())
        self.order.currentIndexChanged.connect(self._ordered)
        self.list.selectionModel().currentChanged.connect(self._moved)
        self.list.clicked.connect(lambda _: self.drop.hide())
        for label in (self.note, self.none):
            label.linkActivated.connect(self._link)
        when_theme_changes(self._restyle)

    # -- what there is -------------------------------------------------------------------------

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
        if gene != self._gene and gene is not None:
            self.note.setText("")  # it spoke of another gene
        self._gene = gene
        self._settle()

    def set_other_names(self, others: Mapping[str, str]) -> None:
        """Take the names by which genes are found beside their symbols."""
        self._updating = True
        self.genes.set_other_names(others)
        self._updating = False
        self._settle()

    def set_known(self, known: Collection[str], measured: bool) -> None:
        """Take the names that are genes here though they may not be offered.

        Parameters
        ----------
        known
            Symbols of the genes that were measured.
        measured
            Whether it is those that are offered, and not what a model predicts.
        """
        self._known, self._measured = known, measured

    # -- the list ------------------------------------------------------------------------------

    def go_to(self) -> None:
        """Put the keys into the search field, what is there chosen to be written over."""
        self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.search.selectAll()

    def open_list(self) -> None:
        """Unfold the list below the search field."""
        self.drop.open_below(self.search)

    def _toggle_list(self) -> None:
        if self.drop.isVisible():
            self.drop.hide()
        else:
            self.open_list()
            self.search.setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Let the arrow keys in the search field move through the list, and fold it when left."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.key() == Qt.Key.Key_Escape and self.drop.isVisible():
                self.drop.hide()
                return True
            if watched is self.search and event.key() in KEYS:
                step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1, Qt.Key.Key_PageUp: -10}
                self._walk(step.get(Qt.Key(event.key()), 10))
                return True
        if isinstance(event, QFocusEvent) and event.lostFocus() and self.drop.isVisible():
            now = QApplication.focusWidget()
            if now is not None and now is not self.search and not self.drop.isAncestorOf(now):
                self.drop.hide()
        return False

    def _restyle(self) -> None:
        """Write links in the theme of the moment."""
        if self.note.text():
            self.note.setText(self._answer(self.search.text().strip()))
        self._settle()

    # -- within --------------------------------------------------------------------------------

    def _star_pressed(self) -> None:
        if self._gene is not None:
            self._updating = True
            self.genes.set_favourites(self._favourites.toggle(self._gene))
            self._updating = False
        self._settle()

    def _stepped(self, step: int, _: bool = False) -> None:
        self._walk(step)

    def _walk(self, step: int) -> None:
        last = self.genes.rowCount() - 1
        if last >= 0:
            at = self.list.currentIndex().row()
            to = min(max(at + step, 0), last) if at >= 0 else 0
            self.list.setCurrentIndex(self.genes.index(to))

    def _take_first(self) -> None:
        wanted = self.search.text().strip()
        if self.genes.rowCount():
            exact = look_up(wanted, self.genes.shown, near=False).gene if wanted else ""
            row = self.genes.row_of(exact) if exact else -1
            if row >= 0:
                self.list.setCurrentIndex(self.genes.index(row))
            elif not self.list.currentIndex().isValid():
                self._walk(0)
        self.drop.hide()
        self.note.setText(self._answer(wanted))

    def _answer(self, wanted: str) -> str:
        """Return what became of a search in rich text, with links to what comes closest."""
        if not wanted:
            return ""
        part = self.genes.rowCount() > 0  # of a name that some genes have
        found = look_up(wanted, self.genes.offered, self._known, near=not part)
        if part and not found.gene:
            return ""
        sentences = [found.sentence(self._measured)]
        if not self._measured and not found.gene and found.symbol in self._known:
            sentences.append(f"It was measured here: {gene_links([found.symbol])}.")
        if found.near:
            sentences.append(f"Near: {gene_links(found.near)}.")
        return " ".join(sentence for sentence in sentences if sentence)

    def _link(self, gene: str) -> None:
        self.search.clear()
        self.drop.hide()
        self.picked.emit(gene)

    def _searched(self, text: str) -> None:
        self._updating = True
        self.genes.search(text)
        self._updating = False
        self.note.setText("")
        self._settle()

    def _ordered(self, index: int) -> None:
        self._updating = True
        self.genes.sort_by(best_first=index == 0)
        self._updating = False
        self._settle()

    def _moved(self, current: QModelIndex) -> None:
        if not self._updating and current.isValid():
            self._gene = str(current.data())
            self.note.setText("")
            self.star.setChecked(self.genes.is_favourite(self._gene))
            self.picked.emit(self._gene)

    def _settle(self) -> None:
        """Mark the row of the shown gene and say when nothing matches."""
        row = self.genes.row_of(self._gene)
        moved = row != self.list.currentIndex().row()
        self._updating = True
        self.list.setCurrentIndex(self.genes.index(row) if row >= 0 else QModelIndex())
        self._updating = False
        if moved and self.drop.isVisible():  # laying out thousands of genes unseen takes long
            self.drop.go_to_current()
        some = self.genes.rowCount() > 0
        for button in (self.before, self.after):
            button.setEnabled(some)
        self.star.setEnabled(self._gene is not None)
        self.star.setChecked(self._gene is not None and self.genes.is_favourite(self._gene))
        wanted = self.search.text().strip()
        said = self._answer(wanted) if wanted else "" if some else NOTHING
        self.none.setText(said)
        self.none.setVisible(bool(said))
        self.drop.fit()


class _Drop(QFrame):
    """The list, over whatever is below the search field; a child of the window, so no popup."""

    def __init__(self, picker: GenePicker) -> None:
        super().__init__(picker)
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.setAutoFillBackground(True)
        self.setAccessibleName(tr("Genes found"))
        self.order = QComboBox()
        self.order.addItems(["Best first", "A to Z"])
        self.order.setAccessibleName(tr("Order of the genes"))
        self.order.setToolTip(
            tr(
                "Sort the genes by the correlation that the model reached on sections it had not "
                "seen (held-out PCC), those not shown to be predicted last, or by name; programs "
                "come first"
            )
        )
        self.list = QListView()
        self.list.setItemDelegate(GeneDelegate(self.list))
        self.list.setUniformItemSizes(True)
        self.list.setMouseTracking(True)
        self.list.setAccessibleName(tr("Genes"))
        self.list.setToolTip(
            tr(
                "Programs, genes and signatures; the figure is the held-out PCC of the model for "
                "that gene"
            )
        )
        self.none = LinkLabel()
        self.none.setToolTip(tr("What the name means, or why the list is empty"))
        self.none.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.setSpacing(4)
        layout.addWidget(self.order)
        layout.addWidget(self.list, 1)
        layout.addWidget(self.none)
        self.hide()

    def open_below(self, field: QWidget) -> None:
        """Show it below a field, as high as the window has room."""
        window = field.window()
        if self.parentWidget() is not window:
            self.setParent(window)
        self.move(field.mapTo(window, QPoint(0, field.height() + 2)))
        self.show()
        self.raise_()
        self.fit()
        self.go_to_current()

    def go_to_current(self) -> None:
        """Bring the gene that is shown into the middle of the list."""
        current = self.list.currentIndex()
        if current.isValid():
            self.list.scrollTo(current, QListView.ScrollHint.PositionAtCenter)

    def fit(self) -> None:
        """Be as high as the genes found need, within the window."""
        model, window = self.list.model(), self.parentWidget()
        if not self.isVisible() or model is None or window is None:
            return
        width, most = LIST_SIZE
        rows = int(model.rowCount())
        self.list.setVisible(rows > 0)
        wanted = rows * max(int(self.list.sizeHintForRow(0)), 18) + 10
        for part in (self.order, self.none):
            hint = part.heightForWidth(width - 12) if part.hasHeightForWidth() else -1
            wanted += 0 if part.isHidden() else max(hint, part.sizeHint().height()) + 8
        room = max(window.height() - self.y() - 8, 80)
        self.resize(width, min(wanted, most, room))


def _button(text: str, tooltip: str, name: str, keys: str = "") -> QToolButton:
    button = QToolButton()
    button.setText(text)
    button.setToolTip(tooltip)
    button.setAccessibleName(name)
    button.setShortcut(keys)
    return button
