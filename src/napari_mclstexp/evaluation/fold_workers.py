"""Folds on the workers of a dask scheduler: each is learned by one worker, into one file.

What is learned from is written once into a folder that all can reach, and what is predicted into
another file there; the scheduler sees their names only. A fold whose file stands is not done again.
"""

from __future__ import annotations

import hashlib
import json
import queue
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anndata
import numpy as np
from pydantic import TypeAdapter

from ..anndata_file import write_h5ad
from ..cohort.fingerprints import counts_digest, slide_digest
from ..cohort.section import Section
from ..errors import OutputError, UserError
from ..files import atomic_file
from ..inference.device import pick_device
from ..progress import CancelToken, Progress, ProgressCallback
from .evaluation_result import Fold
from .fold_prediction import FoldPrediction
from .learn_fold import FoldPlan, Predictions, Sides, learn_fold, prepare_sections, sides_of
from .prepared_sections import Prepared

if TYPE_CHECKING:
    from distributed import Client

LOOK_S = 0.5
TASK = "task.json"

_preparing = threading.Lock()
_prepared: dict[Path, list[Prepared]] = {}


@dataclass(frozen=True)
class _SectionFile:
    """A section as files."""

    name: str
    patient: str
    slide: Path
    spots: Path
    um_per_px: float | None

    def read(self) -> Section:
        spots = anndata.read_h5ad(self.spots)
        return Section(self.name, self.patient, self.slide, spots, self.um_per_px)


@dataclass(frozen=True)
class _Task:
    """What all folds have in common."""

    plan: FoldPlan
    sections: tuple[_SectionFile, ...]


def learn_on_workers(
    client: Client,
    sections: Sequence[Section],
    plan: FoldPlan,
    folds: Sequence[Fold],
    genes: Mapping[Sides, tuple[str, ...]],
    scratch: Path,
    progress: ProgressCallback | None,
    cancel: CancelToken,
) -> dict[Sides, Predictions]:
    """Have workers learn the folds, and return what they predicted.

    Parameters
    ----------
    client
        Connected to the scheduler.
    sections, plan, folds
        What is learned, and how.
    genes
        Of each fold.
    scratch
        A folder that workers can reach.
    progress, cancel
        What reports, and what ends it.

    Raises
    ------
    UserError
        Of a worker, whose sentence it carries.
    OutputError
        If the folder cannot be written in, or workers cannot do this.
    """
    folder = (scratch / _key(sections, plan)).absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"The folder {folder} cannot be made ({error.strerror}).") from error
    _write_task(sections, plan, folder)
    files = {sides_of(fold): folder / _name(fold, genes[sides_of(fold)]) for fold in folds}
    missing = [fold for fold in folds if not files[sides_of(fold)].is_file()]
    futures = {
        client.submit(
            *(learn_one, str(folder), TypeAdapter(Fold).dump_json(fold).decode()),
            *(list(genes[sides_of(fold)]), files[sides_of(fold)].name),
            pure=False,
        ): fold
        for fold in missing
    }
    try:
        _wait(futures, len(folds), progress, cancel)
    finally:
        client.cancel(list(futures), force=True)
    return {sides: _read(path) for sides, path in files.items()}


def learn_one(folder: str, fold: str, genes: list[str], name: str) -> str:
    """Learn a fold on a worker, and write what it predicts; "" or a sentence comes back."""
    where, cancel = Path(folder), CancelToken()
    left_out = TypeAdapter(Fold).validate_json(fold)
    task = TypeAdapter(_Task).validate_json((where / TASK).read_bytes())
    try:
        device = pick_device(task.plan.device, task.plan.backend)
        with _preparing:  # once a process; folds share what is read of the pictures
            if where not in _prepared:
                _prepared.clear()
                sections = [each.read() for each in task.sections]
                _prepared[where] = prepare_sections(
                    sections, task.plan.settings, device, None, cancel
                )
        ground = task.plan.ground(_prepared[where], tuple(genes))
        made = learn_fold(
            task.plan, ground, left_out, tuple(genes), device, lambda *_: None, cancel
        )
        _write(made, where / name)
    except UserError as error:
        return str(error)
    return ""


def _wait(
    futures: Mapping[Any, Fold],
    n_folds: int,
    progress: ProgressCallback | None,
    cancel: CancelToken,
) -> None:
    ended: queue.SimpleQueue[Any] = queue.SimpleQueue()
    for future in futures:
        future.add_done_callback(ended.put)
    waiting, done = dict(futures), n_folds - len(futures)
    while waiting:
        cancel.raise_if_cancelled()
        if progress is not None:
            progress(Progress(done, n_folds, "Learning folds on workers", unit="folds"))
        with suppress(queue.Empty):
            future = ended.get(timeout=LOOK_S)
            fold = waiting.pop(future)
            if future.status != "finished":
                why = future.exception() if future.status == "error" else "the scheduler is gone"
                raise OutputError(
                    f"The fold without {', '.join(fold.tested)} was lost ({why}); start this again "
                    "when the workers are there: folds that are learned stay."
                )
            if sentence := future.result():
                raise UserError(sentence)
            done += 1


def _write_task(sections: Sequence[Section], plan: FoldPlan, folder: Path) -> None:
    kept = []
    for number, each in enumerate(sections):
        spots = folder / f"section{number}.h5ad"
        if not spots.is_file():
            with atomic_file(spots) as temporary:
                write_h5ad(each.spots, temporary)
        slide = each.slide_path.absolute()
        kept.append(_SectionFile(each.name, each.patient, slide, spots, each.um_per_px))
    with atomic_file(folder / TASK) as temporary:
        temporary.write_bytes(TypeAdapter(_Task).dump_json(_Task(plan, tuple(kept))))


def _key(sections: Sequence[Section], plan: FoldPlan) -> str:
    digest = hashlib.sha256(TypeAdapter(FoldPlan).dump_json(plan))
    for each in sections:
        facts = (each.name, each.patient, slide_digest(each), counts_digest(each), each.um_per_px)
        digest.update(repr(facts).encode())
    return digest.hexdigest()[:16]


def _name(fold: Fold, genes: Sequence[str]) -> str:
    said = json.dumps([fold.tested, fold.trained_on, list(genes)])
    return f"fold-{hashlib.sha256(said.encode()).hexdigest()[:16]}.npz"


def _write(made: Predictions, path: Path) -> None:
    arrays: dict[str, Any] = {}
    about: list[dict[str, Any]] = []
    for method, by_section in made.items():
        for section, each in by_section.items():
            n = len(about)
            about.append({"method": method, "section": section, "levels": list(each.intervals)})
            arrays[f"{n}.expression"] = each.expression
            for level, (lower, upper) in enumerate(each.intervals.values()):
                arrays[f"{n}.lower{level}"], arrays[f"{n}.upper{level}"] = lower, upper
            if each.samples is not None:
                arrays[f"{n}.samples"] = each.samples
    arrays["about"] = np.frombuffer(json.dumps(about).encode(), dtype=np.uint8)
    with atomic_file(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **arrays)


def _read(path: Path) -> Predictions:
    made: Predictions = {}
    try:
        with np.load(path, allow_pickle=False) as arrays:
            for n, said in enumerate(json.loads(arrays["about"].tobytes())):
                intervals = {
                    float(level): (arrays[f"{n}.lower{i}"], arrays[f"{n}.upper{i}"])
                    for i, level in enumerate(said["levels"])
                }
                samples = arrays.get(f"{n}.samples")
                read = FoldPrediction(arrays[f"{n}.expression"], intervals, samples)
                made.setdefault(said["method"], {})[said["section"]] = read
    except (OSError, ValueError, KeyError) as error:
        raise OutputError(f"{path} is damaged ({error}); remove it and start again.") from error
    return made
