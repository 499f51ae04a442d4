"""The dock "Train": sections in, a model that Predict lists out, in a process of its own."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import napari
from napari.utils.notifications import show_info
from qtpy.QtCore import QEvent, QObject, QTimer
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from ...cohort.table import SectionRow, write_rows
from ...errors import SettingsError, UserError
from ...training.process import PROGRAM, Ended, TrainingProcess
from ..common import dialogs
from ..common.napari_compat import main_window
from ..common.notify import tell, told
from ..common.tabbing import join_docks
from ..common.theme import Scrolling, facts, heading, rule
from ..workspace import workspace_of
from .options import OptionsPanel
from .progress_panel import TrainProgress
from .sections_table import SectionsPanel

if TYPE_CHECKING:
    from ...cohort.checks import Checked

LOOK_MS = 200  # between looks at what the process said


class TrainDock(QWidget):
    """Train a model on one's own sections.

    Attributes
    ----------
    process
        The training that was started last, or None.
    program
        What is run; another one in tests.
    """

    program = PROGRAM

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self.workspace = workspace_of(napari_viewer)
        self.process: TrainingProcess | None = None
        self._report: str | None = None
        self._errors = 0
        self.sections = SectionsPanel()
        self.options = OptionsPanel()
        self.progress = TrainProgress()
        self.start = QPushButton("Start")
        self.start.setToolTip("Train; an interrupted training of the same model is gone on from")
        self.pause = QPushButton("Pause")
        self.pause.setToolTip("Halt the training where it stands; Go on continues it")
        self.cancel = QPushButton("Cancel")
        self.cancel.setToolTip("End the training; its last epoch is kept for a later start")
        self.report = QPushButton("Open report")
        self.report.setToolTip("How good the model is, gene by gene, beside trivial answers")
        self.command = facts("The command line that repeats this training in a shell")
        self._look = QTimer(self)
        self._look.setInterval(LOOK_MS)
        self._look.timeout.connect(self._look_at_it)
        self._lay_out()
        self._wire()
        self._show_state()
        viewer = getattr(napari_viewer, "__wrapped__", napari_viewer)  # napari hands out proxies
        window = main_window(viewer)
        if window is not None:
            window.installEventFilter(self)

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        for button in (self.start, self.pause, self.cancel):
            buttons.addWidget(button)
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.setContentsMargins(10, 8, 10, 8)
        layout.setSpacing(7)
        for part in (self.sections, rule(), heading("Model"), self.options, rule()):
            layout.addWidget(part)
        layout.addLayout(buttons)
        for part in (self.progress, self.report, self.command):
            layout.addWidget(part)
        layout.addStretch(1)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(Scrolling(content))

    def _wire(self) -> None:
        """Connect everything; there is no wiring of this dock anywhere else."""
        self.sections.changed.connect(self._rows_changed)
        self.start.clicked.connect(self._start_asked)
        self.pause.clicked.connect(self._pause_asked)
        self.cancel.clicked.connect(self._cancel_asked)
        self.report.clicked.connect(lambda: dialogs.open_file(Path(str(self._report))))

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

    # -- the process ---------------------------------------------------------------------------

    def _start_asked(self) -> None:
        with told():
            rows = self.sections.rows()
            if not rows:
                raise SettingsError("There are no sections to train on; drop some on the table.")
            if self._errors:
                raise SettingsError("Some sections cannot be used yet; mend the red cells first.")
            out = self.options.out.path
            cohort = out.with_name(out.name + ".cohort.csv") if out is not None else Path()
            request = self.options.request(cohort)
            write_rows(rows, cohort)
            self.process = TrainingProcess(request, self.program)
            self._report = None
            self.progress.begin()
            self.command.setText(request.command_line())
            self._look.start()
        self._show_state()

    def _pause_asked(self) -> None:
        process = self.process
        if process is None:
            return
        if process.paused:
            process.go_on()
        else:
            process.pause()
            self.progress.say("Paused")
        self._show_state()

    def _cancel_asked(self) -> None:
        process = self.process
        if process is None:
            return
        process.cancel()
        self.progress.say("Stopping …")
        self._show_state()

    def _look_at_it(self) -> None:
        process = self.process
        if process is None:
            return
        ended = process.ended()  # before its last words are read, so that none is missed
        events = process.events()
        with told():
            self.progress.show_events(events)
        for event in events:
            if event["event"] == "done":
                self._report = event.get("report")
        if ended is not None:
            self._look.stop()
            self._ended(process, ended)
            self._show_state()

    def _ended(self, process: TrainingProcess, ended: Ended) -> None:
        if ended.how == "done":
            out = process.request.out
            self.progress.say(f"Done: {out}")
            self.workspace.recent.add(out)
            self.workspace.model_changed.emit(self.workspace.session.model)
            show_info(f"The model {out.name} is trained; Predict lists it.")
            if self._report is not None:
                dialogs.open_file(Path(self._report))
        else:
            self.progress.say(ended.sentence)
            if ended.how == "failed":
                tell(UserError(ended.sentence))

    def _show_state(self) -> None:
        process = self.process
        running = process is not None and process.running
        self.start.setEnabled(not running)
        self.pause.setEnabled(running)
        self.cancel.setEnabled(running)
        self.pause.setText(
            "Go on" if process is not None and process.paused and running else "Pause"
        )
        self.report.setVisible(self._report is not None)
        self.command.setVisible(bool(self.command.text()))

    # -- the window ----------------------------------------------------------------------------

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Ask, when the window is closed, what becomes of a training that is on."""
        if event.type() == QEvent.Type.Close and self.process is not None and self.process.running:
            answer = dialogs.ask_what_becomes(self)
            if answer == dialogs.STAY:
                event.ignore()
                return True
            if answer == dialogs.STOP:
                self.process.cancel()
            elif self.process.paused:
                self.process.go_on()
        return bool(super().eventFilter(watched, event))

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """Stand as a tab beside the other docks."""
        super().showEvent(event)
        join_docks(self.workspace.docks, self)
        self.workspace.docks.add(self)


def _check(rows: tuple[SectionRow, ...]) -> Any:
    if not rows:
        return None
    from ...cohort.checks import check_cohort

    with tempfile.TemporaryDirectory(prefix="mclstexp-check-") as folder:
        path = Path(folder) / "cohort.csv"
        write_rows(rows, path)
        return check_cohort(path)
