"""A training with its held-out report: what shell, dock and Python call."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..files import MARKER, placing
from ..training.job import STARTS, TRAINING, Trained, TrainJob, run_job

if TYPE_CHECKING:
    from ..cohort.section import Section
    from ..progress import CancelToken, ProgressCallback
    from ..training.presets import Preset


def train_cohort(
    cohort: Path | str,
    out: Path | str,
    *,
    genes: Path | str | Sequence[str] | None = None,
    hvg: int | None = None,
    held_out: str | None = None,
    stop_on: str | None = None,
    resume: bool = False,
    report: bool = True,
    min_counts: int | None = None,
    device: str = "auto",
    backend: str = "auto",
    devices: int = 1,
    nodes: int = 1,
    preset: Preset = "default",
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
    **settings: Any,
) -> Trained:
    """Train a model on the sections of a cohort table and save it, as the command ``train`` does.

    Parameters
    ----------
    cohort
        CSV with the columns section, patient, slide, spots and, for legacy ST, counts.
    out
        The model folder to write; an earlier model there is replaced, nothing else is.
    genes
        Names of the genes to learn, or a text file with one a line.
    hvg
        Instead of `genes`: so many of the most variable ones of each section, united.
    held_out
        Name of a section that is not learned from; every gene is scored on it.
    stop_on
        Name of a section that is not learned from; training stops when it gets no better.
    resume
        Go on from the last epoch of a training that was interrupted.
    report
        With `held_out`: write a report beside trivial baselines into the model folder.
    min_counts
        Leave out spots with fewer counts; 0 keeps all.
    device
        ``"auto"``, ``"cuda"``, ``"mps"`` or ``"cpu"``.
    backend
        What runs a frozen encoder: ``"auto"``, ``"torch"`` or ``"openvino"``; see `predict`.
    devices, nodes
        Processes on this machine, and machines, that share each step.
    preset
        ``"default"``, or ``"reference"`` for the choices of the authors' published code.
    progress, cancel
        As for `train`.
    **settings
        Fields of :class:`TrainSettings`, for instance ``epochs=30``.

    Returns
    -------
    Trained
        The model, its settings, the report's page, and what a person should know.

    Raises
    ------
    UserError
        If anything about the files or the choices is wrong; nothing is written then.
    Cancelled
        If `cancel` was set; no model is written then.

    Examples
    --------
    >>> from napari_mclstexp import train_cohort
    >>> made = train_cohort("cohort.csv", "model", hvg=1000, held_out="B1")  # doctest: +SKIP
    >>> made.model.config.held_out_pcc["FASN"]  # doctest: +SKIP
    """
    if isinstance(genes, str):
        genes = Path(genes)
    job = TrainJob(
        cohort=Path(cohort),
        out=Path(out),
        genes=genes if genes is None or isinstance(genes, Path) else tuple(genes),
        hvg=hvg,
        held_out=held_out,
        stop_on=stop_on,
        resume=resume,
        report=report,
        min_counts=min_counts,
        device=device,
        backend=backend,
        devices=devices,
        nodes=nodes,
        preset=preset,
        chosen={k: Path(v) if k in STARTS and v else v for k, v in settings.items()},
    )
    return run_job(job, write_report, progress=progress, cancel=cancel)


def write_report(
    job: TrainJob,
    trained: Trained,
    learned: Sequence[Section],
    held_out: Section,
    progress: ProgressCallback,
    cancel: CancelToken,
) -> Path:
    """Compare the held-out section's prediction with the trivial answers', in the model folder."""
    import numpy as np

    from ..inference.predict import predict
    from ..model.folder import KIND
    from .evaluate import evaluate
    from .evaluation_files import FILES, write_evaluation
    from .evaluation_result import Fold

    with held_out.open() as slide:
        found = predict(
            *(slide, held_out.spots, trained.model),
            device=job.device,
            backend=job.backend,
            progress=progress,
            cancel=cancel,
        )
    evaluation = evaluate(
        [*learned, held_out],
        [trained.settings],
        folds=[Fold(held_out.name, (held_out.name,), tuple(each.name for each in learned))],
        heads=False,
        ours={held_out.name: np.asarray(found.X)},
        device=job.device,
        backend=job.backend,
        progress=progress,
        cancel=cancel,
    )
    with placing(job.out, KIND, [f"{TRAINING}/{name}" for name in (*FILES, MARKER)]):
        return write_evaluation(evaluation, job.out / TRAINING)
