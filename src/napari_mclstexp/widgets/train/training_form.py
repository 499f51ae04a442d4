"""The form of the "Train" dock: what the model starts from, its genes, and where it is saved."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from qtpy.QtWidgets import (
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QStackedWidget,
    QWidget,
)

from ...errors import SettingsError
from ...training.presets import PRESETS
from ...training.process import TrainRequest
from ...training.settings import VARIABLE_GENES, TrainSettings
from ..common import dialogs
from ..common.forms import Fields, help_of
from ..common.words import tr

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
            tr(
                "What training starts from: an image encoder's weights (usual), random weights, or "
                "a trained model"
            )
        )
        self.fields = Fields(
            *(TrainSettings, "freeze_encoder", "head", "rank", "epochs"),
            defaults={"freeze_encoder": True},
        )
        self.more = Fields(TrainRequest, "preset", "hvg", defaults={"hvg": VARIABLE_GENES})
        self.encoder = QComboBox()  # by hand: in magicgui's no other choice can be typed
        self.encoder.setEditable(True)
        self.encoder.addItems(list(ENCODERS))
        self.encoder.setToolTip(help_of(TrainSettings, "encoder"))
        self.weights = PathField(help_of(TrainSettings, "weights"), "Choose a weights file")
        self.base = PathField(
            help_of(TrainSettings, "init_from"), "Choose a model folder", folder=True
        )
        self.source = QStackedWidget()
        for each in (self.weights, QWidget(), self.base):
            self.source.addWidget(each)
        self.genes = PathField(help_of(TrainRequest, "genes"), "Choose a gene list")
        self.held_out = QComboBox()
        self.held_out.addItem(NOBODY)
        self.held_out.setToolTip(help_of(TrainRequest, "held_out"))
        self.out = PathField(help_of(TrainRequest, "out"), "Save the model as", save=True)
        self._form = form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setVerticalSpacing(4)
        for label, field in (
            ("Start from", self.start),
            ("", self.source),
            ("Encoder", self.encoder),
            ("", self.fields["freeze_encoder"]),
            ("Preset", self.more["preset"]),
            ("Head", self.fields["head"]),
            ("Programs", self.fields["rank"]),
            ("Gene list", self.genes),
            ("or variable", self.more["hvg"]),
            ("Hold out", self.held_out),
            ("Epochs", self.fields["epochs"]),
            ("Model", self.out),
        ):
            form.addRow(label, field)
        self.start.currentIndexChanged.connect(self._start_changed)
        self.more.widgets["preset"].changed.connect(self._preset_changed)
        self.fields.widgets["head"].changed.connect(self._show_what_counts)
        self._preset_changed()

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
            encoder=self.encoder.currentText().strip(),
            weights=self.weights.path if self.start.currentText() == WEIGHTS else None,
            from_scratch=self.start.currentText() == SCRATCH,
            init_from=self.base.path if tune else None,
            held_out=None if held_out == NOBODY else held_out,
            name=self.out.path.name,
            **self.more.values(),
            **self._chosen(),
        )

    def _start_changed(self, index: int) -> None:
        self.source.setCurrentIndex(index)
        self.source.setVisible(index != 1)
        self.encoder.setEnabled(self.start.currentText() != TUNE)
        self._show_what_counts()

    def _preset_changed(self) -> None:
        """Take the preset's head."""
        preset = PRESETS[self.more.values()["preset"]]
        self.fields.widgets["head"].value = preset.get("head", "contrastive")
        self._show_what_counts()

    def _counts(self) -> dict[str, bool]:
        """Return which of the fields have something to say in a training as it is chosen now."""
        tune = self.start.currentText() == TUNE
        seen_as_map = PRESETS[self.more.values()["preset"]].get("features") == "map"
        head = self.fields.values()["head"]
        return {
            "freeze_encoder": tune or not seen_as_map,  # a map's encoder is frozen anyhow
            "head": seen_as_map and not tune,  # patches are read by one head; a model has its own
            "rank": seen_as_map and head != "contrastive",
            "epochs": tune or head != "linear",  # a linear head is computed at once
        }

    def _chosen(self) -> dict[str, Any]:
        values, counts = self.fields.values(), self._counts()
        return {name: value for name, value in values.items() if counts[name]}

    def _show_what_counts(self) -> None:
        for name, counts in self._counts().items():
            field = self.fields[name]
            field.setVisible(counts)
            label = self._form.labelForField(field)
            if label is not None:
                label.setVisible(counts)
