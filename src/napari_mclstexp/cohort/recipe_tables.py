"""A recipe's two tables, cohort.csv and genes.txt, written from the files of a public data set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..files import atomic_file, check_names, placing, refuse_overwriting
from .gene_selection import PER_SECTION, choose_genes
from .load import load_cohort
from .public_datasets import Found, write_cohort
from .quality_control import keep_good_spots

KIND = "a recipe's tables"
COHORT, GENES = "cohort.csv", "genes.txt"


@dataclass(frozen=True)
class Tables:
    """Where the tables are, and what is to be said about them."""

    cohort: Path
    genes: Path
    sentences: tuple[str, ...]


def check_tables(folder: Path, inputs: Mapping[str, Path | None]) -> None:
    """Make sure that the tables may be written into a folder.

    Parameters
    ----------
    folder
        The folder.
    inputs
        Files that are read, by the option that names them.

    Raises
    ------
    OutputError
        If one of them is there and is a person's own, or one of the inputs.
    """
    for name in (COHORT, GENES):
        refuse_overwriting(folder / name, inputs)
    check_names(folder, KIND, (COHORT, GENES))


def write_tables(
    found: Found, folder: Path, genes: Path | None = None, held_out: str | None = None
) -> Tables:
    """Write the cohort table and the gene list into a folder.

    Parameters
    ----------
    found
        The sections.
    folder
        One that is there.
    genes
        A list to take instead of the most variable genes of each section, united.
    held_out
        Name of a section that has no say in the choice of genes.

    Raises
    ------
    UserError
        If the sections or the list cannot be used, or the tables not be written.
    """
    cohort, listed = folder / COHORT, folder / GENES
    with placing(folder, KIND, (COHORT, GENES)):
        write_cohort(found, cohort)
        kept = keep_good_spots(load_cohort(cohort))
        sections = [each for each in kept.sections if each.name != held_out]
        choice = choose_genes(genes, None if genes else PER_SECTION, sections)
        with atomic_file(listed) as temporary:
            temporary.write_text("\n".join(choice.genes) + "\n", encoding="utf-8")
    said = (
        f"{len(found.rows)} sections in {cohort}, {len(choice.genes):,} genes in {listed}",
        *found.lacking,
        *([found.source] if found.lacking else []),
        *choice.sentences,
    )
    return Tables(cohort, listed, said)
