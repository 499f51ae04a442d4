"""The dock "Cohort": many slides in, a folder of results out, in a process of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import napari
import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import (
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
)

from ...cohort_runs.cohort_process import CohortRequest
from ...cohort_runs.slide_list import SlideEntry, list_slides, write_slides
from ...errors import SettingsError
from ...progress import SlideStep
from ...spots.grid_settings import GridSettings
from ...training.events import Event, StepsDone
from ...training.process import PROGRAM, Ended
from ..common import dialogs
from ..common.background_jobs import ANALYSIS
from ..common.contact_view import SIDE, ContactView
from ..common.dock import Dock
from ..common.forms import Fields
from ..common.notify import told
from ..common.theme import facts, heading, rule
from ..common.words import tr
from ..predict.model_choices import choices
from ..train.training_form import PathField
from .slides_table import SlidesPanel

if TYPE_CHECKING:
    from anndata import AnnData

    from ..plugin.handover import Opened

REDRAW_MS = 1500  # between two drawings of the contact sheet while slides come in
BROWSE = "Another folder…"
PLACES = ("local", "slurm", "tcp://")


class CohortDock(Dock):
    """Predict many slides.

    Attributes
    ----------
    cohort
        The workspace's, which goes on when this dock is closed.
    program
        What is run; another one in tests.
    """

    program = PROGRAM

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__(napari_viewer)
        self.cohort = self.workspace.cohort
        self.slides = SlidesPanel()
        self.model = QComboBox()
        self.model.setToolTip(tr("The model that all slides are predicted with"))
        self.grid = Fields(GridSettings, "pitch_um")
        self.out = PathField(
            "Folder of results: a file for each slide, a summary and a report",
            "Save the results in",
            folder=True,
        )
        self.on = QComboBox()
        self.on.setEditable(True)
        self.on.addItems(list(PLACES))
        self.on.setToolTip(
            tr(
                "Where slides are done: local for this machine, slurm, or the address of a dask "
                "scheduler as in tcp://host:8786"
            )
        )
        self.show_what = QLineEdit()
        self.show_what.setToolTip(tr("Gene or published signature that is drawn of each slide"))
        self.show_what.setPlaceholderText(tr("what tells most"))
        self.start = QPushButton(tr("Start"))
        self.start.setToolTip(tr("Predict the slides that are not done yet"))
        self.pause = QPushButton(tr("Pause"))
        self.pause.setToolTip(tr("Pause the slides in hand; press again to resume"))
        self.cancel = QPushButton(tr("Cancel"))
        self.cancel.setToolTip(tr("Stop; slides that are done stay done, and Start does the rest"))
        self.retry = QPushButton(tr("Retry failed"))
        self.retry.setToolTip(tr("Do the slides again that failed"))
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(8)
        self.bar.setToolTip(tr("Share of the slides that are through"))
        self.status = QLabel("")
        self.status.setWordWrap(True)
        self.status.setToolTip(tr("How the cohort gets on"))
        self.sheet = ContactView()
        self.report = QPushButton(tr("Open report"))
        self.report.setToolTip(
            tr("All slides on one page: quality, unlike slides, signatures, groups")
        )
        self.command = facts(tr("The command line that repeats this in a shell"))
        form = QFormLayout()
        form.setVerticalSpacing(4)
        for label, field in (
            ("Model", self.model),
            ("Grid, µm", self.grid["pitch_um"]),
            ("Results", self.out),
            ("Where", self.on),
            ("Show", self.show_what),
        ):
            form.addRow(label, field)
        buttons = QHBoxLayout()
        for button in (self.start, self.pause, self.cancel, self.retry):
            buttons.addWidget(button)
        self._steps: dict[str, SlideStep] = {}
        self._redraw = QTimer(self)
        self._redraw.setSingleShot(True)
        self._redraw.setInterval(REDRAW_MS)
        self._drawing = False
        self.stack(
            *(self.slides, rule(), form, buttons, self.bar, self.status),
            *(heading(tr("Results")), self.sheet, self.report, self.command),
            stretch=self.sheet,
        )
        self._offer_models()
        self._wire()
        self.cohort.find()
        self._began()

    def _wire(self) -> None:
        """Connect everything; there is no wiring of this dock anywhere else."""
        self.slides.opened.connect(self._open_asked)
        self.sheet.opened.connect(self._open_asked)
        self.show_what.editingFinished.connect(self._draw)
        self.workspace.model_changed.connect(lambda _: self._offer_models())
        self.model.activated.connect(self._model_chosen)
        self.start.clicked.connect(partial(self._start_asked, False))
        self.retry.clicked.connect(partial(self._start_asked, True))
        self.pause.clicked.connect(self.cohort.pause_or_go_on)
        self.cancel.clicked.connect(self._cancel_asked)
        self.report.clicked.connect(self._report_asked)
        self._redraw.timeout.connect(self._draw)
        self.cohort.began.connect(self._began)
        self.cohort.changed.connect(self._show_state)
        self.cohort.heard.connect(self._heard)
        self.cohort.ended.connect(self._ended)

    # -- the run -------------------------------------------------------------------------------

    def request(self, retry: bool = False) -> CohortRequest:
        """Return what was chosen.

        Raises
        ------
        SettingsError
            If slides, a model or the folder of results are missing.
        """
        if not self.slides.entries:
            raise SettingsError("There are no slides; drop some on the table.")
        if self.out.path is None:
            raise SettingsError("Say where the results shall stand: give a folder under Results.")
        model = self.model.currentData()
        if model is None:
            raise SettingsError("Choose a model.")
        out = self.out.path.absolute()
        grid = float(self.grid.values()["pitch_um"])
        return CohortRequest(
            out.with_name(out.name + ".slides.csv"),
            Path(model),
            out,
            grid if any(each.spots is None for each in self.slides.entries) else None,
            self.on.currentText().strip(),
            self.show_what.text().strip(),
            retry,
        )

    def _start_asked(self, retry: bool) -> None:
        with told():
            request = self.request(retry)
            write_slides(self.slides.entries, request.slides)
            self._steps.clear()
            self.cohort.start(request, self.program)

    def _began(self) -> None:
        """Show a cohort from its start, also one that was on before this dock was there."""
        cohort = self.cohort
        if cohort.process is not None:
            record = cohort.process.record
            self.out.text.setText(str(record.out))
            self.command.setText(record.command_line)
            if not self.slides.entries:
                with told():
                    table = record.out.with_name(record.out.name + ".slides.csv")
                    self.slides.show_entries(list_slides(table) if table.is_file() else ())
            self.bar.setRange(0, 0)
            self.status.setText(tr("Preparing"))
            self._heard(cohort.said)
            if cohort.how is not None:
                self._say_end(cohort.how)
        self._show_state()

    def _heard(self, events: Sequence[Event]) -> None:
        steps = {event.name: event for event in events if isinstance(event, SlideStep)}
        self._steps |= steps
        self.slides.show_steps(tuple(steps.values()))
        for event in events:
            if isinstance(event, StepsDone):
                self.bar.setRange(0, max(1, event.total))
                self.bar.setValue(event.done)
                failed = sum(each.state == "failed" for each in self._steps.values())
                also = f", {failed:,} failed" if failed else ""
                self.status.setText(f"{event.done:,} of {event.total:,} slides{also}")
        if any(each.state == "done" for each in steps.values()) and not self._redraw.isActive():
            self._redraw.start()

    def _cancel_asked(self) -> None:
        self.cohort.cancel()
        self.status.setText(tr("Stopping …"))

    def _ended(self, how: Ended) -> None:
        self._say_end(how)
        self._show_state()
        self._draw()

    def _say_end(self, how: Ended) -> None:
        self.bar.setRange(0, 1)
        self.bar.setValue(int(how.how == "done"))
        process = self.cohort.process
        failed = sum(each.state == "failed" for each in self._steps.values())
        if how.how == "done" and process is not None:
            also = f"; {failed:,} failed" if failed else ""
            self.status.setText(f"Done: {process.record.out}{also}")
        else:
            self.status.setText(how.sentence)

    def _show_state(self) -> None:
        cohort = self.cohort
        running = cohort.running
        paused = running and cohort.process is not None and cohort.process.paused
        self.start.setEnabled(not running)
        self.pause.setEnabled(running)
        self.cancel.setEnabled(running)
        failed = any(each.state == "failed" for each in self._steps.values())
        self.retry.setVisible(failed)
        self.retry.setEnabled(not running)
        self.pause.setText("Resume" if paused else "Pause")
        if paused:
            self.status.setText(tr("Paused"))
        self.report.setVisible(cohort.how is not None and cohort.how.report is not None)
        self.command.setVisible(bool(self.command.text()))

    def _report_asked(self) -> None:
        if self.cohort.how is not None and self.cohort.how.report is not None:
            dialogs.open_file(self.cohort.how.report)

    # -- results -------------------------------------------------------------------------------

    def _results(self) -> dict[str, Path]:
        """Return the results that stand, by the slide's name."""
        out = self.out.path
        if out is None:
            return {}
        found = {each.name: out / f"{each.name}.h5ad" for each in self.slides.entries}
        return {name: path for name, path in found.items() if path.is_file()}

    def _draw(self) -> None:
        """Draw the contact sheet in the background; once more if more has come meanwhile."""
        results = self._results()
        if self._drawing or not results:
            if self._drawing:
                self._redraw.start()
            return
        self._drawing = True
        work = partial(_pictures, results, self.show_what.text().strip())
        self.workspace.jobs.load("Drawing the slides", work, self._drawn, self._not_drawn, ANALYSIS)

    def _drawn(self, pictures: Mapping[str, NDArray[np.uint8]]) -> None:
        self._drawing = False
        self.sheet.show_pictures(pictures)

    def _not_drawn(self, error: BaseException) -> None:
        self._drawing = False
        with told():
            raise error

    def _open_asked(self, name: str) -> None:
        """Open a slide with its result, if there is one yet."""
        entry = next((each for each in self.slides.entries if each.name == name), None)
        if entry is None:
            return
        session = self.workspace.session
        there = session.open_slide_at(entry.slide)
        result = self._results().get(name)
        work = partial(_opened, entry, result, there is None)

        def done(found: tuple[Opened, AnnData | None]) -> None:
            opened, prediction = found
            if there is not None and there in session.open_slides:
                session.select(there)
            else:
                opened.enter(session)
            if prediction is not None and result is not None:
                session.use_prediction(prediction)
                session.shown.came_from(result)

        self.workspace.jobs.load(f"Opening {name}", work, done)

    # -- models --------------------------------------------------------------------------------

    def _offer_models(self) -> None:
        chosen = self.workspace.session.model
        path = self.model.currentData() or (chosen.path if chosen is not None else None)
        self.model.clear()
        for each in choices(self.workspace.recent, None if path is None else Path(path)):
            self.model.addItem(each.label, str(each.path))
        self.model.addItem(BROWSE)
        at = -1 if path is None else self.model.findData(str(path))
        self.model.setCurrentIndex(max(0, at))

    def _model_chosen(self, index: int) -> None:
        if self.model.itemText(index) != BROWSE:
            return
        folder = dialogs.ask_folder(self, "Choose a model folder")
        if folder is None:
            self.model.setCurrentIndex(0)
            return
        self.model.insertItem(0, folder.name, str(folder))
        self.model.setCurrentIndex(0)


def _pictures(results: Mapping[str, Path], show: str) -> dict[str, NDArray[np.uint8]]:
    from ...cohort_runs.contact_sheet import draw_all, what_to_show
    from ...cohort_runs.slide_record import read_record

    records = (read_record(path) for path in results.values())
    states = (record.state for record in records if record is not None)
    shown = show or what_to_show(results.values(), states)
    drawn, _ = draw_all(list(results.values()), shown, SIDE)
    return {name: drawn[path] for name, path in results.items() if path in drawn}


def _opened(entry: SlideEntry, result: Path | None, with_slide: bool) -> tuple[Any, AnnData | None]:
    from ...inference.prediction_io import read_prediction
    from ...slides import open_slide
    from ..plugin.handover import Opened

    prediction = None if result is None else read_prediction(result)
    slide = None
    if with_slide:
        slide = open_slide(entry.slide)
        if entry.um_per_px is not None:
            slide.calibrate(entry.um_per_px, "user")
    return Opened(slide=slide).with_tissue(), prediction
