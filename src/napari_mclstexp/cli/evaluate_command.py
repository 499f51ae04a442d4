"""The command evaluate."""

from __future__ import annotations

import dataclasses
import math
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from ..errors import OutputError, SettingsError
from ..files import beside, check_names, lies_in, refuse_overwriting, remove_files
from ..options import Option
from ..training.settings import Cohort, Genes, Hvg, MinCounts
from .answers import Report
from .model_options import ModelOptions, takes_model_options
from .shell_options import Backend, Device, Json

if TYPE_CHECKING:
    from ..cohort_runs.dask_workers import DaskWorkers
    from ..evaluation.evaluation_result import Evaluation, ProtocolResult

SHOWN = (
    "PCC, all genes",
    "PCC, top 50 expressed",
    "PCC, top 50 variable",
    "Moran's I",
    "MSE",
    "MAE",
)


@takes_model_options
def evaluate_command(
    cohort: Cohort,
    out: Annotated[Path, Option("Folder for report.html and the tables")],
    options: ModelOptions,
    genes: Genes = None,
    hvg: Hvg = None,
    preset: Annotated[
        Literal["default", "paper", "reference", "both"],
        Option(
            "Preset of the method; both evaluates default and reference, with the first one's "
            "normalisation"
        ),
    ] = "default",
    by: Annotated[
        Literal["auto", "section", "patient", "both"],
        Option(
            "What each fold leaves out: a section or a patient; auto is both where there are "
            "several patients"
        ),
    ] = "auto",
    heads: Annotated[
        bool, Option("Also train the methods compared with: ST-Net, BLEEP and the ablation")
    ] = True,
    external: Annotated[
        list[str] | None,
        Option(
            "Predictions of another program; repeat it for more files or programs",
            metavar="NAME=FILE.h5ad",
        ),
    ] = None,
    scores_to: Annotated[
        Path | None,
        Option("Model folder to which each gene's held-out score is written", metavar="MODEL"),
    ] = None,
    min_counts: MinCounts = None,
    on: Annotated[
        str,
        Option(
            "Where folds are learned: local, one after the other; tcp://HOST:PORT of a dask "
            "scheduler, whose workers take a fold each; or slurm, pbs, lsf, sge"
        ),
    ] = "local",
    jobs: Annotated[
        int, Option("Jobs of a batch system that may run at once", low=1, most=10_000)
    ] = 10,
    device: Device = "auto",
    backend: Backend = "auto",
    as_json: Json = False,
) -> None:
    """Leave out patients and sections in turn; compare with baselines and the noise ceiling."""
    start = time.monotonic()
    predicted = _external_files(external or [])
    from ..cohort.gene_selection import choose_genes
    from ..cohort.load import load_cohort
    from ..cohort.quality_control import keep_good_spots
    from ..cohort.table import cohort_files
    from ..evaluation.evaluation_files import FILES, KIND
    from ..model import read_card
    from ..model.folder import check_target
    from ..training.presets import preset_settings
    from .long_work import folder_for, long_work

    if scores_to is not None:
        read_card(scores_to)
        check_target(scores_to, {"--cohort": cohort, "--genes": genes})
        if lies_in(out, scores_to):
            raise OutputError(f"--out {out} lies in the model of --scores-to; choose another.")
    inputs = {**cohort_files(cohort), "--genes": genes, **options.files()}
    for named, files in predicted.items():
        inputs |= {f"--external {named}, file {n}": each for n, each in enumerate(files, start=1)}
    for each in FILES:
        refuse_overwriting(out / each, inputs)
    check_names(out, KIND, FILES)
    kept = keep_good_spots(load_cohort(cohort), min_counts)
    choice = choose_genes(genes, hvg, kept.sections)
    presets: tuple[Literal["default", "paper", "reference"], ...] = (
        ("default", "reference") if preset == "both" else (preset,)
    )
    settings = [preset_settings(each, genes=choice.genes, **options.chosen()) for each in presets]
    with folder_for(out):
        from ..evaluation.evaluate import evaluate
        from ..evaluation.evaluation_files import write_evaluation
        from ..evaluation.held_out_scores import write_trust

        with (
            _workers(on, jobs) as workers,
            _scratch(out, on) as scratch,
            long_work() as (progress, cancel),
        ):
            found = evaluate(
                kept.sections,
                settings,
                by=by,
                hvg=hvg,
                heads=heads,
                external=predicted,
                device=device,
                backend=backend,
                client=None if workers is None else workers.client,
                scratch=scratch,
                progress=progress,
                cancel=cancel,
            )
        # Variable genes are chosen in each fold; the choice over all sections is not evaluated.
        notes = (*found.warnings, *kept.sentences, *(() if hvg else choice.sentences))
        found = dataclasses.replace(found, warnings=notes)
        report = write_evaluation(found, out)
    if scores_to is not None:
        write_trust(found, scores_to)
    _about(found, report, time.monotonic() - start).show(as_json)


@contextmanager
def _workers(on: str, jobs: int) -> Iterator[DaskWorkers | None]:
    """Yield the workers that learn folds, or None for this process."""
    from ..cohort_runs.schedulers import LOCAL, workers_on

    if on == LOCAL:
        yield None
        return
    with workers_on(on, most_jobs=jobs) as workers:
        print(f"Learning folds on {workers.about}", file=sys.stderr, flush=True)
        yield workers


@contextmanager
def _scratch(out: Path, on: str) -> Iterator[Path | None]:
    """Yield where workers leave folds: beside the report, until this stands."""
    if on == "local":
        yield None
        return
    folder = beside(out, ".folds")
    yield folder
    remove_files(folder, ("*/fold-*.npz", "*/section*.h5ad", "*/task.json"))


def _external_files(named: list[str]) -> dict[str, list[Path]]:
    external: dict[str, list[Path]] = {}
    for each in named:
        name, separator, path = each.partition("=")
        if not separator or not name or not path:
            raise SettingsError(f"--external {each} is not NAME=FILE.h5ad; give both.")
        external.setdefault(name, []).append(Path(path))
    return external


def _about(found: Evaluation, report: Path, seconds: float) -> Report:
    lines: list[str] = []
    for each in found.protocols:
        lines += [*_lines(found, each), ""]
    return Report(
        (*lines, *found.warnings, *found.verdicts, f"{report} after {seconds:.0f} s"),
        {
            "kind": "evaluation",
            "report": str(report),
            "unit": found.unit,
            "protocols": [_answer(each) for each in found.protocols],
            "warnings": list(found.warnings),
            "verdicts": list(found.verdicts),
            "seconds": round(seconds, 2),
        },
    )


def _lines(found: Evaluation, result: ProtocolResult) -> list[str]:
    """Return a protocol as aligned text: the statistics, then each direction of patients."""
    from ..evaluation.report.score_tables import directions
    from ..evaluation.summaries import ALL, APART, CEILING, EXPRESSED

    table = result.summary.pivot(index="method", columns="statistic", values="value")
    rows = [*found.methods, CEILING]
    width = max(map(len, rows))
    lines = [APART[result.by] + ":", " " * width + "".join(f"  {each:>21}" for each in SHOWN)]
    for method in rows:
        row = table.loc[method].to_dict()
        values = "".join(f"  {_shown(row.get(each)):>21}" for each in SHOWN)
        lines.append(f"{method:{width}}{values}")
    if result.by == "patient":
        mean = result.sections.groupby(["method", "fold"])[[ALL, EXPRESSED]].mean().T.to_dict()
        heads = directions(result)
        wide = max(15, *map(len, heads))
        lines += [
            f"PCC, all genes / top 50 expressed, of each direction of {APART[result.by].lower()}:",
            " " * width + "".join(f"  {each:>{wide}}" for each in heads),
        ]
        for method in found.methods:
            scores = [mean[method, fold.name] for fold in result.folds]
            pairs = [
                f"{_shown(each[ALL]) or '–'} / {_shown(each[EXPRESSED]) or '–'}" for each in scores
            ]
            lines.append(f"{method:{width}}" + "".join(f"  {each:>{wide}}" for each in pairs))
    return lines


def _answer(result: ProtocolResult) -> dict[str, Any]:
    by_fold = result.sections.drop(columns=["section", "patient"])
    by_fold = by_fold.groupby(["method", "fold"], sort=False).mean()
    summary = result.summary.pivot(index="method", columns="statistic", values="value")
    uncertainty = result.uncertainty.groupby(["method", "group", "measure"], sort=False)["value"]
    return {
        "by": result.by,
        "folds": [
            {
                **vars(fold),
                "scores": {
                    str(method): _known(by_fold.loc[(method, fold.name)].to_dict())
                    for method in result.sections["method"].unique()
                },
            }
            for fold in result.folds
        ],
        "summary": {
            str(method): _known(summary.loc[method].to_dict())
            for method in result.summary["method"].unique()
        },
        "differences": [_known(each) for each in result.differences.to_dict("records")],
        "uncertainty": [
            _known(each) for each in uncertainty.mean().reset_index().to_dict("records")
        ],
    }


def _known(values: Mapping[Any, Any]) -> dict[str, Any]:
    """Return values as JSON has them: rounded, and null where one is not known."""
    out: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, float):
            out[str(name)] = None if math.isnan(value) else round(float(value), 6)
        else:
            out[str(name)] = value
    return out


def _shown(value: float | None) -> str:
    return "" if value is None or math.isnan(value) else f"{value:.3f}"
