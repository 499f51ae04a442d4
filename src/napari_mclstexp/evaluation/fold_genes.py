"""The genes of a fold, when a number of variable ones was asked for instead of a list."""

from __future__ import annotations

from collections.abc import Sequence

from ..cohort.gene_selection import highly_variable_genes
from ..cohort.section import Section
from ..errors import SettingsError
from .evaluation_result import Fold


def genes_of_fold(sections: Sequence[Section], fold: Fold, per_section: int) -> tuple[str, ...]:
    """Choose a fold's genes by what it learns from alone.

    Parameters
    ----------
    sections
        All sections, with raw counts.
    fold
        The counts of its tested sections are not looked at, only which genes they have.
    per_section
        How many of the most variable genes of each section are united.

    Raises
    ------
    SettingsError
        If the tested sections have none of them.
    """
    learned = [each for each in sections if each.name in fold.trained_on]
    tested = [each for each in sections if each.name in fold.tested]
    chosen = highly_variable_genes(learned, per_section=per_section).genes
    there = set.intersection(*(set(map(str, each.spots.var_names)) for each in tested))
    genes = tuple(gene for gene in chosen if gene in there)
    if not genes:
        raise SettingsError(
            f"The sections {', '.join(fold.tested)} have none of the {len(chosen):,} variable "
            "genes of the others; give counts with the same ids."
        )
    return genes
