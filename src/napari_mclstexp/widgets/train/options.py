"""How the "Train" dock's model shall be: its start, preset, genes, and where it goes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QStackedWidget,
    QWidget,
)

from ...errors import SettingsError
from ...training.process import TrainRequest
from ..common import dialogs

WEIGHTS, SCRATCH, TUNE = "Encoder weights", "Random weights", "Fine-tune a model"
NOBODY = "no section"
ENCODERS = ("densenet121", "timm:tf_efficientnet_lite0", "timm:resnet50", "timm:convnext_tiny")


class PathField(QWidget):
    """A path that can be typed or chosen."""

    def __init__(self, tooltip: str, ask: str, *, folder: bool = False, save: bool = False) -> None:
        super().__init__()
        self.text = QLineEdit()
        self.text.setToolTip(tooltip)
        self.text.setAccessibleName(ask)
        self.browse = QPushButton("…")
        self.browse.setToolTip(ask)
        self.browse.setFixedWidth(32)
        self._ask, self._folder, self._save = ask, folder, save
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.text, 1)
        layout.addWidget(self.browse)
        self.browse.clicked.connect(self._browse)

    @property
    def path(self) -> Path | None:
        """What stands there, or None."""
        return Path(self.text.text().strip()) if self.text.text().strip() else None

    def _browse(self) -> None:
        if self._save:
            found = dialogs.ask_target(self, self._ask, "my_model", "Model folder (*)")
        elif self._folder:
            found = dialogs.ask_folder(self, self._ask)
        else:
            found = dialogs.ask_file(self, self._ask, "All files (*)")
        if found is not None:
            self.text.setText(str(found))


class OptionsPanel(QWidget):
    """The choices; everything else is the preset's."""

    def __init__(self) -> None:
        super().__init__()
        self.start = QComboBox()
        self.start.addItems([WEIGHTS, SCRATCH, TUNE])
        self.start.setToolTip(
            "What training starts from: an image encoder's weights (usual), nothing at all, or a "
            "model whose weights are gone on from"
        )
        self.encoder = QComboBox()
        self.encoder.setEditable(True)
        self.encoder.addItems(list(ENCODERS))
        self.encoder.setToolTip("The image encoder: densenet121 (the paper's), or timm:NAME")
        self.weights = PathField(
            "File with the encoder's weights; nothing is downloaded. For densenet121, "
            "torchvision's file is found where torch keeps it.",
            "Choose a weights file",
        )
        self.base = PathField("The model to go on from", "Choose a model folder", folder=True)
        self.source = QStackedWidget()
        for each in (self.weights, QWidget(), self.base):
            self.source.addWidget(each)
        self.freeze = QCheckBox("Keep the encoder as it is")
        self.freeze.setChecked(True)
        self.freeze.setToolTip(
            "Its features are then computed once, which makes a computer without a GPU enough"
        )
        self.preset = QComboBox()
        self.preset.addItems(["default", "reference"])
        self.preset.setToolTip(
            "default: the recommended choices; reference: those of the authors' published code"
        )
        self.genes = PathField("Text file with one gene a line", "Choose a gene list")
        self.variable = QSpinBox()
        self.variable.setRange(10, 5000)
        self.variable.setValue(1000)
        self.variable.setToolTip(
            "Without a list: so many most variable genes of each section, united (scanpy)"
        )
        self.held_out = QComboBox()
        self.held_out.addItem(NOBODY)
        self.held_out.setToolTip(
            "A section that is not learned from: every gene is scored on it, and it is drawn below "
            "as it gets better"
        )
        self.epochs = QSpinBox()
        self.epochs.setRange(1, 10_000)
        self.epochs.setValue(90)
        self.epochs.setToolTip("Passes over all sections; 90 in the paper")
        self.out = PathField("The model folder to write", "Save the model as", save=True)
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setVerticalSpacing(4)
        for label, field in (
            ("Start from", self.start),
            ("", self.source),
            ("Encoder", self.encoder),
            ("", self.freeze),
            ("Preset", self.preset),
            ("Gene list", self.genes),
            ("or variable", self.variable),
            ("Hold out", self.held_out),
            ("Epochs", self.epochs),
            ("Model", self.out),
        ):
            form.addRow(label, field)
        self.start.currentIndexChanged.connect(self._start_changed)

    def offer_sections(self, names: Sequence[str]) -> None:
        """List the sections that may be held out, keeping the choice if it is still there."""
        chosen = self.held_out.currentText()
        self.held_out.clear()
        self.held_out.addItems([NOBODY, *names])
        self.held_out.setCurrentIndex(max(0, self.held_out.findText(chosen)))

    def request(self, cohort: Path) -> TrainRequest:
        """Return what was chosen.

        Raises
        ------
        SettingsError
            If no model folder was named.
        """
        if self.out.path is None:
            raise SettingsError("Say where the model shall be saved: give a folder under Model.")
        tune = self.start.currentText() == TUNE
        if tune and self.base.path is None:
            raise SettingsError("Say which model to fine-tune: give its folder under Start from.")
        held_out = self.held_out.currentText()
        return TrainRequest(
            cohort=cohort,
            out=self.out.path,
            genes=self.genes.path,
            hvg=self.variable.value(),
            preset=self.preset.currentText(),
            encoder=self.encoder.currentText().strip(),
            weights=self.weights.path if self.start.currentText() == WEIGHTS else None,
            from_scratch=self.start.currentText() == SCRATCH,
            freeze_encoder=self.freeze.isChecked(),
            init_from=self.base.path if tune else None,
            held_out="" if held_out == NOBODY else held_out,
            epochs=self.epochs.value(),
            name=self.out.path.name,
        )

    def _start_changed(self, index: int) -> None:
        self.source.setCurrentIndex(index)
        self.source.setVisible(index != 1)
        self.encoder.setEnabled(self.start.currentText() != TUNE)
