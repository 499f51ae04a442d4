"""The model of the "Predict" dock: choose one, read its card."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from ...model.card import card_lines
from ..common import dialogs
from ..common.theme import facts, heading
from ..common.words import tr
from .model_choices import Choice

if TYPE_CHECKING:
    from ...model import Model

PLACEHOLDER = "Choose a model…"
OTHER = "Another folder…"


class ModelPanel(QWidget):
    """A list of models and the card of the chosen one.

    Signals
    -------
    model_asked
        The folder of the model that the person wants.
    more_asked
        She wants models that are not in the list.
    """

    model_asked = Signal(object)
    more_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.models = QComboBox()
        self.models.setToolTip(
            tr(
                "The model to predict with: one that you fetched, built or added, the built-in "
                "demo, a recently used one, or any model folder"
            )
        )
        self.models.setMinimumContentsLength(12)
        self.models.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.card = facts(
            tr(
                "The model's card: its genes, the tissue it looks at, what it was trained on, and "
                "the correlation (PCC) it reached on sections it had not seen"
            )
        )
        self.card.setTextFormat(Qt.TextFormat.RichText)
        self.more = QPushButton(tr("Get more…"))
        self.more.setToolTip(
            tr("Build a model of real tissue, fetch encoder weights and public data, add your own")
        )
        self._path: Path | None = None
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        line = QHBoxLayout()
        line.addWidget(heading(tr("Model")))
        line.addWidget(self.models, 1)
        line.addWidget(self.more)
        layout.addLayout(line)
        layout.addWidget(self.card)
        self.models.activated.connect(self._chosen)
        self.more.clicked.connect(lambda: self.more_asked.emit())

    def offer(self, choices: list[Choice], chosen: Path | None) -> None:
        """List these models, with the chosen one selected."""
        self._path = chosen
        self.models.clear()
        self.models.addItem(PLACEHOLDER)
        for choice in choices:
            self.models.addItem(choice.label, choice.path)
            tip_role = Qt.ItemDataRole.ToolTipRole
            self.models.setItemData(self.models.count() - 1, str(choice.path), tip_role)
        self.models.addItem(OTHER)
        self._select_chosen()

    def show_model(self, model: Model | None) -> None:
        """Show the card of a model."""
        self._path = model.path if model is not None else None
        self._select_chosen()
        self.card.setVisible(model is not None)
        if model is not None:
            lines = (escape(line) for line in card_lines(model.config))
            self.card.setText(f"<b>{escape(model.config.name)}</b><br>" + "<br>".join(lines))

    def _select_chosen(self) -> None:
        row = 0
        for index in range(self.models.count()):
            path = self.models.itemData(index)
            if isinstance(path, Path) and self._path and path.resolve() == self._path.resolve():
                row = index
        self.models.setCurrentIndex(row)

    def _chosen(self, index: int) -> None:
        path = self.models.itemData(index)
        if self.models.itemText(index) == OTHER and path is None:
            path = dialogs.ask_folder(self, "Choose a model folder")
        if isinstance(path, Path) and path != self._path:
            self.model_asked.emit(path)
        else:
            self._select_chosen()
