"""The whole recipe from a cohort table to a saved model; shell, dock and Python all run this."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ..errors import Cancelled, SettingsError
from ..files import (
    atomic_folder,
    beside,
    check_folder,
    is_temporary,
    kind_of,
    names_in,
    only_one,
    remove_files,
)

if TYPE_CHECKING:
    from ..cohort.section import Section
    from ..model import Model
    from ..progress import CancelToken, Progress, ProgressCallback
    from .presets import Preset
    from .settings import TrainSettings

CHECKPOINT, TRAINING = "checkpoint.safetensors", "training"
RUN = "the state of a training"
RUN_FILES = (CHECKPOINT, f"{TRAINING}/curves.csv", f"{TRAINING}/events.out.tfevents.*")
STARTS = ("weights", "init_from")  # fields of the settings that name files


@dataclass(frozen=True)
class TrainJob:
    """What shall be trained on what, and where the model shall stand.

    Attributes
    ----------
    cohort
        Table of the sections.
    out
        The model folder.
    genes, hvg
        The genes to learn, as their names or a file with one a line; or instead how many of the
        most variable ones of each section, united.
    held_out, stop_on
        Names of sections that are not learned from: one scores every gene, the other says when
        to stop.
    resume
        Resume from the last epoch if there was one, and keep the last epoch if cancelled.
    report
        Whether a held-out section is compared with trivial baselines.
    min_counts
        Spots with fewer counts are left out; None takes the platform's usual threshold.
    device, backend, devices, nodes
        Where, what runs a frozen encoder, and how many processes and machines share each step.
    preset, chosen
        The set of choices, and fields of :class:`TrainSettings` that were chosen on top.
    """

    cohort: Path
    out: Path
    genes: Path | tuple[str, ...] | None = None
    hvg: int | None = None
    held_out: str | None = None
    stop_on: str | None = None
    resume: bool = False
    report: bool = True
    min_counts: int | None = None
    device: str = "auto"
    backend: str = "auto"
    devices: int = 1
    nodes: int = 1
    preset: Preset = "default"
    chosen: Mapping[str, Any] = field(default_factory=dict)

    @property
    def run_folder(self) -> Path:
        """Where checkpoint and curves stand until the model does."""
        return beside(self.out, ".run")

    def inputs(self) -> dict[str, Path | None]:
        """Return all files that are read, by what they are; none may be written over."""
        from ..cohort.table import cohort_files

        start = {f"--{name.replace('_', '-')}": self.chosen.get(name) for name in STARTS}
        listed = self.genes if isinstance(self.genes, Path) else None
        return {**cohort_files(self.cohort), "--genes": listed, **start}

    def check_outputs(self) -> None:
        """Make sure, before hours of work, that nothing but an earlier model is replaced.

        Raises
        ------
        UserError
            If something else is where the model would stand, or the state of its training.
        """
        from ..model.folder import check_target

        check_target(self.out, self.inputs())
        if not _is_run(self.run_folder):
            check_folder(self.run_folder, RUN)


@dataclass(frozen=True, eq=False)
class Trained:
    """What a job made.

    Attributes
    ----------
    model
        As it was saved.
    settings
        All of them, with the genes.
    report
        The page that compares the held-out section, or None.
    notes
        Sentences: what was foreseen, which spots and genes were left out.
    """

    model: Model
    settings: TrainSettings
    report: Path | None
    notes: tuple[str, ...]


class Reporter(Protocol):
    """Compares a section that was held out with the trivial answers; evaluation has one."""

    def __call__(
        self,
        job: TrainJob,
        trained: Trained,
        learned: Sequence[Section],
        held_out: Section,
        progress: ProgressCallback,
        cancel: CancelToken,
    ) -> Path:
        """Write the report into the model's folder, and return its page."""


def run_job(
    job: TrainJob,
    reporter: Reporter,
    *,
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
    keeps_run: Callable[[], bool] = lambda: False,
) -> Trained:
    """Train on the sections of a table, save the model, and report on the held-out section.

    Parameters
    ----------
    job
        What was asked for.
    reporter
        Writes the report.
    progress, cancel
        As for `train`; the report tells how far it is too.
    keeps_run
        Asked after a cancel, whether to keep the last epoch though the job is not to be resumed.

    Raises
    ------
    UserError
        If anything about the files or the choices is wrong.
    Cancelled
        If `cancel` was set; no model is written then, unless it was the report that was made.
    """
    with ExitStack() as stack:
        if first_process():
            stack.enter_context(only_one(job.out, "another training"))
        try:
            return _run(job, reporter, progress, cancel)
        except Cancelled as error:
            if not (job.resume or keeps_run()):
                _remove_run(job)
            elif (job.run_folder / CHECKPOINT).exists():
                error.kept = f"{job.run_folder} stays, and --resume goes on from it."
            raise


def _run(
    job: TrainJob,
    reporter: Reporter,
    progress: ProgressCallback | None,
    cancel: CancelToken | None,
) -> Trained:
    job.check_outputs()
    checkpoint = job.run_folder / CHECKPOINT
    if checkpoint.exists() and not job.resume:
        raise SettingsError(
            f"{job.run_folder} holds a training that was not finished; go on from it with "
            "--resume, or remove that folder to train from the start."
        )
    from ..cohort.gene_selection import choose_genes
    from ..cohort.load import load_cohort
    from ..cohort.quality_control import keep_good_spots
    from ..progress import CancelToken, Estimate
    from .presets import preset_settings
    from .train import train

    kept = keep_good_spots(load_cohort(job.cohort), job.min_counts)
    scored, stopped = (_named(kept.sections, name, job) for name in (job.held_out, job.stop_on))
    learned = [each for each in kept.sections if each not in (scored, stopped)]
    if not learned:
        raise SettingsError(f"{job.cohort} leaves no section to train on; hold out fewer.")
    choice = choose_genes(job.genes, job.hvg, learned)
    settings = preset_settings(job.preset, genes=choice.genes, **job.chosen)
    if first_process() and not _is_run(job.run_folder):
        with atomic_folder(job.run_folder, RUN):
            pass
    estimates: list[str] = []

    def told(event: Progress) -> None:
        if isinstance(event.partial, Estimate):
            estimates.append(f"Foreseen: {event.partial}.")
        if progress is not None:
            progress(event)

    cancel = cancel or CancelToken()
    try:
        model = train(
            learned,
            settings,
            held_out=scored,
            stop_on=stopped,
            device=job.device,
            backend=job.backend,
            devices=job.devices,
            nodes=job.nodes,
            progress=told,
            cancel=cancel,
            checkpoint=checkpoint,
            curves=job.run_folder / TRAINING,
        )
        report = None
        if first_process():
            _save(job, model)
            if scored is not None and job.report:
                made = Trained(model, settings, None, ())
                try:
                    report = reporter(job, made, learned, scored, told, cancel)
                except Cancelled as error:
                    error.kept = f"the model stands in {job.out}, without its report."
                    raise
    finally:
        if not checkpoint.exists():  # nothing to go on from
            _remove_run(job)
    return Trained(model, settings, report, (*estimates, *kept.sentences, *choice.sentences))


def _save(job: TrainJob, model: Model) -> None:
    from ..model import save_model

    save_model(model, job.out, training=job.run_folder / TRAINING)
    _remove_run(job)


def _named(sections: Sequence[Section], name: str | None, job: TrainJob) -> Section | None:
    if name is None:
        return None
    for each in sections:
        if each.name == name:
            return each
    raise SettingsError(
        f"{job.cohort} has no section {name} to hold out; "
        f"it has {', '.join(each.name for each in sections)}."
    )


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


def _remove_run(job: TrainJob) -> None:
    """Remove what the training kept to go on from; a file that a person put there stays."""
    if first_process() and _is_run(job.run_folder):
        remove_files(job.run_folder, RUN_FILES)


def first_process() -> bool:
    """Whether this is the process that writes; of several that train together, one does."""
    return all(os.environ.get(name, "0") == "0" for name in ("RANK", "LOCAL_RANK", "NODE_RANK"))
