"""Getting models and weights from the window: what can be had, fetch, add, build."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from ...errors import Cancelled
from ...library.catalogue import Catalogue, Entry, read_catalogue
from ...library.fetch import fetch, offer
from ...library.shelf import user_shelf
from ...progress import CancelToken, Progress
from ...training.built_models import BUILT, needed_for
from ...training.events import Event, StepsDone
from ...training.process import PROGRAM, BuildRequest, Ended
from ..common import dialogs
from ..common.background_jobs import Post
from ..common.notify import tell, told
from ..common.theme import facts, heading, rule
from ..common.words import tr
from ..workspace import Workspace
from .catalogue_table import CatalogueTable, Row

MODEL = BUILT["her2st"]
SIZE = (900, 430)


class ModelsDialog(QDialog):
    """What can be had by name, and what of it is here; stays open beside the window.

    Attributes
    ----------
    program
        What builds a model; another one in tests.

    Signals
    -------
    changed
        The shelf has something else on it.
    """

    program = PROGRAM
    changed = Signal()

    def __init__(self, workspace: Workspace, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Models and weights"))
        self.workspace = workspace
        self.catalogue: Catalogue = read_catalogue()
        self.shelf = user_shelf()
        self._rows: tuple[Row, ...] = ()
        self._token: CancelToken | None = None  # of the fetch that is on
        self._adding = False
        self.story = facts(tr("What the model is made from, and what of it is here"))
        self.build = _button(tr("Build model…"), tr("Make the model here, from public sections"))
        self.table = CatalogueTable()
        self.fetch = _button(
            tr("Fetch…"), tr("Fetch the selected row over the network, after asking")
        )
        self.add_file = _button(
            tr("Add file…"), tr("Copy a file of encoder weights to where it is found")
        )
        self.add_folder = _button(
            tr("Add folder…"),
            tr("Copy a model folder, or a data set that you have, to where it is found"),
        )
        self.status = QLabel("")
        self.status.setWordWrap(True)
        self.status.setToolTip(tr("What is being done"))
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(8)
        self.bar.setToolTip(tr("How far it is"))
        self.cancel = _button(
            tr("Cancel"), tr("Stop; what has arrived is gone on with the next time")
        )
        self.kept = facts(tr("The folder in which weights, data sets and models are kept"))
        self.kept.setText(
            f"Kept in {self.shelf.root}. The network is used only after you agree; no slide and "
            "nothing of yours is sent."
        )
        self._lay_out()
        self._wire()
        self._look()
        self._show_state()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setSpacing(8)
        top = QHBoxLayout()
        top.addWidget(self.story, 1)
        top.addWidget(self.build)
        buttons = QHBoxLayout()
        for button in (self.fetch, self.add_file, self.add_folder):
            buttons.addWidget(button)
        buttons.addStretch(1)
        going = QHBoxLayout()
        going.addWidget(self.status, 1)
        going.addWidget(self.cancel)
        column.addWidget(heading(tr("A model of real tissue")))
        column.addLayout(top)
        column.addWidget(rule())
        column.addWidget(heading(tr("Encoder weights and data sets")))
        column.addWidget(self.table, 1)
        for part in (buttons, going):
            column.addLayout(part)
        column.addWidget(self.bar)
        column.addWidget(self.kept)
        self.resize(*SIZE)

    def _wire(self) -> None:
        """Connect everything; there is no wiring of this dialog anywhere else."""
        training = self.workspace.training
        self.build.clicked.connect(self._build_asked)
        self.table.chosen.connect(lambda _: self._show_state())
        self.fetch.clicked.connect(self._fetch_asked)
        self.add_file.clicked.connect(self._file_asked)
        self.add_folder.clicked.connect(self._folder_asked)
        self.cancel.clicked.connect(self._cancel_asked)
        training.began.connect(self._show_state)
        training.heard.connect(self._heard)
        training.ended.connect(self._built)
        self.workspace.jobs.closing.connect(self._stop)

    # -- what is here --------------------------------------------------------------------------

    def _look(self) -> None:
        """Check every file against its checksum, off the window's thread."""
        catalogue, shelf = self.catalogue, self.shelf

        def work(_: Post) -> tuple[Row, ...]:
            return tuple(Row(each, shelf.held(each).state) for each in catalogue.entries)

        self.workspace.jobs.start(work, self._seen, tell)

    def _seen(self, rows: tuple[Row, ...]) -> None:
        self._rows = rows
        self.table.show_rows(rows)
        self._show_state()

    def _lacking(self) -> list[Entry]:
        """What the model is built from and is not here."""
        here = {row.entry.name for row in self._rows if row.state == "here"}
        return [each for each in needed_for(MODEL, self.catalogue) if each.name not in here]

    # -- what a person asks for ----------------------------------------------------------------

    def _fetch_asked(self) -> None:
        row = self.table.row_chosen
        if row is not None:
            self._fetch([row.entry], lambda: None)

    def _build_asked(self) -> None:
        self._fetch(self._lacking(), self._start_building)

    def _start_building(self) -> None:
        with told():
            out = self.shelf.make(self.shelf.models) / MODEL.name
            self.workspace.training.start(BuildRequest(MODEL.name, out), self.program)
            self._say("Building the model")

    def _file_asked(self) -> None:
        path = dialogs.ask_file(self, "Add encoder weights", dialogs.WEIGHTS)
        self._add(path)

    def _folder_asked(self) -> None:
        self._add(dialogs.ask_folder(self, "Add a model or a data set"))

    def _cancel_asked(self) -> None:
        if self._token is not None:
            self._token.cancel()
        elif self.workspace.training.running:
            self.workspace.training.cancel()
        self.status.setText(tr("Stopping …"))

    # -- the work ------------------------------------------------------------------------------

    def _fetch(self, entries: list[Entry], then: Callable[[], None]) -> None:
        """Fetch these one after the other, once the person has agreed, and then do more."""
        if not entries:
            then()
            return
        offered = "\n\n".join(offer(each, self.shelf) for each in entries)
        if not dialogs.ask_network(self, offered):
            return
        token = self._token = CancelToken()
        shelf = self.shelf

        def work(post: Post) -> None:
            for each in entries:
                fetch(
                    each,
                    shelf,
                    progress=lambda event: post(partial(self._progressed, token, event)),
                    cancel=token,
                )

        def done(_: None) -> None:
            self._finish("Fetched and verified: " + ", ".join(each.name for each in entries))
            then()

        self._say("Connecting")
        self.workspace.jobs.start(work, done, self._failed)

    def _add(self, path: Path | None) -> None:
        if path is None:
            return
        shelf, catalogue = self.shelf, self.catalogue

        def work(_: Post) -> str:
            from ...model.shelving import add_to_shelf

            added = add_to_shelf(path, shelf, catalogue)
            return f"Recognised {added.name} and copied it to {added.path}"

        self._adding = True
        self._say(f"Looking at {path.name}")
        self.workspace.jobs.start(work, self._finish, self._failed)

    def _progressed(self, token: CancelToken, event: Progress) -> None:
        if token is self._token and not token.cancelled:
            self.bar.setRange(0, max(1, event.total))
            self.bar.setValue(event.done)
            self.status.setText(
                f"{event.what}: {event.done / 1000:,.1f} of {event.total / 1000:,.1f} MB"
            )

    def _finish(self, sentence: str) -> None:
        self._token, self._adding = None, False
        self.status.setText(sentence)
        self._look()
        self.changed.emit()

    def _failed(self, error: BaseException) -> None:
        kept = isinstance(error, Cancelled)
        self._finish("Cancelled; the next time it goes on from there" if kept else str(error))
        if not kept:
            tell(error)

    def _heard(self, events: tuple[Event, ...]) -> None:
        steps = [each for each in events if isinstance(each, StepsDone)]
        if steps and self._token is None:
            self.bar.setRange(0, max(1, steps[-1].total))
            self.bar.setValue(steps[-1].done)
            self.status.setText(steps[-1].what)

    def _built(self, how: Ended) -> None:
        self._finish("The model is built; Predict lists it" if how.how == "done" else how.sentence)

    def _say(self, what: str) -> None:
        self.status.setText(what)
        self.bar.setRange(0, 0)
        self._show_state()

    def _show_state(self) -> None:
        """Let only that be pressed which makes sense now."""
        training, row = self.workspace.training.running, self.table.row_chosen
        busy = self._token is not None or self._adding
        self.bar.setVisible(busy or training)
        self.cancel.setVisible(self._token is not None or training)
        self.fetch.setEnabled(not busy and row is not None and row.can_be_fetched)
        for button in (self.add_file, self.add_folder):
            button.setEnabled(not busy)
        self.build.setEnabled(not busy and not training and bool(self._rows))
        lacking = self._lacking()
        size = sum(each.bytes for each in lacking) / 1e6
        to_come = (
            f"{size:,.0f}\N{NO-BREAK SPACE}MB are fetched first" if lacking else "all of it is here"
        )
        names = " and ".join(each.name for each in needed_for(MODEL, self.catalogue))
        built = (self.shelf.models / MODEL.name / "config.json").is_file()
        self.build.setText("Build again…" if built else "Build model…")
        made = "is on this machine, made" if built else "is made on this machine"
        self.story.setText(f"{MODEL.title} {made} from {names}; {to_come}.")

    def _stop(self) -> None:
        """Stop fetching when the window goes away."""
        if self._token is not None:
            self._token.cancel()


def _button(text: str, tooltip: str) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tooltip)
    button.setAutoDefault(False)  # Return in the table must fetch nothing
    return button
