"""Running a prediction in the "Predict" dock: device, run, cancel, progress."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from ..common.words import tr
from .pace import Pace

if TYPE_CHECKING:
    from ...progress import Progress
    from ...session.prediction_run import Run


class RunPanel(QWidget):
    """Buttons and progress of a run.

    Signals
    -------
    run_asked, cancel_asked
        The device wanted ("auto", "cpu", "cuda", "mps"); nothing.
    """

    run_asked = Signal(str)
    cancel_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.device = QComboBox()
        self.device.addItem(tr("Fastest device"), "auto")
        self.device.addItem(tr("CPU"), "cpu")
        if sys.platform == "darwin":
            self.device.addItem(tr("Apple GPU"), "mps")
        else:
            self.device.addItem(tr("NVIDIA GPU"), "cuda")
        self.device.setToolTip(tr("Device to compute on: the fastest available, or a chosen one"))
        self.run = QPushButton(tr("Run prediction"))
        self.run.setToolTip(
            tr(
                "Predict the expression of every spot from the tissue around it; the map fills in "
                "while it runs"
            )
        )
        self.cancel = QPushButton(tr("Cancel"))
        self.cancel.setToolTip(tr("Stop the run within a second; its result is discarded"))
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(8)
        self.bar.setToolTip(tr("Progress of the run"))
        self.status = QLabel("")
        self.status.setToolTip(tr("Spots done, spots per second, and time left"))
        self._pace = Pace()
        self._run: Run | None = None

        buttons = QHBoxLayout()
        buttons.addWidget(self.device)
        buttons.addWidget(self.run, 1)
        buttons.addWidget(self.cancel)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(buttons)
        layout.addWidget(self.bar)
        layout.addWidget(self.status)
        self.status.setFixedHeight(self.status.fontMetrics().height() + 4)
        for part in (self.bar, self.status):  # a run that starts moves nothing below it
            policy = part.sizePolicy()
            policy.setRetainSizeWhenHidden(True)
            part.setSizePolicy(policy)
        self.run.clicked.connect(lambda: self.run_asked.emit(self.device.currentData()))
        self.cancel.clicked.connect(lambda: self.cancel_asked.emit())
        self.show_run(None)

    def show_run(self, run: Run | None) -> None:
        """Show whether a run is on, and whether it is stopping."""
        if run is not self._run and run is not None:
            self._pace = Pace()
            self.bar.setRange(0, 0)
            self.status.setText(tr("Getting ready"))
        self._run = run
        self.bar.setVisible(run is not None)
        self.status.setVisible(run is not None)
        self.cancel.setEnabled(run is not None and not run.token.cancelled)
        if run is not None and run.token.cancelled:
            self.status.setText(tr("Stopping …"))

    def show_progress(self, progress: Progress) -> None:
        """Show how far the run is."""
        if self._run is None or self._run.token.cancelled:
            return
        self._pace.note(progress.done)
        self.bar.setRange(0, progress.total)
        self.bar.setValue(progress.done)
        self.status.setText(self._pace.text(progress.done, progress.total, "spots"))
        self.bar.setToolTip(progress.what)
