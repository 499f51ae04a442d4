"""What a run leaves in the user's state folder, so that any window can find it again."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from ..files import atomic_file

TRAININGS, COHORTS = "trainings", "cohorts"  # folders of their records
_SAME_START_S = 2.0  # two readings of one process's start differ when the clock was set


@dataclass(frozen=True)
class RunRecord:
    """A training, or a cohort, in a process of its own.

    Attributes
    ----------
    pid, started
        The process; numbers are given again, a number with a start time is not.
    out
        Where the model, or the results, will stand.
    events, log
        What it says to programs, and to people.
    command_line
        What repeats it in a shell.
    """

    pid: int
    started: float
    out: Path
    events: Path
    log: Path
    command_line: str

    @property
    def path(self) -> Path:
        """Where the record itself is kept."""
        return self.events.with_name("run.json")

    def write(self) -> None:
        """Keep it.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        from pydantic import TypeAdapter

        with atomic_file(self.path) as temporary:
            temporary.write_bytes(TypeAdapter(RunRecord).dump_json(self))

    def remove(self, *, keep_log: bool) -> None:
        """Take it away with what the training said, unless another training has its place."""
        if _read(self.path) != self:
            return
        for path in (self.path, self.events, *([] if keep_log else [self.log])):
            path.unlink(missing_ok=True)
        with suppress(OSError):  # the log is in it
            self.path.parent.rmdir()

    def process(self) -> psutil.Process | None:
        """Return the process, or None if it has ended."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started) < _SAME_START_S
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None


def run_folder(out: Path, kind: str = TRAININGS) -> Path:
    """Return where a run's record, events and log are kept: one place for each output."""
    key = hashlib.sha256(str(out.resolve()).encode()).hexdigest()[:8]
    return _runs(kind) / f"{out.name}-{key}"


def run_records(kind: str = TRAININGS) -> list[RunRecord]:
    """Return the runs that are on, or ended while no window watched; the newest is last."""
    found = (_read(path) for path in _runs(kind).glob("*/run.json"))
    return sorted((each for each in found if each is not None), key=lambda each: each.started)


def _read(path: Path) -> RunRecord | None:
    from pydantic import TypeAdapter

    try:
        return TypeAdapter(RunRecord).validate_json(path.read_bytes())
    except (OSError, ValueError):
        return None


def _runs(kind: str) -> Path:
    from platformdirs import user_state_path

    return user_state_path("napari-mclstexp", appauthor=False) / kind
