"""A cohort in a process of its own: the command that the dock starts, pauses and ends."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..training.process import PROGRAM, TrainingProcess, start_process
from ..training.run_record import COHORTS, run_records


@dataclass(frozen=True)
class CohortRequest:
    """What shall be predicted; see the options of ``napari-mclstexp predict-cohort``."""

    slides: Path
    model: Path
    out: Path
    grid: float | None = None
    on: str = "local"
    show: str = ""
    retry: bool = False

    def arguments(self) -> tuple[str, ...]:
        """Return the command line after the program's name."""
        said = ["predict-cohort", "--slides", str(self.slides), "--model", str(self.model)]
        said += ["--out", str(self.out)]
        for option, value in (("--grid", self.grid), ("--show", self.show)):
            said += [option, f"{value:g}" if isinstance(value, float) else value] if value else []
        said += [] if self.on == "local" else ["--on", self.on]
        return (*said, *(["--retry"] if self.retry else []))

    def command_line(self) -> str:
        """Return the line that repeats it in a shell."""
        return shlex.join(["napari-mclstexp", *self.arguments()])


class CohortProcess(TrainingProcess):
    """A cohort in a process of its own, whoever started it."""

    what = "cohort"


def start_cohort(request: CohortRequest, program: Sequence[str] = PROGRAM) -> CohortProcess:
    """Start a cohort that runs by itself, whatever becomes of the window.

    Raises
    ------
    SettingsError
        If a cohort into the same folder is on.
    OutputError
        If nothing can be written to the user's state folder.
    """
    record = start_process(request, request.arguments(), program, COHORTS, "being filled")
    return CohortProcess(record)


def found_cohort() -> CohortProcess | None:
    """Return the newest cohort that is on, else one whose end nobody has seen, else None."""
    found = [CohortProcess(record) for record in run_records(COHORTS)]
    return max(found, key=lambda each: (each.running, each.record.started), default=None)
