"""What train does, once the shell has understood what is asked for."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import Cancelled, OutputError, SettingsError, UserError
from ..files import (
    MARKER,
    atomic_folder,
    check_folder,
    is_temporary,
    kind_of,
    names_in,
    note_written,
    refuse_overwriting,
    remove_files,
)
from ..training.events import Done, EventFile, Failed, Stopped
from .answers import Report, about_training
from .long_work import INTERRUPTS, check_out_model, long_work
from .predict_job import chosen_genes, cohort_files, cohort_sections

if TYPE_CHECKING:
    from ..cohort.section import Section
    from ..model import Model
    from ..progress import CancelToken, Progress, ProgressCallback
    from ..training.settings import TrainSettings

CHECKPOINT, TRAINING = "checkpoint.safetensors", "training"
RUN = "the state of a training"
RUN_FILES = (CHECKPOINT, f"{TRAINING}/curves.csv", f"{TRAINING}/events.out.tfevents.*")


@dataclass(frozen=True)
class TrainJob:
    """What `train` was asked for, besides the model's own settings; see its options."""

    cohort: Path
    out: Path
    genes: Path | None = None
    hvg: int | None = None
    held_out: str | None = None
    stop_on: str | None = None
    resume: bool = False
    report: bool = True
    min_counts: int | None = None
    device: str = "auto"
    devices: int = 1
    nodes: int = 1
    events: Path | None = None

    @property
    def run_folder(self) -> Path:
        """Where checkpoint and curves stand until the model does."""
        return self.out.with_name(self.out.name + ".run")


def train_job(
    job: TrainJob,
    settings_for: Callable[[tuple[str, ...]], TrainSettings],
    more_inputs: Mapping[str, Path | None],
) -> Report:
    """Train on the sections of a table, save the model, and tell what it is.

    Parameters
    ----------
    job
        What was asked for.
    settings_for
        Makes the settings, once the genes are known.
    more_inputs
        Files that the settings make it read; none of them may be written over.

    Raises
    ------
    UserError
        If anything about the files or the choices is wrong.
    Cancelled
        If the run was interrupted; only a resumable run leaves its checkpoint.
    """
    start = time.monotonic()
    inputs = {**cohort_files(job.cohort), "--genes": job.genes, **more_inputs}
    refuse_overwriting(job.events, inputs)
    for folder in (job.out, job.run_folder):  # where a file of events would be foreign
        if job.events is not None and job.events.resolve().is_relative_to(folder.resolve()):
            raise OutputError(f"--events {job.events} lies in {folder}; choose another place.")
    with EventFile(job.events if first_process() else None) as events:
        try:
            model, settings, report, notes = _train(job, settings_for, events, inputs)
        except UserError as error:
            events.say(Failed(str(error)))
            raise
        except Cancelled:
            events.say(Stopped())
            if not job.resume and INTERRUPTS.received != signal.SIGTERM:
                _remove_run(job)
            raise
        events.say(Done(job.out, report))
    return about_training(model, settings, time.monotonic() - start, notes)


def check_outputs(job: TrainJob, inputs: Mapping[str, Path | None]) -> None:
    """Make sure, before hours of work, that nothing but an earlier model is replaced.

    Raises
    ------
    UserError
        If something else is where the model would stand, or the state of its training until then.
    """
    check_out_model(job.out, inputs)
    if not _is_run(job.run_folder):
        check_folder(job.run_folder, RUN)


def _is_run(folder: Path) -> bool:
    """Whether a training made a folder; before there was a marker, by what is in it."""
    names = names_in(folder)
    return kind_of(folder) == RUN or (
        CHECKPOINT in names
        and all(
            is_temporary(folder / name) or any(fnmatchcase(name, each) for each in RUN_FILES)
            for name in names
        )
    )


def _train(
    job: TrainJob,
    settings_for: Callable[[tuple[str, ...]], TrainSettings],
    events: EventFile,
    inputs: Mapping[str, Path | None],
) -> tuple[Model, TrainSettings, Path | None, tuple[str, ...]]:
    check_outputs(job, inputs)
    checkpoint = job.run_folder / CHECKPOINT
    if checkpoint.exists() and not job.resume:
        raise SettingsError(
            f"{job.run_folder} holds a training that was not finished; go on from it with "
            "--resume, or remove that folder to train from the start."
        )
    from ..progress import Estimate
    from ..training.train import train

    kept = cohort_sections(job.cohort, job.min_counts)
    sections = kept.sections
    scored, stopped = (_named(sections, name, job.cohort) for name in (job.held_out, job.stop_on))
    rest = [each for each in sections if each not in (scored, stopped)]
    if not rest:
        raise SettingsError(f"{job.cohort} leaves no section to train on; hold out fewer.")
    choice = chosen_genes(job.genes, job.hvg, rest)
    settings = settings_for(choice.genes)
    if first_process() and not _is_run(job.run_folder):
        with atomic_folder(job.run_folder, RUN):
            pass
    try:
        with long_work() as (show, cancel):
            estimates: list[str] = []

            def progress(event: Progress) -> None:
                show(event)
                events.progress(event)
                if isinstance(event.partial, Estimate):
                    estimates.append(f"Foreseen: {event.partial}.")

            model = train(
                rest,
                settings,
                held_out=scored,
                stop_on=stopped,
                device=job.device,
                devices=job.devices,
                nodes=job.nodes,
                progress=progress,
                cancel=cancel,
                checkpoint=checkpoint,
                curves=job.run_folder / TRAINING,
            )
            report = None
            if first_process():
                _save(job, model)
                if scored is not None and job.report:
                    report = _report(job, model, settings, rest, scored, progress, cancel)
    finally:
        if not checkpoint.exists():  # nothing to go on from
            _remove_run(job)
    return model, settings, report, (*estimates, *kept.sentences, *choice.sentences)


def _save(job: TrainJob, model: Model) -> None:
    from ..model import save_model

    save_model(model, job.out, training=job.run_folder / TRAINING)
    _remove_run(job)


def _remove_run(job: TrainJob) -> None:
    """Remove what the training kept to go on from; a file that a person put there stays."""
    if first_process() and _is_run(job.run_folder):
        remove_files(job.run_folder, RUN_FILES)


def _named(sections: Sequence[Section], name: str | None, cohort: Path) -> Section | None:
    if name is None:
        return None
    for each in sections:
        if each.name == name:
            return each
    raise SettingsError(
        f"{cohort} has no section {name} to hold out; "
        f"it has {', '.join(each.name for each in sections)}."
    )


def first_process() -> bool:
    """Whether this is the process that writes; of several that train together, one does."""
    return all(os.environ.get(name, "0") == "0" for name in ("RANK", "LOCAL_RANK", "NODE_RANK"))


def _report(
    job: TrainJob,
    model: Model,
    settings: TrainSettings,
    sections: list[Section],
    held_out: Section,
    progress: ProgressCallback,
    cancel: CancelToken,
) -> Path:
    """Compare the held-out section's prediction with the trivial answers', in the model folder."""
    import numpy as np

    from ..evaluation.evaluate import evaluate
    from ..evaluation.evaluation_files import FILES, write_evaluation
    from ..evaluation.evaluation_result import Fold
    from ..inference.predict import predict
    from ..model.folder import KIND

    with held_out.open() as slide:
        found = predict(
            slide, held_out.spots, model, device=job.device, progress=progress, cancel=cancel
        )
    fold = Fold(held_out.name, (held_out.name,), tuple(each.name for each in sections))
    evaluation = evaluate(
        [*sections, held_out],
        [settings],
        folds=[fold],
        heads=False,
        ours={held_out.name: np.asarray(found.X)},
        device=job.device,
        progress=progress,
        cancel=cancel,
    )
    report = write_evaluation(evaluation, job.out / TRAINING)
    note_written(job.out, KIND, [f"{TRAINING}/{name}" for name in (*FILES, MARKER)])
    return report
