"""The command recipe."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from ..files import atomic_file, check_names, placing, refuse_overwriting
from ..training.job import TrainJob
from ..training.presets import Preset
from .model_options import ModelOptions, takes_model_options
from .train_command import Genes
from .train_job import train_job

KIND = "a recipe's tables"
VARIABLE = 1000  # genes of each section, by the paper's rule


@takes_model_options
def recipe_command(
    name: Annotated[Literal["her2st", "cscc", "visium"], typer.Argument(help="The data set.")],
    data: Annotated[Path, typer.Option(help="The folder it was downloaded to.")],
    out: Annotated[Path, typer.Option(help="Folder for cohort.csv, genes.txt and the model.")],
    options: ModelOptions,
    genes: Genes = None,
    preset: Annotated[
        Preset, typer.Option(help="reference: the choices of the authors' published code.")
    ] = "default",
    held_out: Annotated[
        str | None, typer.Option(metavar="SECTION", help="Not trained on; scores every gene.")
    ] = None,
    train: Annotated[
        bool, typer.Option("--train/--no-train", help="Only the table and the genes, or the model.")
    ] = True,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document on stdout.")
    ] = False,
) -> None:
    """Build cohort, gene list and model from a public data set as it is downloaded."""
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
            choice = choose_genes(genes, None if genes else VARIABLE, sections)
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
