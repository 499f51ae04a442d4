"""What a training, or a cohort, says to a program that watches it: a JSON document a line."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from ..errors import OutputError
from ..files import refuse_special
from ..progress import Estimate, HeldOutMap, SlideStep, TrainingPoint

if TYPE_CHECKING:
    from ..progress import Progress


@dataclass(frozen=True)
class Stage:
    """Another part of the work has begun, as a person would call it."""

    what: str


@dataclass(frozen=True)
class StepsDone:
    """How much of a stage is done, in which units, and what is being done."""

    done: int
    total: int
    what: str
    unit: str = "steps"


@dataclass(frozen=True)
class Done:
    """The model stands, and its report, if one was asked for."""

    model: Path
    report: Path | None = None


@dataclass(frozen=True)
class Failed:
    """The training ended with a sentence that says why."""

    sentence: str


@dataclass(frozen=True)
class Stopped:
    """The training ended because a person wished so."""


Event = (
    Stage | StepsDone | Estimate | TrainingPoint | HeldOutMap | SlideStep | Done | Failed | Stopped
)

# The names in the file; docs/shell.md tells them to those who watch.
_KINDS: dict[str, type[Event]] = {
    "stage": Stage,
    "progress": StepsDone,
    "estimate": Estimate,
    "epoch": TrainingPoint,
    "map": HeldOutMap,
    "slide": SlideStep,
    "done": Done,
    "error": Failed,
    "cancelled": Stopped,
}
_START = b'{"event": "'  # of every line
_NAMES = {kind: name for name, kind in _KINDS.items()}


def write(event: Event) -> str:
    """Return the line of an event, without its end; what is no number becomes null."""
    said = asdict(event)
    if isinstance(event, Estimate):
        said["sentence"] = str(event)
    return json.dumps({"event": _NAMES[type(event)], **{k: _plain(v) for k, v in said.items()}})


def read(line: str | bytes) -> Event | None:
    """Return the event of a line, or None for a line that is none, or of a kind not known here."""
    try:
        said = json.loads(line)
        kind = _KINDS[said["event"]]
        return _event(kind, {f.name: said[f.name] for f in fields(kind) if f.name in said})
    except (ValueError, KeyError, TypeError):  # one lost line is no reason to go deaf
        return None


def _is_events(path: Path) -> bool:
    """Whether a file is empty, or begins as a file of events does."""
    with path.open("rb") as file:
        return file.read(len(_START)) in (b"", _START)


class EventFile:
    """Appends events to a file, each line whole when it is there; without a file it does nothing.

    Parameters
    ----------
    path
        The file, or None.

    Raises
    ------
    OutputError
        If it cannot be written, or holds something else than events.
    """

    def __init__(self, path: Path | None) -> None:
        self._file = None
        self._stage = Stage("")
        if path is not None:
            refuse_special(path)  # a pipe would be waited for
            try:
                if path.exists() and not _is_events(path):
                    raise OutputError(
                        f"--events {path} holds something else than events; choose another name."
                    )
                self._file = path.open("a", encoding="utf-8")
            except OSError as error:
                raise OutputError(
                    f"--events {path} cannot be written ({error.strerror}); choose another file."
                ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def say(self, event: Event) -> None:
        """Write one event."""
        if self._file is not None:
            self._file.write(write(event) + "\n")
            self._file.flush()

    def progress(self, progress: Progress) -> None:
        """Write what a progress event carries."""
        if isinstance(progress.partial, Estimate | TrainingPoint | HeldOutMap):
            self.say(progress.partial)
            return
        stage = Stage("Training" if progress.unit == "steps" else progress.what)
        if stage != self._stage:
            self._stage = stage
            self.say(stage)
        self.say(StepsDone(progress.done, progress.total, progress.what, progress.unit))


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):  # an array; numpy is not loaded for ``--help``
        return [_plain(each) for each in value.astype(float).round(4).tolist()]
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, Path) else value


def _event(kind: type[Event], said: dict[str, Any]) -> Event:
    import numpy as np
    from pydantic import TypeAdapter

    if kind is HeldOutMap:
        arrays = {name: np.array(said.pop(name), float) for name in ("xy", "predicted", "measured")}
        pcc = math.nan if said["pcc"] is None else float(said["pcc"])
        return HeldOutMap(str(said["section"]), str(said["gene"]), pcc=pcc, **arrays)
    if kind is TrainingPoint and said["loss"] is None:
        said["loss"] = math.nan
    return TypeAdapter(kind).validate_python(
        {name: value for name, value in said.items() if value is not None}
    )
