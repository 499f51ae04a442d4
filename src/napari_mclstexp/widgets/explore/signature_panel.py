"""The signatures as a list to tick; more come from GMT files or are pasted."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from ...analysis.signatures import Signature, known_genes, pasted, published, read_gmt
from ...errors import SettingsError
from ...session.spot_expression import SIGNATURE
from ..common import dialogs
from ..common.notify import told
from ..common.words import tr

NAME = int(Qt.ItemDataRole.UserRole)


class SignaturePanel(QWidget):
    """Ticking a signature offers it among the genes and shows it.

    Signals
    -------
    chosen
        All ticked :class:`~napari_mclstexp.analysis.signatures.Signature`.
    asked
        Name under which the one just ticked stands among the genes.
    """

    chosen = Signal(tuple)
    asked = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.list = QListWidget()
        self.list.setMinimumHeight(120)
        self.list.setToolTip(tr("Tick a signature to score it at every spot and to see it"))
        self.list.setAccessibleName(tr("Signatures"))
        self.load = QPushButton(tr("GMT file…"))
        self.load.setToolTip(tr("Add the gene sets of a GMT file, as MSigDB has them"))
        self.paste = QLineEdit()
        self.paste.setPlaceholderText(tr("Paste genes: CD19, CD79A, …"))
        self.paste.setToolTip(tr("Score these genes together; Enter adds them"))
        self._all: dict[str, Signature] = {each.name: each for each in published()}
        self._known: tuple[str, ...] | None = None
        self._filling = False
        line = QHBoxLayout()
        line.addWidget(self.paste, 1)
        line.addWidget(self.load)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.list, 1)
        layout.addLayout(line)
        self._fill()
        self.list.itemChanged.connect(self._ticked)
        self.load.clicked.connect(self._ask_gmt)
        self.paste.returnPressed.connect(self._pasted)

    @property
    def ticked(self) -> tuple[Signature, ...]:
        """The signatures that are ticked."""
        return tuple(
            self._all[item.data(NAME)] for item in self._items() if item.checkState() == ON
        )

    def tick(self, name: str, on: bool = True) -> None:
        """Tick a signature as the person would."""
        for item in self._items():
            if item.data(NAME) == name:
                item.setCheckState(ON if on else OFF)

    def show_signatures(self, chosen: tuple[Signature, ...], genes: tuple[str, ...]) -> None:
        """Show which are chosen, and how many genes of each are known here."""
        self._all |= {each.name: each for each in chosen}
        names = {each.name for each in chosen}
        if genes != self._known or names != {each.name for each in self.ticked}:
            self._known = genes
            self._fill(names)

    def take_gmt(self, path: Path) -> None:
        """Add the signatures of a file.

        Raises
        ------
        SettingsError
            If it is no GMT file.
        """
        self._all |= {each.name: each for each in read_gmt(path)}
        self._fill({each.name for each in self.ticked})

    def _fill(self, ticked: set[str] = frozenset()) -> None:  # type: ignore[assignment]
        self._filling = True
        self.list.clear()
        for signature in self._all.values():
            text, usable = self._known_text(signature)
            item = QListWidgetItem(text)
            item.setData(NAME, signature.name)
            item.setToolTip(f"{signature.source}\n{', '.join(signature.genes)}")
            flags = item.flags() | Qt.ItemFlag.ItemIsUserCheckable
            if not usable and signature.name not in ticked:
                flags &= ~Qt.ItemFlag.ItemIsEnabled
            item.setFlags(flags)
            item.setCheckState(ON if signature.name in ticked else OFF)
            self.list.addItem(item)
        self._filling = False

    def _known_text(self, signature: Signature) -> tuple[str, bool]:
        genes = self._known
        if not genes:
            return signature.name, True
        here = {gene.upper() for gene in genes}
        n = sum(gene.upper() in here for gene in signature.genes)
        try:
            known_genes(signature, genes)
        except SettingsError:
            return f"{signature.name}: {n} of {len(signature.genes)} genes known, too few", False
        return f"{signature.name}: {n} of {len(signature.genes)} genes known", True

    def _items(self) -> list[QListWidgetItem]:
        return [self.list.item(row) for row in range(self.list.count())]

    def _ticked(self, item: QListWidgetItem) -> None:
        if self._filling:
            return
        on, name = item.checkState() == ON, str(item.data(NAME))
        self.chosen.emit(self.ticked)
        if on:
            self.asked.emit(name + SIGNATURE)

    def _ask_gmt(self) -> None:
        path = dialogs.ask_file(self, "Gene sets", dialogs.GMT)
        if path is not None:
            with told():
                self.take_gmt(path)

    def _pasted(self) -> None:
        with told():
            count = sum(name.startswith("Pasted") for name in self._all)
            signature = pasted(self.paste.text(), f"Pasted {count + 1}")
            if self._known:
                known_genes(signature, self._known)
            self._all[signature.name] = signature
            self._fill({each.name for each in self.ticked})
            self.paste.clear()
            self.tick(signature.name)


ON, OFF = Qt.CheckState.Checked, Qt.CheckState.Unchecked
