"""The commands train and check."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..errors import SettingsError
from ..options import Option, declared
from ..training.job import TrainJob, first_process
from ..training.presets import Preset
from ..training.settings import (
    Cohort,
    Genes,
    HeldOut,
    Hvg,
    MinCounts,
    ModelOut,
    TrainSettings,
)
from .model_options import ModelOptions, takes_model_options
from .shell_options import Backend, Device, Json
from .train_job import train_job

MODEL = declared(TrainSettings)


@takes_model_options
def train_command(
    cohort: Cohort,
    out: ModelOut,
    options: ModelOptions,
    genes: Genes = None,
    hvg: Hvg = None,
    preset: Preset = "default",
    held_out: HeldOut = None,
    stop_on: Annotated[
        str | None,
        Option(
            "Section left out of training, which ends when predictions on it stop improving",
            metavar="SECTION",
        ),
    ] = None,
    resume: Annotated[
        bool,
        Option("Resume an interrupted training; with this, Ctrl-C keeps what is needed to resume"),
    ] = False,
    report: Annotated[
        bool, Option("With --held-out: also write a report that compares with baselines")
    ] = True,
    min_counts: MinCounts = None,
    name: Annotated[str, MODEL["name"].option] = MODEL["name"].default,
    description: Annotated[str, MODEL["description"].option] = "",
    species: Annotated[str, MODEL["species"].option] = "",
    organ: Annotated[str, MODEL["organ"].option] = "",
    stain: Annotated[str, MODEL["stain"].option] = MODEL["stain"].default,
    device: Device = "auto",
    backend: Backend = "auto",
    devices: Annotated[
        int, Option("Processes on this machine that share each training step", low=1, most=10_000)
    ] = 1,
    nodes: Annotated[int, Option("Machines that share each training step", low=1, most=10_000)] = 1,
    events: Annotated[
        Path | None, Option("File to which progress is written, one JSON object per line")
    ] = None,
    as_json: Json = False,
) -> None:
    """Train a model on sections with measured counts."""
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
        backend=backend,
        devices=devices,
        nodes=nodes,
        preset=preset,
        chosen={
            **options.chosen(),
            "name": name or None,
            **{"description": description, "species": species, "organ": organ, "stain": stain},
        },
    )
    made = train_job(job, events)
    if first_process():
        made.show(as_json)


def check_command(
    cohort: Annotated[Path, typer.Argument(help="The cohort table")],
    genes: Genes = None,
) -> None:
    """List every problem of a cohort table at once."""
    from ..cohort.checks import check_cohort
    from ..cohort.gene_selection import read_gene_list

    listed = None if genes is None else read_gene_list(genes)
    if listed == ():
        raise SettingsError(f"The gene list {genes} is empty; give one gene a line.")
    checked = check_cohort(cohort, genes=listed)
    if checked.problems:
        print(checked.as_table())
    errors = len(checked.errors)
    if errors:
        raise SettingsError(f"{cohort} has {errors} problem{'s' if errors > 1 else ''} to correct.")
    print(f"{cohort}: {len(checked.sections)} sections, ready to train on")
