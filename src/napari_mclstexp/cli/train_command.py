"""The commands train and check."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..errors import SettingsError
from ..training.job import TrainJob, first_process
from ..training.presets import Preset
from .model_options import ModelOptions, takes_model_options
from .train_job import train_job

Cohort = Annotated[
    Path, typer.Option(help="CSV with the columns section,patient,slide,spots,counts.")
]
Genes = Annotated[
    Path | None, typer.Option(help="Text file with the genes to predict, one a line.")
]
Hvg = Annotated[
    int | None,
    typer.Option(
        min=1, metavar="N", help="Instead of --genes: the N most variable of each section, united."
    ),
]
MinCounts = Annotated[
    int | None, typer.Option(min=0, help="Leave out spots with fewer counts; 0 keeps all.")
]


@takes_model_options
def train_command(
    cohort: Cohort,
    out: Annotated[Path, typer.Option(help="The model folder to write.")],
    options: ModelOptions,
    genes: Genes = None,
    hvg: Hvg = None,
    preset: Annotated[
        Preset, typer.Option(help="reference: the choices of the authors' published code.")
    ] = "default",
    held_out: Annotated[
        str | None,
        typer.Option(metavar="SECTION", help="Not trained on, but used to score every gene."),
    ] = None,
    stop_on: Annotated[
        str | None,
        typer.Option(
            metavar="SECTION", help="Not trained on; training stops when it gets no better."
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Go on from the last epoch if there was one; Ctrl-C keeps it then."
        ),
    ] = False,
    report: Annotated[
        bool,
        typer.Option(
            "--report/--no-report", help="With --held-out: a report beside trivial baselines."
        ),
    ] = True,
    min_counts: MinCounts = None,
    name: Annotated[str, typer.Option(help="Of the model, for people.")] = "mclSTExp",
    description: Annotated[str, typer.Option(help="A sentence for its card.")] = "",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    devices: Annotated[
        int, typer.Option(min=1, help="Processes on this machine that share each step.")
    ] = 1,
    nodes: Annotated[int, typer.Option(min=1, help="Machines that share each step.")] = 1,
    events: Annotated[
        Path | None, typer.Option(help="File that gets a JSON line for all that happens.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document on stdout.")
    ] = False,
) -> None:
    """Train a model on sections with counts."""
    job = TrainJob(
        cohort=cohort,
        genes=genes,
        hvg=hvg,
        out=out,
        held_out=held_out,
        stop_on=stop_on,
        resume=resume,
        report=report,
        min_counts=min_counts,
        device=device,
        devices=devices,
        nodes=nodes,
        preset=preset,
        chosen={**options.chosen(), "name": name or None, "description": description},
    )
    made = train_job(job, events)
    if first_process():
        made.show(as_json)


def check_command(
    cohort: Annotated[Path, typer.Argument(help="The cohort table.")],
    genes: Genes = None,
) -> None:
    """List everything that is wrong with a cohort table, all at once."""
    from ..cohort.checks import check_cohort
    from ..cohort.gene_selection import read_gene_list

    checked = check_cohort(cohort, genes=None if genes is None else read_gene_list(genes))
    if checked.problems:
        print(checked.as_table())
    errors = len(checked.errors)
    if errors:
        raise SettingsError(f"{cohort} has {errors} problem{'s' if errors > 1 else ''} to mend.")
    print(f"{cohort}: {len(checked.sections)} sections, ready to train on")
