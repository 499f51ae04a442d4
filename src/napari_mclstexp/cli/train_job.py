"""A training from the shell: its progress bar, its file of events, its answer, and its signals."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import Cancelled, OutputError, UserError
from ..files import lies_in, refuse_overwriting
from ..training.events import Done, EventFile, Failed, Stopped
from ..training.job import TrainJob, first_process, run_job
from .answers import Report, about_training
from .long_work import INTERRUPTS, long_work

if TYPE_CHECKING:
    from ..progress import Progress


def train_job(job: TrainJob, events_file: Path | None = None) -> Report:
    """Run a training, and tell what it made.

    Raises
    ------
    UserError
        If anything about the files or the choices is wrong.
    Cancelled
        If the run was interrupted; a scheduler that ends it (SIGTERM) may start it again, so its
        checkpoint stays then, as that of a resumable run does.
    """
    start = time.monotonic()
    refuse_overwriting(events_file, job.inputs())
    for folder in (job.out, job.run_folder):  # where a file of events would be foreign
        if events_file is not None and lies_in(events_file, folder):
            raise OutputError(f"--events {events_file} lies in {folder}; choose another place.")
    from ..evaluation.held_out_report import write_report

    with EventFile(events_file if first_process() else None) as events:
        try:
            with long_work(patient=True) as (show, cancel):

                def progress(event: Progress) -> None:
                    show(event)
                    events.progress(event)

                made = run_job(
                    *(job, write_report),
                    progress=progress,
                    cancel=cancel,
                    keeps_run=lambda: INTERRUPTS.received == signal.SIGTERM,
                )
        except UserError as error:
            events.say(Failed(str(error)))
            raise
        except Cancelled:
            events.say(Stopped())
            raise
        events.say(Done(job.out, made.report))
    return about_training(made.model, made.settings, time.monotonic() - start, made.notes)
