"""The command recipe."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from ..files import atomic_file, check_names, placing, refuse_overwriting
from ..options import Option
from ..training.job import TrainJob
from ..training.presets import Preset
from ..training.settings import VARIABLE_GENES, Genes, HeldOut
from .model_options import ModelOptions, takes_model_options
from .shell_options import Device, Json
from .train_job import train_job

KIND = "a recipe's tables"


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
    from ..cohort.gene_selection import choose_genes
    from ..cohort.load import load_cohort
    from ..cohort.public_datasets import find_sections, write_cohort
    from ..cohort.quality_control import keep_good_spots
    from .long_work import folder_for

    names = ("cohort.csv", "genes.txt")
    inputs = {"--genes": genes, **options.files()}
    for each in names:
        refuse_overwriting(out / each, inputs)
    check_names(out, KIND, names)
    found = find_sections(name, data)
    with folder_for(out):
        cohort, listed = out / "cohort.csv", out / "genes.txt"
        job = TrainJob(
            cohort=cohort,
            genes=listed,
            out=out / "model",
            held_out=held_out,
            device=device,
            preset=preset,
            chosen={**options.chosen(), "name": f"{name} ({preset})"},
        )
        if train:
            refuse_overwriting(job.out, inputs)
            job.check_outputs()
        with placing(out, KIND, names):
            write_cohort(found, cohort)
            kept = keep_good_spots(load_cohort(cohort))
            sections = [each for each in kept.sections if each.name != held_out]
            choice = choose_genes(genes, None if genes else VARIABLE_GENES, sections)
            with atomic_file(listed) as temporary:
                temporary.write_text("\n".join(choice.genes) + "\n", encoding="utf-8")
        said = (
            f"{len(found.rows)} sections in {cohort}, {len(choice.genes):,} genes in {listed}",
            *found.lacking,
            *([found.source] if found.lacking else []),
            *choice.sentences,
        )
        if not train:
            document = {
                "kind": "recipe",
                "cohort": str(cohort),
                "genes": str(listed),
                "sections": [row.section for row in found.rows],
                "lacking": list(found.lacking),
                "source": found.source,
            }
            print(json.dumps(document, indent=1) if as_json else "\n".join(said))
            return
        report = train_job(job)
    if not as_json:
        print("\n".join(said))
    report.show(as_json)
