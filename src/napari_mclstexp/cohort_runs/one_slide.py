"""One slide of a cohort: from its files to its result, in whatever process it is asked for."""

from __future__ import annotations

import platform
import threading
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import Cancelled, ModelError, OutputError, UserError
from ..progress import CancelToken, ProgressCallback
from .cohort_folder import CohortFolder
from .cohort_settings import CohortSettings
from .slide_list import SlideEntry
from .slide_record import MadeFrom, SlideRecord, SlideState

if TYPE_CHECKING:
    from anndata import AnnData

    from ..model import Model

_loading = threading.Lock()
_loaded: dict[Path, Model] = {}


@dataclass(frozen=True)
class SlideJob:
    """All that a worker is told; the rest is in files that every worker can reach.

    Attributes
    ----------
    entry, settings
        The slide, and what is asked of it.
    out
        The folder of results.
    model, model_id
        The folder of the model, and what the model in it must be.
    device, batch_size, backend
        As `predict` takes them; they are no part of what a result is made from.
    """

    entry: SlideEntry
    settings: CohortSettings
    out: Path
    model: Path
    model_id: str
    device: str = "auto"
    batch_size: int | None = None
    backend: str = "auto"

    def text(self) -> str:
        """Return it as JSON of one line."""
        from pydantic import TypeAdapter

        return TypeAdapter(SlideJob).dump_json(self).decode()

    @classmethod
    def read(cls, text: str | bytes) -> SlideJob:
        """Return the job of a JSON text."""
        from pydantic import TypeAdapter

        return TypeAdapter(SlideJob).validate_json(text)


def do_slide(
    job: SlideJob,
    *,
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
) -> SlideState:
    """Do one slide, unless it is done already or another process is at it.

    Parameters
    ----------
    job
        What to do.
    progress, cancel
        As `predict` takes them.

    Returns
    -------
    How it stands now. ``"failed"`` is kept in the folder with its sentence. ``"stopped"`` is not:
    the disk, the model or the machine is at fault, and no other slide would fare better.

    Raises
    ------
    Cancelled
        If `cancel` was set; nothing is written.
    """
    folder, entry = CohortFolder(job.out), job.entry
    try:
        with folder.working_on(entry.name) as ours:
            if not ours:
                return SlideState(entry.name, "elsewhere")
            # Only with the lock held is it sure that nobody has just finished it.
            there = folder.state(entry, job.model_id, job.settings)
            return there or _attempt(job, folder, progress, cancel)
    except (OutputError, ModelError, RunError) as error:
        return SlideState(entry.name, "stopped", sentence=str(error), host=platform.node())


class RunError(UserError):
    """Something that every slide would meet on this machine."""


def _attempt(
    job: SlideJob,
    folder: CohortFolder,
    progress: ProgressCallback | None,
    cancel: CancelToken | None,
) -> SlideState:
    model = _model(job)
    _check_device(job.device, job.backend)
    entry, start = job.entry, time.monotonic()
    # Before the slide is read: one that is changed meanwhile will be seen to have changed.
    made_from = MadeFrom.now(entry, job.model_id, job.settings)
    try:
        try:
            prediction = _predict(job, model, progress, cancel)
        except OutputError:  # what was kept of the slide's features was damaged, or is gone
            prediction = _predict(job, model, progress, cancel)
        from .slide_facts import facts_of, signatures_of

        state = SlideState(
            entry.name,
            "done",
            seconds=round(time.monotonic() - start, 2),
            spots=prediction.n_obs,
            facts=facts_of(prediction),
            signatures=signatures_of(prediction),
            host=platform.node(),
        )
    except (Cancelled, OutputError):
        raise
    except Exception as error:
        seconds = round(time.monotonic() - start, 2)
        sentence, trace = _what_failed(error)
        state = SlideState(entry.name, "failed", seconds, None, sentence, host=platform.node())
        folder.write_failure(SlideRecord(made_from, state, trace))
        return state
    folder.write_result(prediction, SlideRecord(made_from, state))
    return state


def _predict(
    job: SlideJob, model: Model, progress: ProgressCallback | None, cancel: CancelToken | None
) -> AnnData:
    from ..inference.predict import predict
    from ..slides import open_slide
    from ..spots import lay_grid
    from ..spots.readers.choose import read_spots

    entry, settings = job.entry, job.settings
    with open_slide(entry.slide) as slide:
        if entry.um_per_px is not None:
            slide.calibrate(entry.um_per_px, "user")
        if entry.spots is not None:
            spots = read_spots(entry.spots, entry.counts)
        else:
            spots = lay_grid(slide, settings.grid)
        return predict(
            slide,
            spots,
            model,
            genes=settings.genes,
            device=job.device,
            batch_size=job.batch_size,
            backend=job.backend,
            interval=settings.interval,
            samples=settings.samples,
            seed=settings.seed,
            progress=progress,
            cancel=cancel,
        )


def _what_failed(error: Exception) -> tuple[str, str]:
    """Return the sentence for a person, and the traceback where it is not theirs to mend."""
    if isinstance(error, UserError):
        return " ".join(str(error).split()), ""
    said = " ".join(str(error).split()) or "no reason given"
    trace = "".join(traceback.format_exception(error))
    return f"It broke down with {type(error).__name__} ({said[:300]}).", trace


def _model(job: SlideJob) -> Model:
    """Return the model, read once a process."""
    from ..model import load_model

    with _loading:
        if job.model not in _loaded or _loaded[job.model].id != job.model_id:
            _loaded.clear()
            _loaded[job.model] = load_model(job.model)
        model = _loaded[job.model]
    if model.id != job.model_id:
        raise ModelError(
            f"The model in {job.model} is not the one that this run began with; start it again."
        )
    return model


def _check_device(device: str, backend: str) -> None:
    from ..inference.device import pick_device

    try:
        pick_device(device, backend)
    except UserError as error:
        raise RunError(f"{platform.node()}: {error}") from error
