"""The slide of the "Slide and spots" dock: open, close, what was read, and its scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QDoubleSpinBox, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from ..common import dialogs
from ..common.theme import facts, heading
from ..common.words import tr

if TYPE_CHECKING:
    from ...slides import Slide
    from .slide_chooser import SlideChooser


class SlidePanel(QWidget):
    """Buttons and facts of the slide.

    Signals
    -------
    open_asked, sample_asked, close_asked, scale_given
        A path; nothing; nothing; µm per level-0 px.
    """

    open_asked = Signal(object)
    sample_asked = Signal()
    close_asked = Signal()
    scale_given = Signal(float)

    def __init__(self, chooser: SlideChooser) -> None:
        super().__init__()
        self.chooser = chooser
        self.open = QPushButton(tr("Open slide…"))
        self.open.setToolTip(
            tr(
                "Open a whole-slide image (svs, ndpi, mrxs, scn, bif, DICOM, OME-TIFF, TIFF, JPEG, "
                "PNG) beside those that are open. Dropping the file on the window does the same."
            )
        )
        self.close_slide = QPushButton(tr("Close"))
        self.close_slide.setToolTip(tr("Close the shown slide with its spots and predictions"))
        self.facts = facts(tr("The slide: file, size in pixels and in mm, µm per pixel"))
        self.scale = QDoubleSpinBox()
        self.scale.setDecimals(3)
        self.scale.setRange(0.01, 100.0)
        self.scale.setSingleStep(0.05)
        self.scale.setValue(0.5)
        self.scale.setToolTip(
            tr(
                "Width of one full-resolution pixel in µm: about 0.25 for a 40x scan, 0.5 for 20x. "
                "Needed because the file does not state it."
            )
        )
        self.set_scale = QPushButton(tr("Set"))
        self.set_scale.setToolTip(tr("Use this scale for the slide"))
        self.scale_line = QWidget()
        line = QHBoxLayout(self.scale_line)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(QLabel(tr("Scale, µm per px")))
        line.addWidget(self.scale, 1)
        line.addWidget(self.set_scale)

        self.sample = QPushButton(tr("Open sample"))
        self.sample.setToolTip(tr("Open a synthetic section with its spots, to try everything on"))
        buttons = QHBoxLayout()
        buttons.addWidget(self.open, 1)
        buttons.addWidget(self.sample)
        buttons.addWidget(self.close_slide)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(heading(tr("Slide")))
        layout.addLayout(buttons)
        layout.addWidget(self.chooser)
        layout.addWidget(self.facts)
        layout.addWidget(self.scale_line)
        self._wire()

    def _wire(self) -> None:
        self.open.clicked.connect(self._ask)
        self.sample.clicked.connect(lambda: self.sample_asked.emit())
        self.close_slide.clicked.connect(lambda: self.close_asked.emit())
        self.scale.lineEdit().returnPressed.connect(self.set_scale.click)
        self.set_scale.clicked.connect(lambda: self.scale_given.emit(self.scale.value()))

    def show_slide(self, slide: Slide | None, text: str) -> None:
        """Show what is open, and ask for the scale where the file does not state it."""
        self.close_slide.setEnabled(slide is not None)
        self.close_slide.setVisible(slide is not None)
        self.sample.setVisible(slide is None)
        self.facts.setText(text or "No slide is open.")
        self.scale_line.setVisible(slide is not None and slide.um_per_px_source != "file")
        if slide is not None and slide.um_per_px is not None:
            self.scale.setValue(slide.um_per_px)

    def _ask(self) -> None:
        path = dialogs.ask_file(self, "Open a slide", dialogs.SLIDES)
        if path is not None:
            self.open_asked.emit(path)
