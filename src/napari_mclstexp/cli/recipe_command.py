"""The command recipe."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from ..files import refuse_overwriting
from ..options import Option
from ..training.job import TrainJob
from ..training.presets import Preset
from ..training.settings import Genes, HeldOut
from .model_options import ModelOptions, takes_model_options
from .shell_options import Device, Json
from .train_job import train_job


@takes_model_options
def recipe_command(
    name: Annotated[Literal["her2st", "cscc", "visium"], typer.Argument(help="The data set")],
    data: Annotated[Path, Option("The folder to which it was downloaded")],
    out: Annotated[Path, Option("Folder for cohort.csv, genes.txt and the model")],
    options: ModelOptions,
    genes: Genes = None,
    preset: Preset = "default",
    held_out: HeldOut = None,
    train: Annotated[bool, Option("Train a model too, or only write the table and genes")] = True,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Make the cohort table, gene list and model of a public data set from its files."""
    from ..cohort.public_datasets import find_sections
    from ..cohort.recipe_tables import check_tables, write_tables
    from .long_work import folder_for

    inputs = {"--genes": genes, **options.files()}
    check_tables(out, inputs)
    found = find_sections(name, data)
    with folder_for(out):
        job = TrainJob(
            cohort=out / "cohort.csv",
            genes=out / "genes.txt",
            out=out / "model",
            held_out=held_out,
            device=device,
            preset=preset,
            chosen={**options.chosen(), "name": f"{name} ({preset})"},
        )
        if train:
            refuse_overwriting(job.out, inputs)
            job.check_outputs()
        tables = write_tables(found, out, genes, held_out)
        if not train:
            document = {
                "kind": "recipe",
                "cohort": str(tables.cohort),
                "genes": str(tables.genes),
                "sections": [row.section for row in found.rows],
                "lacking": list(found.lacking),
                "source": found.source,
            }
            print(json.dumps(document, indent=1) if as_json else "\n".join(tables.sentences))
            return
        report = train_job(job)
    if not as_json:
        print("\n".join(tables.sentences))
    report.show(as_json)
