"""The command predict-cohort."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..cohort_runs.cohort_settings import (
    BatchSize,
    CohortSettings,
    Genes,
    Interval,
    Samples,
    Seed,
)
from ..errors import Cancelled, OutputError, UserError
from ..files import lies_in, refuse_overwriting
from ..options import Option, declared
from ..spots.grid_settings import GridSettings, Layout
from ..training.events import Done, EventFile, Failed, StepsDone, Stopped
from .answers import Report
from .cohort_table import CohortTable
from .long_work import INTERRUPTS
from .predict_job import model_folder, named_genes
from .shell_options import Backend, Device, Json

if TYPE_CHECKING:
    from ..cohort_runs.predict_cohort import CohortNews, CohortResult

GRID = declared(GridSettings)
SOME_FAILED = 3  # exit code: all that can be done is done, and some slides failed


def predict_cohort_command(
    slides: Annotated[
        Path,
        Option(
            "CSV with the column slide and, if wished, spots, counts, name, um_per_px, and columns "
            "that group the slides; or a folder of slides"
        ),
    ],
    model: Annotated[str, Option("Model folder, the name of a built or added model, or demo")],
    out: Annotated[Path, Option("Folder of results: NAME.h5ad for each slide, and summary.csv")],
    grid: Annotated[
        float | None,
        Option(
            "Grid over the tissue of slides without spots: distance between neighbours",
            above=0,
            unit="µm",
            metavar="PITCH_UM",
        ),
    ] = None,
    spot_diameter: Annotated[float, GRID["diameter_um"].option] = GRID["diameter_um"].default,
    layout: Annotated[Layout, GRID["layout"].option] = GRID["layout"].default,
    genes: Genes = None,
    interval: Interval = 0.8,
    samples: Samples = 0,
    seed: Seed = 0,
    on: Annotated[
        str,
        Option(
            "Where slides are done: local; tcp://HOST:PORT of a dask scheduler; or slurm, pbs, "
            "lsf, sge, whose jobs are as dask-jobqueue is configured"
        ),
    ] = "local",
    shard: Annotated[
        str | None,
        Option("Only every n-th slide, from the i-th: for arrays of jobs", metavar="I/N"),
    ] = None,
    retry: Annotated[bool, Option("Do slides again that failed in an earlier run")] = False,
    processes: Annotated[
        int | None,
        Option(
            "On this machine: slides at once; if not given, as many as memory allows",
            low=1,
            most=10_000,
        ),
    ] = None,
    threads: Annotated[
        int | None,
        Option(
            "On this machine: threads of each process; if not given, divided evenly",
            low=1,
            most=10_000,
        ),
    ] = None,
    jobs: Annotated[
        int, Option("Jobs of a batch system that may run at once", low=1, most=10_000)
    ] = 10,
    report: Annotated[bool, Option("Write report.html over all slides of the table")] = True,
    show: Annotated[
        str | None, Option("Gene or signature that the report draws of each slide")
    ] = None,
    batch_size: BatchSize = None,
    device: Device = "auto",
    backend: Backend = "auto",
    events: Annotated[
        Path | None, Option("File to which progress is written, one JSON object per line")
    ] = None,
    as_json: Json = False,
) -> None:
    """Predict many slides, each into a file of its own; run again, it does what is missing."""
    start = time.monotonic()
    settings = CohortSettings(
        None if genes is None else named_genes(genes),
        None if grid is None else GridSettings(grid, spot_diameter, layout),
        interval,
        samples,
        seed,
    )
    refuse_overwriting(events, {"--slides": slides})
    if events is not None and lies_in(events, model_folder(model)):
        raise OutputError(f"--events {events} lies in the model {model}; choose another place.")
    from ..cohort_runs.predict_cohort import predict_cohort
    from ..progress import CancelToken

    cancel = CancelToken()
    with ExitStack() as stack:
        say = stack.enter_context(EventFile(events))
        table = CohortTable()

        def progress(news: CohortNews) -> None:
            table.update(news)
            if news.news is not None:
                say.say(_step(news))
            ended = sum(each.state in ("done", "failed") for each in news.states.values())
            say.say(StepsDone(ended, len(news.states), "Predicting slides", "slides"))

        try:
            with table, INTERRUPTS.cancelling(cancel):
                result = predict_cohort(
                    slides,
                    model_folder(model),
                    out,
                    settings=settings,
                    on=on,
                    shard=shard,
                    retry=retry,
                    processes=processes,
                    threads=threads,
                    jobs=jobs,
                    device=device,
                    batch_size=batch_size,
                    backend=backend,
                    progress=progress,
                    cancel=cancel,
                )
            page = _write_report(slides, result, show) if report else None
        except UserError as error:
            say.say(Failed(str(error)))
            raise
        except Cancelled as error:
            say.say(Stopped())
            error.kept = "slides that are done stay done, and the same command does the rest."
            raise
        say.say(Done(out, page))
    _answer(result, page, time.monotonic() - start).show(as_json)
    if result.names("failed"):
        raise typer.Exit(SOME_FAILED)


def _step(news: CohortNews) -> Any:
    from ..progress import SlideStep

    assert news.news is not None
    heard, state = news.news, news.states[news.news.name]
    step = heard.progress
    return SlideStep(
        heard.name,
        state.state,
        *((0, 0, "") if step is None else (step.done, step.total, step.what)),
        where=heard.where,
        seconds=state.seconds,
        sentence=state.sentence,
    )


def _write_report(slides: Path, result: CohortResult, show: str | None) -> Path | None:
    """Write the report, unless other shards are still at work: the last one writes it."""
    from ..cohort_runs.cohort_folder import CohortFolder, read_summary
    from ..cohort_runs.slide_list import list_slides
    from ..export.cohort_report import cohort_page

    if any(row.get("state") not in ("done", "failed") for row in read_summary(result.out)):
        return None
    folder = CohortFolder(result.out)
    return folder.write_report(cohort_page(folder, list_slides(slides), show=show))


def _answer(result: CohortResult, page: Path | None, seconds: float) -> Report:
    from ..cohort_runs.cohort_folder import SUMMARY, as_json

    done, failed = result.names("done"), result.names("failed")
    before = len(result.done_before)
    new = len(done) - before
    lines = [
        f"{new:,} slide{'' if new == 1 else 's'} predicted in {seconds:.0f} s"
        + (f", {before:,} were done before" if before else "")
        + (f", {len(failed):,} failed" if failed else ""),
        *(f"{name}: {result.states[name].sentence}" for name in failed[:20]),
        *([f"and {len(failed) - 20:,} more, in the summary"] if len(failed) > 20 else []),
        *(["--retry does those that failed again"] if failed else []),
        f"{result.out / SUMMARY}",
        *([f"{page}"] if page is not None else []),
    ]
    return Report(
        tuple(lines),
        {
            "kind": "cohort",
            "path": str(result.out),
            "summary": str(result.out / SUMMARY),
            "report": None if page is None else str(page),
            "seconds": round(seconds, 2),
            "n_slides": len(result.entries),
            "n_done": len(done),
            "n_done_before": before,
            "n_failed": len(failed),
            "slides": [as_json(result.states[e.name], e) for e in result.entries],
        },
    )
