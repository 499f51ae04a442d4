"""The dock "Train": sections in, a model that Predict lists out, in a process of its own."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import napari
from qtpy.compat import isalive
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QHBoxLayout, QPushButton

from ...cohort.table import SectionRow, write_rows
from ...errors import SettingsError
from ...training.events import Event
from ...training.process import PROGRAM, Ended
from ..common import dialogs
from ..common.dock import Dock
from ..common.notify import told
from ..common.theme import facts, heading, rule
from ..common.words import tr
from .progress_panel import TrainProgress
from .sections_table import SectionsPanel
from .training_form import OptionsPanel

if TYPE_CHECKING:
    from ...cohort.checks import Checked


class TrainDock(Dock):
    """Train a model on one's own sections.

    Attributes
    ----------
    training
        The workspace's, which goes on when this dock is closed.
    program
        What is run; another one in tests.
    """

    program = PROGRAM

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__(napari_viewer)
        self.training = self.workspace.training
        self._errors = 0
        self.sections = SectionsPanel()
        self.options = OptionsPanel()
        self.progress = TrainProgress()
        self.start = QPushButton(tr("Start"))
        self.start.setToolTip(
            tr("Start training; an interrupted training of the same model is resumed")
        )
        self.pause = QPushButton(tr("Pause"))
        self.pause.setToolTip(tr("Pause the training; press again to resume it"))
        self.cancel = QPushButton(tr("Cancel"))
        self.cancel.setToolTip(tr("Stop the training; Start takes it up again from what is done"))
        self.report = QPushButton(tr("Open report"))
        self.report.setToolTip(tr("How well each gene is predicted, compared with baselines"))
        self.command = facts(tr("The command line that repeats this training in a shell"))
        buttons = QHBoxLayout()
        for button in (self.start, self.pause, self.cancel):
            buttons.addWidget(button)
        model = (rule(), heading(tr("Model")), self.options, rule(), buttons)
        self.stack(self.sections, *model, self.progress, self.report, self.command)
        self._wire()
        self.training.find()
        self._began()

    def _wire(self) -> None:
        """Connect everything; there is no wiring of this dock anywhere else."""
        self.sections.changed.connect(self._rows_changed)
        self.start.clicked.connect(self._start_asked)
        self.pause.clicked.connect(self.training.pause_or_go_on)
        self.cancel.clicked.connect(self._cancel_asked)
        self.report.clicked.connect(self._report_asked)
        self.training.began.connect(self._began)
        self.training.changed.connect(self._show_state)
        self.training.heard.connect(self._heard)
        self.training.ended.connect(self._ended)

    # -- sections ------------------------------------------------------------------------------

    def _rows_changed(self, rows: tuple[SectionRow, ...]) -> None:
        self.options.offer_sections([row.section for row in rows if row.section])
        self.workspace.jobs.load(
            "Checking the sections", partial(_check, rows), partial(self._checked, rows)
        )

    def _checked(self, rows: tuple[SectionRow, ...], checked: Checked | None) -> None:
        if rows == self.sections.rows():
            problems = () if checked is None else checked.problems
            self._errors = 0 if checked is None else len(checked.errors)
            self.sections.show_problems(problems)

    # -- the training --------------------------------------------------------------------------

    def _start_asked(self) -> None:
        with told():
            rows = self.sections.rows()
            if not rows:
                raise SettingsError("There are no sections to train on; drop some on the table.")
            if self._errors:
                raise SettingsError("Some sections cannot be used yet: correct the red cells.")
            out = self.options.out.path
            cohort = out.with_name(out.name + ".cohort.csv") if out is not None else Path()
            request = self.options.request(cohort)
            write_rows(rows, cohort)
            self.training.start(request, self.program)

    def _began(self) -> None:
        """Show a training from its start, also one that was on before this dock was there."""
        training = self.training
        if training.process is not None:
            self.progress.begin()
            QTimer.singleShot(0, self.show_progress)  # once it has its place
            self.progress.show_events(training.said)
            self.command.setText(training.process.record.command_line)
            if training.how is not None:
                self._say_end(training.how)
        self._show_state()

    def show_progress(self) -> None:
        """Bring the progress and the curves in sight."""
        if isalive(self):
            self.scrolling.ensureWidgetVisible(self.progress)

    def _cancel_asked(self) -> None:
        self.training.cancel()
        self.progress.say(tr("Stopping …"))

    def _report_asked(self) -> None:
        if self.training.how is not None and self.training.how.report is not None:
            dialogs.open_file(self.training.how.report)

    def _heard(self, events: tuple[Event, ...]) -> None:
        with told():
            self.progress.show_events(events)

    def _ended(self, how: Ended) -> None:
        self._say_end(how)
        self._show_state()
        if how.report is not None:
            dialogs.open_file(how.report)

    def _say_end(self, how: Ended) -> None:
        process = self.training.process
        if how.how == "done" and process is not None:
            self.progress.say(f"Done: {process.record.out}")
        else:
            self.progress.say(how.sentence)

    def _show_state(self) -> None:
        training = self.training
        running = training.running
        paused = running and training.process is not None and training.process.paused
        self.start.setEnabled(not running)
        self.pause.setEnabled(running)
        self.cancel.setEnabled(running)
        self.pause.setText("Resume" if paused else "Pause")
        if paused:
            self.progress.say(tr("Paused"))
        self.report.setVisible(training.how is not None and training.how.report is not None)
        self.command.setVisible(bool(self.command.text()))


def _check(rows: tuple[SectionRow, ...]) -> Any:
    if not rows:
        return None
    from ...cohort.checks import check_cohort

    with tempfile.TemporaryDirectory(prefix="mclstexp-check-") as folder:
        path = Path(folder) / "cohort.csv"
        write_rows(rows, path)
        return check_cohort(path)
