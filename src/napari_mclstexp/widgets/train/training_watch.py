"""The training that is on, whoever started it, watched for docks that come and go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, QTimer, Signal

from ...progress import TrainingPoint
from ...training.events import Event
from ...training.process import (
    PROGRAM,
    Ended,
    Request,
    TrainingProcess,
    found_training,
    start_training,
)
from ..common import dialogs

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget

LOOK_MS = 200  # between looks at what the process said


class TrainingWatch(QObject):
    """One training: the one that is on, else the one that ended last.

    Attributes
    ----------
    process
        The training, or None.
    said
        What it said so far: every epoch, and the last of each other kind.
    how
        How it ended, or None while it is on.

    Signals
    -------
    began, changed
        Another training is watched; it halted, goes on, or shall stop.
    heard
        What it said since the last look.
    ended
        How it ended.
    """

    began = Signal()
    changed = Signal()
    heard = Signal(object)
    ended = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.process: TrainingProcess | None = None
        self.said: tuple[Event, ...] = ()
        self.how: Ended | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_MS)
        self._timer.timeout.connect(self._look)

    @property
    def running(self) -> bool:
        """Whether a training is on, until its end has been told."""
        return self.process is not None and self.how is None

    def find(self) -> None:
        """Watch a training that another window started, or an earlier one, if none is on here."""
        if not self.running and (found := self._found()) is not None:
            self._watch(found)

    def start(self, request: Request, program: Sequence[str] = PROGRAM) -> None:
        """Start a training; see :func:`~napari_mclstexp.training.process.start_training`."""
        self._watch(self._started(request, program))

    def pause_or_go_on(self) -> None:
        """Halt the training where it stands, or let it go on."""
        if self.process is not None:
            (self.process.go_on if self.process.paused else self.process.pause)()
            self.changed.emit()

    def cancel(self) -> None:
        """Have the training end; `ended` says when it has."""
        if self.process is not None:
            self.process.cancel()
            self.changed.emit()

    def leave(self) -> None:
        """Look no longer; a training that is on goes on, and other windows find it."""
        self._timer.stop()

    def _found(self) -> TrainingProcess | None:
        return found_training()

    def _started(self, request: Request, program: Sequence[str]) -> TrainingProcess:
        return start_training(request, program)

    def _worth_keeping(self, said: tuple[Event, ...]) -> tuple[Event, ...]:
        """Return what a dock that comes later has to know."""
        last = {type(event): event for event in said}
        return tuple(
            event
            for event in said
            if isinstance(event, TrainingPoint) or event is last[type(event)]
        )

    def _watch(self, process: TrainingProcess) -> None:
        self.process, self.said, self.how = process, (), None
        self.began.emit()
        self._timer.start()

    def _look(self) -> None:
        process = self.process
        if process is None:
            return
        how = process.ended()
        events = process.events()
        if events:
            self.said = self._worth_keeping((*self.said, *events))
            self.heard.emit(events)
        if how is not None:
            self._timer.stop()
            self.how = how
            process.forget()
            self.ended.emit(how)


def training_may_stay(
    process: TrainingProcess, parent: QWidget
) -> tuple[bool, Callable[[], None] | None]:
    """Ask what becomes of a training when napari is closed.

    Returns
    -------
    Whether napari may be closed, and what to do then.
    """
    answer = dialogs.ask_what_becomes(parent)
    act = None
    if answer == dialogs.STOP:
        act = process.cancel
    elif answer == dialogs.GO_ON and process.paused:
        act = process.go_on
    return answer != dialogs.STAY, act
