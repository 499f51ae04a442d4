"""A training in a process of its own: the command that starts it, and what it says meanwhile."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Timer
from typing import Any

import psutil

from ..errors import SettingsError
from .presets import Preset
from .settings import Cohort, Genes, HeldOut, Hvg, ModelOut

PROGRAM = (sys.executable, "-m", "napari_mclstexp.cli")
PATIENCE_S = 5.0  # between asking a process to end and ending it


@dataclass(frozen=True)
class TrainRequest:
    """What shall be trained; see the options of ``napari-mclstexp train``."""

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
    epochs: int = 90
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
            ("--name", self.name),
        ):
            if value:
                said += [option, str(value)]
        said += ["--preset", self.preset, "--epochs", str(self.epochs)]
        said += ["--from-scratch"] * (self.from_scratch and self.init_from is None)
        said += ["--freeze-encoder"] * self.freeze_encoder
        return (*said, *self.more)

    def command_line(self) -> str:
        """Return the line that repeats it in a shell."""
        return shlex.join(["napari-mclstexp", *self.arguments()])


@dataclass(frozen=True)
class Ended:
    """How a training ended: done, cancelled, or failed with a sentence."""

    how: str
    sentence: str = ""


class TrainingProcess:
    """A training that runs by itself, whatever becomes of the window.

    Parameters
    ----------
    request
        What shall be trained.
    program
        What is run; another one in tests.

    Raises
    ------
    SettingsError
        If the request lacks something.
    """

    def __init__(self, request: TrainRequest, program: Sequence[str] = PROGRAM) -> None:
        arguments = request.arguments()
        self.request = request
        self.folder = Path(tempfile.mkdtemp(prefix="mclstexp-train-"))
        self._events = self.folder / "events.jsonl"
        self._log = self.folder / "log.txt"
        self._read = 0
        self._rest = ""
        self._cancelled = False
        self.paused = False
        command = [*program, *arguments, "--resume", "--events", str(self._events)]
        with self._log.open("wb") as log:
            # In a session of its own, so that it outlives the window if that is wished.
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it still runs, paused or not."""
        return self._process.poll() is None

    def events(self) -> list[dict[str, Any]]:
        """Return what it said since the last call; half a line waits for its end."""
        if not self._events.is_file():
            return []
        with self._events.open("rb") as file:
            file.seek(self._read)
            new = file.read()
        self._read += len(new)
        *lines, self._rest = (self._rest + new.decode("utf-8")).split("\n")
        return [event for line in lines if (event := _parsed(line)) is not None]

    def ended(self) -> Ended | None:
        """Return how it ended, or None while it runs."""
        code = self._process.poll()
        if code is None:
            return None
        if code == 0:
            return Ended("done")
        if self._cancelled:
            return Ended("cancelled", "The training was cancelled.")
        if code < 0:
            name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
            return Ended(
                "failed",
                f"The training process was ended from outside ({name}); press Start to go on from "
                "its last epoch.",
            )
        lines = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        last = lines[-1] if lines else f"exit code {code}"
        if code == 2:
            return Ended("failed", last)
        return Ended("failed", f"The training process broke down ({last}); see {self._log}.")

    def pause(self) -> None:
        """Halt it where it stands; it keeps its memory."""
        self._each("suspend")
        self.paused = True

    def go_on(self) -> None:
        """Let it go on after a pause."""
        self._each("resume")
        self.paused = False

    def cancel(self) -> None:
        """End it; what it has learned up to its last epoch stays, for a later start."""
        if not self.running:
            return
        self._cancelled = True
        if self.paused:
            self.go_on()
        self._process.send_signal(signal.SIGINT)
        # By a thread and not by the window, which may be about to close.
        Timer(PATIENCE_S, self.kill).start()

    def kill(self) -> None:
        """End it at once, if asking was of no use."""
        self._cancelled = True
        if self.running:
            self._each("kill")

    def _each(self, what: str) -> None:
        try:
            process = psutil.Process(self.pid)
            for each in (*process.children(recursive=True), process):
                getattr(each, what)()
        except psutil.NoSuchProcess:
            return


def _parsed(line: str) -> dict[str, Any] | None:
    """Return an event, or None for a line that is none: one lost line is no reason to go deaf."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and "event" in event else None
