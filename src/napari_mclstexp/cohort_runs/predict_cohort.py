"""A list of slides and a model in; a folder of results out, on whatever machines there are."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ModelError, OutputError, SettingsError
from ..files import lies_in, refuse_overwriting
from ..model import Model, load_model
from ..progress import CancelToken
from .cohort_folder import CohortFolder
from .cohort_settings import CohortSettings
from .dask_workers import DaskWorkers
from .engine import Engine, SlideNews
from .local_workers import LocalWorkers, share_machine
from .one_slide import SlideJob
from .schedulers import LOCAL, workers_on
from .slide_list import SlideEntry, list_slides, shard_of
from .slide_record import MadeFrom, SlideRecord, SlideState

if TYPE_CHECKING:
    from distributed import Client

LOOK_AGAIN_S = (1.0, 30.0)  # first and last pause between looks at slides others have in hand
SUMMARY_EVERY_S = 30.0


@dataclass(frozen=True)
class CohortNews:
    """What has changed in a run.

    Attributes
    ----------
    states
        How it stands with every slide of the run, by name; the same mapping each time.
    news
        What a worker said, or None.
    about
        Where the slides run, as a person would say it.
    """

    states: dict[str, SlideState]
    news: SlideNews | None = None
    about: str = ""


@dataclass(frozen=True)
class CohortResult:
    """What became of a cohort.

    Attributes
    ----------
    out
        The folder of results.
    entries
        The slides of this run (of its shard), in the order of the table.
    states
        How each ended, by name.
    done_before
        Names of those that were done already.
    """

    out: Path
    entries: tuple[SlideEntry, ...]
    states: dict[str, SlideState]
    done_before: frozenset[str] = frozenset()

    def names(self, state: str) -> tuple[str, ...]:
        """Return the names of the slides in a state: done, failed."""
        return tuple(e.name for e in self.entries if self.states[e.name].state == state)


def predict_cohort(
    slides: Path | str | Iterable[SlideEntry | Path | str],
    model: Model | Path | str,
    out: Path | str,
    *,
    settings: CohortSettings | None = None,
    client: Client | None = None,
    on: str = LOCAL,
    shard: str | None = None,
    retry: bool = False,
    processes: int | None = None,
    threads: int | None = None,
    jobs: int = 10,
    device: str = "auto",
    batch_size: int | None = None,
    backend: str = "auto",
    progress: Callable[[CohortNews], None] | None = None,
    cancel: CancelToken | None = None,
) -> CohortResult:
    """Predict every slide of a cohort into a folder, each as one file that stands whole or not.

    Run again, it does what is missing: a slide counts as done if its result was made by the same
    model from the same files with the same settings. A slide that fails costs no other; why it
    failed is kept, and it is left alone until `retry`. Several runs may work on one folder.

    Parameters
    ----------
    slides
        A CSV table, a folder of slides, or slides one by one; see `list_slides`.
    model
        A model that was saved, or its folder. All workers read it from there.
    out
        The folder of results: ``NAME.h5ad`` for each slide, and ``summary.csv``.
    settings
        What is asked of every slide.
    client
        Of a dask scheduler whose workers do the slides; they must see the same folders.
    on
        Where the slides run without a `client`: ``"local"``, a scheduler's address, or a batch
        system (see `workers_on`).
    shard
        ``"i/n"``: only every n-th slide, from the i-th.
    retry
        Do slides again that failed before.
    processes, threads
        On this machine: how many processes, and threads of each; what suits it by default.
    jobs
        Of a batch system: how many jobs may run at once.
    device, batch_size, backend
        As `predict` takes them.
    progress
        Called whenever something changes, in the caller's thread.
    cancel
        Ends the work within seconds; what is done stays done.

    Returns
    -------
    CohortResult
        How every slide ended. It holds no prediction: these are in the files.

    Raises
    ------
    SettingsError
        If the table, the settings or the workers cannot be used as given.
    ModelError
        If the model is damaged, or was not saved.
    OutputError
        If the folder cannot be written in, holds other files of a result's name, or the disk is
        full; what is done stays done.
    Cancelled
        If `cancel` was set.

    Examples
    --------
    >>> from distributed import Client  # doctest: +SKIP
    >>> result = predict_cohort("slides.csv", "my_model", "results", client=Client("tcp://a:8786"))
    ... # doctest: +SKIP
    >>> result.names("failed")  # doctest: +SKIP
    ('slide_17',)
    """
    settings, cancel, out = settings or CohortSettings(), cancel or CancelToken(), Path(out)
    every = list_slides(slides, grid=settings.grid is not None)
    own = every if shard is None else shard_of(every, shard)
    where, loaded = _saved(model)
    check_asked(loaded, settings)
    _check_backend(backend)
    _check_places(out, where, slides)
    folder = CohortFolder(out.absolute())
    folder.check()
    run = _Run(folder, every, progress or (lambda _: None), cancel)
    if retry:
        for each in own:
            folder.forget_failure(each.name)
    todo = run.look(own, loaded.id, settings)
    folder.check_free(todo)
    folder.prepare()
    before = frozenset(name for name, state in run.states.items() if state.state == "done")
    try:
        if todo:
            tasks = [
                SlideJob(
                    entry, settings, folder.path, where, loaded.id, device, batch_size, backend
                )
                for entry in todo
            ]
            del loaded  # the workers have their own
            run.work(tasks, _engine(client, on, len(todo), where, processes, threads, jobs, device))
    finally:
        run.summarise()
    return CohortResult(folder.path, own, run.states, before)


def check_asked(model: Model, settings: CohortSettings) -> None:
    """Make sure, before anything is read, that a model can give what is asked of every slide.

    Raises
    ------
    SettingsError
        If a gene is not among its own, or it cannot draw samples.
    """
    from ..inference.predict import gene_columns

    gene_columns(model.config.genes, settings.genes)
    if settings.samples and model.linear is None:
        raise SettingsError(
            f"The model {model.config.name} does not know its errors, so no plausible maps can be "
            "drawn; use a model with a linear head."
        )


class _Run:
    """A run: how it stands with its slides, told to whoever listens and kept in the summary."""

    def __init__(
        self,
        folder: CohortFolder,
        every: Sequence[SlideEntry],
        tell: Callable[[CohortNews], None],
        cancel: CancelToken,
    ) -> None:
        self.states: dict[str, SlideState] = {}
        self._folder, self._every, self._tell, self._cancel = folder, every, tell, cancel
        self._about, self._summarised = "", time.monotonic()

    def look(
        self, entries: Sequence[SlideEntry], model: str, settings: CohortSettings
    ) -> list[SlideEntry]:
        """Return the slides that are still to be done."""
        for each in entries:
            self._cancel.raise_if_cancelled()
            found = self._folder.state(each, model, settings)
            self.states[each.name] = found or SlideState(each.name, "waiting")
        self._tell(CohortNews(self.states))
        return [each for each in entries if self.states[each.name].state == "waiting"]

    def work(self, tasks: Sequence[SlideJob], engine: Engine) -> None:
        """Have an engine do the slides, and wait for those that other processes have in hand.

        Raises
        ------
        OutputError
            If no slide can be done any more.
        """
        waiting, pause = {each.entry.name: each for each in tasks}, LOOK_AGAIN_S[0]
        with engine:
            self._about = engine.about
            self._tell(CohortNews(self.states, about=self._about))
            ready = list(tasks)
            while waiting:
                with contextlib.closing(engine.run(ready, self._say, self._cancel)) as ends:  # type: ignore[type-var]
                    for state in ends:
                        self._keep(waiting[state.name], state)
                        self._ended(state)
                        if state.state != "elsewhere":
                            del waiting[state.name]
                if waiting:
                    self._pause(pause)
                    pause = min(2 * pause, LOOK_AGAIN_S[1])
                    ready = self._free(waiting)

    def summarise(self) -> None:
        """Write the summary; a disk that is full has been told of already."""
        with contextlib.suppress(OutputError):
            self._folder.write_summary(self._every, self.states)
            self._summarised = time.monotonic()

    def _say(self, news: SlideNews) -> None:
        state = self.states.get(news.name)
        if state is not None and state.state not in ("done", "failed"):
            self.states[news.name] = SlideState(news.name, "running" if news.where else "waiting")
            self._tell(CohortNews(self.states, news, self._about))

    def _ended(self, state: SlideState) -> None:
        self.states[state.name] = state
        self._tell(CohortNews(self.states, SlideNews(state.name), self._about))
        if state.state == "stopped":
            raise OutputError(state.sentence)
        if time.monotonic() - self._summarised > SUMMARY_EVERY_S:
            self.summarise()

    def _keep(self, job: SlideJob, state: SlideState) -> None:
        """Keep the failure of a slide whose workers died before they could."""
        if state.state != "failed":
            return
        if self._folder.state(job.entry, job.model_id, job.settings) is None:
            made_from = MadeFrom.now(job.entry, job.model_id, job.settings)
            self._folder.write_failure(SlideRecord(made_from, state))

    def _free(self, waiting: dict[str, SlideJob]) -> list[SlideJob]:
        """Return the slides that nobody has in hand any more; those that are done leave."""
        ready = []
        for name, job in list(waiting.items()):
            found = self._folder.state(job.entry, job.model_id, job.settings)
            if found is not None:
                del waiting[name]
                self._ended(found)
            elif self._folder.is_free(name):
                ready.append(job)
        return ready

    def _pause(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._cancel.raise_if_cancelled()
            time.sleep(0.2)


def _saved(model: Model | Path | str) -> tuple[Path, Model]:
    loaded = model if isinstance(model, Model) else load_model(model)
    if loaded.path is None:
        raise ModelError(
            f"The model {loaded.config.name} was not saved, so that workers cannot read it; save "
            "it with save_model first."
        )
    return loaded.path.absolute(), loaded


def _check_places(out: Path, model: Path, slides: Any) -> None:
    if lies_in(out, model):
        raise OutputError(f"--out {out} lies in the model {model}; choose another folder.")
    if isinstance(slides, (str, Path)) and Path(slides).is_dir():
        if Path(slides).resolve() == out.resolve():
            raise OutputError(f"--out {out} is the folder of slides; choose another one.")
    elif isinstance(slides, (str, Path)):
        for name in ("summary.csv", "report.html"):
            refuse_overwriting(out / name, {"--slides": Path(slides)})


def _engine(
    client: Client | None,
    on: str,
    n: int,
    model: Path,
    processes: int | None,
    threads: int | None,
    jobs: int,
    device: str,
) -> Engine:
    if client is not None:
        return DaskWorkers(client)
    if on != LOCAL:
        return workers_on(on, most_jobs=min(jobs, n))
    size = sum(each.stat().st_size for each in model.glob("*") if each.is_file())
    gpus = _gpus(device)
    share = share_machine(n, processes=processes, threads=threads, model_bytes=size, gpus=len(gpus))
    return LocalWorkers(share, gpus)


def _check_backend(name: str) -> None:
    from ..inference.device import check_backend

    check_backend(name)


def _gpus(device: str) -> tuple[str, ...]:
    """Return what names each GPU that a process may have for itself."""
    import torch

    if device not in ("auto", "cuda") or not torch.cuda.is_available():
        return ()
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    return tuple(named.split(",") if named else map(str, range(torch.cuda.device_count())))
