"""Long work in a process of its own: the command that starts it, and what it says meanwhile."""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Timer
from typing import Literal, Protocol

import psutil

from ..errors import OutputError, SettingsError
from .events import Done, Event, Failed, Stopped, read
from .presets import Preset
from .run_record import TRAININGS, RunRecord, run_folder, run_records
from .settings import Cohort, Genes, Head, HeldOut, Hvg, ModelOut

PROGRAM = (sys.executable, "-m", "napari_mclstexp.cli")
PATIENCE_S = 5.0  # between asking a process to end and ending it

# Those that this program started: only it can ask for their exit codes, whichever window asks.
_children: dict[RunRecord, subprocess.Popen[bytes]] = {}


class Request(Protocol):
    """What shall be done, as a command of the shell."""

    @property
    def out(self) -> Path:
        """Where the model, or the results, will stand."""

    def arguments(self) -> tuple[str, ...]:
        """Return the command line after the program's name."""

    def command_line(self) -> str:
        """Return the line that repeats it in a shell."""


@dataclass(frozen=True)
class BuildRequest:
    """A model that is built by name; see ``napari-mclstexp models build``."""

    name: str
    out: ModelOut

    def arguments(self) -> tuple[str, ...]:
        """Return the command line after the program's name."""
        return ("models", "build", self.name, "--out", str(self.out))

    def command_line(self) -> str:
        """Return the line that repeats it in a shell."""
        return shlex.join(["napari-mclstexp", *self.arguments()])


@dataclass(frozen=True)
class TrainRequest:
    """What shall be trained; see the options of ``napari-mclstexp train``.

    Attributes
    ----------
    head, rank, epochs
        None leaves them to the preset.
    """

    cohort: Cohort
    out: ModelOut
    genes: Genes = None
    hvg: Hvg = None
    preset: Preset = "default"
    encoder: str = ""
    weights: Path | None = None
    from_scratch: bool = False
    freeze_encoder: bool = False
    init_from: Path | None = None
    held_out: HeldOut = None
    head: Head | None = None
    rank: int | None = None
    epochs: int | None = None
    name: str = ""
    more: tuple[str, ...] = ()

    def arguments(self) -> tuple[str, ...]:
        """Return the command line after the program's name.

        Raises
        ------
        SettingsError
            If something that it needs was not said.
        """
        if self.genes is None and self.hvg is None:
            raise SettingsError("Say which genes to learn: a list, or how many variable ones.")
        said: list[str] = ["train", "--cohort", str(self.cohort), "--out", str(self.out)]
        for option, value in (
            ("--genes", self.genes),
            ("--hvg", None if self.genes else self.hvg),
            ("--encoder", self.encoder if self.init_from is None else ""),
            ("--weights", self.weights if self.init_from is None else None),
            ("--init-from", self.init_from),
            ("--held-out", self.held_out),
            ("--head", self.head if self.init_from is None else None),
            ("--name", self.name),
        ):
            if value:
                said += [option, str(value)]
        said += ["--preset", self.preset]
        for option, number in (("--rank", self.rank), ("--epochs", self.epochs)):
            said += [] if number is None else [option, str(number)]
        said += ["--from-scratch"] * (self.from_scratch and self.init_from is None)
        said += ["--freeze-encoder"] * self.freeze_encoder
        return (*said, *self.more)

    def command_line(self) -> str:
        """Return the line that repeats it in a shell."""
        return shlex.join(["napari-mclstexp", *self.arguments()])


@dataclass(frozen=True)
class Ended:
    """How a run ended: done, cancelled, failed, or told elsewhere; and the sentence."""

    how: Literal["done", "cancelled", "failed", "elsewhere"]
    sentence: str = ""
    report: Path | None = None


def start_training(request: Request, program: Sequence[str] = PROGRAM) -> TrainingProcess:
    """Start a training that runs by itself, whatever becomes of the window.

    Parameters
    ----------
    request
        What shall be trained.
    program
        What is run; another one in tests.

    Raises
    ------
    SettingsError
        If the request lacks something, or a training into the same folder is on.
    OutputError
        If nothing can be written to the user's state folder.
    """
    arguments = (*request.arguments(), "--resume")
    return TrainingProcess(start_process(request, arguments, program, TRAININGS, "being trained"))


def start_process(
    request: Request, arguments: Sequence[str], program: Sequence[str], kind: str, at_it: str
) -> RunRecord:
    """Start a command that runs by itself, and keep what finds it again.

    Parameters
    ----------
    request
        What shall be done.
    arguments
        Its command line; ``--events`` is added.
    program
        What is run.
    kind
        Folder of the records of such runs.
    at_it
        What is said of a folder that such a run is at.

    Raises
    ------
    SettingsError
        If such a run into the same folder is on.
    OutputError
        If nothing can be written to the user's state folder.
    """
    out = request.out.absolute()
    folder = run_folder(out, kind)
    events, log = folder / "events.jsonl", folder / "log.txt"
    if any(each.out == out and each.process() is not None for each in run_records(kind)):
        raise SettingsError(
            f"{out} is {at_it} already; wait for it, or choose another folder for the "
            f"{'model' if kind == TRAININGS else 'results'}."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        events.unlink(missing_ok=True)
        with log.open("wb") as said:
            # In a session of its own, so that it outlives the window if that is wished.
            child = subprocess.Popen(
                [*program, *arguments, "--events", str(events)],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )
    except OSError as error:
        raise OutputError(f"Nothing can be started from {folder} ({error}).") from error
    try:
        started = psutil.Process(child.pid).create_time()
        record = RunRecord(child.pid, started, out, events, log, request.command_line())
        record.write()
    except BaseException:
        child.kill()  # nobody would find it again
        raise
    _children[record] = child
    return record


def found_training() -> TrainingProcess | None:
    """Return the newest training that is on, else one whose end nobody has seen, else None."""
    found = [TrainingProcess(record) for record in run_records()]
    return max(found, key=lambda each: (each.running, each.record.started), default=None)


class TrainingProcess:
    """A training in a process of its own, whoever started it.

    Attributes
    ----------
    what
        It is called to a person.
    record
        Where it is, and what it was asked.
    paused
        Whether it was halted.
    """

    what = "training"

    def __init__(self, record: RunRecord) -> None:
        self.record = record
        self._process = record.process()
        self.paused = False
        with suppress(psutil.NoSuchProcess):
            if self._process is not None:
                self.paused = self._process.status() == psutil.STATUS_STOPPED
        self._read = 0
        self._rest = b""
        self._unheard: tuple[Event, ...] = ()
        self._last: Event | None = None
        self._cancelled = False

    @property
    def running(self) -> bool:
        """Whether it still runs, paused or not."""
        child = _children.get(self.record)
        return self.record.process() is not None if child is None else child.poll() is None

    def events(self) -> tuple[Event, ...]:
        """Return what it said since the last call; half a line waits for its end."""
        self._listen()
        heard, self._unheard = self._unheard, ()
        return heard

    def ended(self) -> Ended | None:
        """Return how it ended, or None while it runs."""
        if self.running:
            return None
        self._listen()  # after its end, so that no word is missed
        child = _children.get(self.record)
        code = None if child is None else child.returncode
        if isinstance(self._last, Done):
            return Ended("done", report=self._last.report)
        if code == 0:
            return Ended("done")
        if self._cancelled or isinstance(self._last, Stopped):
            return Ended("cancelled", f"The {self.what} was cancelled.")
        if isinstance(self._last, Failed):
            return Ended("failed", self._last.sentence)
        if not self.record.path.exists():
            return Ended("elsewhere", f"The {self.what} has ended; another window has told how.")
        return Ended("failed", self._broken(code))

    def forget(self) -> None:
        """Remove what was kept to find it again; after a failure its log stays."""
        ended = self.ended()
        if ended is not None:
            self.record.remove(keep_log=ended.how == "failed")
            _children.pop(self.record, None)

    def pause(self) -> None:
        """Halt it where it stands; it keeps its memory."""
        self._each("suspend")
        self.paused = True

    def go_on(self) -> None:
        """Let it go on after a pause."""
        self._each("resume")
        self.paused = False

    def cancel(self) -> None:
        """End it; what it has done (epochs, feature maps) stays, for a later start."""
        if not self.running or self._process is None:
            return
        self._cancelled = True
        if self.paused:
            self.go_on()
        with suppress(psutil.NoSuchProcess):
            self._process.send_signal(signal.SIGINT)
        # By a thread and not by the window, which may be about to close.
        Timer(PATIENCE_S, self.kill).start()

    def kill(self) -> None:
        """End it at once, if asking was of no use."""
        self._cancelled = True
        if self.running:
            self._each("kill")

    def _broken(self, code: int | None) -> str:
        """Say how it ended without a word of its own."""
        if code is None or code < 0:
            known = code is not None and -code in set(signal.Signals)
            name = f" ({signal.Signals(-code).name if known else -code})" if code else ""
            return (
                f"The {self.what} process was ended from outside{name}; press Start to go on from "
                "what is done."
            )
        try:
            said = self.record.log.read_text(encoding="utf-8", errors="replace").strip()
        except OSError:
            said = ""
        last = said.splitlines()[-1] if said else f"exit code {code}"
        if code == 2:
            return last
        return f"The {self.what} process broke down ({last}); see {self.record.log}."

    def _listen(self) -> None:
        try:
            with self.record.events.open("rb") as file:
                file.seek(self._read)
                new = file.read()
        except OSError:  # not there yet, or no longer
            return
        self._read += len(new)
        *lines, self._rest = (self._rest + new).split(b"\n")
        heard = tuple(event for line in lines if (event := read(line)) is not None)
        self._unheard += heard
        self._last = heard[-1] if heard else self._last

    def _each(self, what: str) -> None:
        process = self._process
        if process is not None:
            with suppress(psutil.NoSuchProcess):
                for each in (*process.children(recursive=True), process):
                    getattr(each, what)()
