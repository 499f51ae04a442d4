"""What is wrong with sections together that are right one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from .fingerprints import counts_digest, spots_digest
from .gene_selection import is_ensembl, reconciled_names
from .section import Section
from .table import Problem

Lined = Sequence[tuple[int, Section]]


def problems_across(
    sections: Lined, named: Sequence[str], genes: Sequence[str] | None, held_out: Sequence[str]
) -> list[Problem]:
    """Compare the sections of a cohort with each other and with what shall be done.

    Parameters
    ----------
    sections
        Those that could be read, with their lines.
    named
        Names of all sections in the table.
    genes, held_out
        As for `check_cohort`.
    """
    return [
        *_twice(sections),
        *_genes_between(sections),
        *_listed(sections, genes),
        *_sides(sections, named, held_out),
    ]


def _twice(sections: Lined) -> list[Problem]:
    seen: dict[str, str] = {}
    problems = []
    for line, each in sections:
        for column, digest in (("counts", counts_digest(each)), ("spots", spots_digest(each))):
            if digest in seen:
                what = (
                    f"{each.name} is the section {seen[digest]} once more (the same {column}, "
                    "whatever the files are called); leave one of them out."
                )
                problems.append(Problem(line, each.name, column, what))
                break
            seen[digest] = each.name
    return problems


def _genes_between(sections: Lined) -> list[Problem]:
    if len(sections) < 2:
        return []
    names = {each.name: set(reconciled_names(each)) for _, each in sections}
    everywhere = Counter(gene for genes in names.values() for gene in genes)
    problems = []
    for line, each in sections:
        others = sum(everywhere[gene] > 1 for gene in names[each.name])
        if others:
            continue
        kinds = {is_ensembl(gene) for other in names.values() for gene in list(other)[:50]}
        why = "its ids are of another kind (Ensembl, or symbols)" if len(kinds) > 1 else ""
        first = next(iter(each.spots.var_names))
        what = (
            f"it shares no gene with any other section ({first} for instance)"
            f"{'; ' + why if why else ''}; give counts with the same ids."
        )
        problems.append(Problem(line, each.name, "counts", what))
    return problems


def _listed(sections: Lined, genes: Sequence[str] | None) -> list[Problem]:
    problems = []
    for line, each in sections if genes else ():
        assert genes is not None
        known = set(reconciled_names(each)) | set(each.spots.var_names)
        known |= set(each.spots.var.get("gene_ids", ()))
        missing = [gene for gene in genes if gene not in known]
        if missing:
            what = (
                f"{len(missing):,} of the {len(genes):,} listed genes were not measured, "
                f"{missing[0]} the first; take them off the list, or leave the section out."
            )
            problems.append(Problem(line, each.name, "counts", what))
    return problems


def _sides(sections: Lined, named: Sequence[str], held_out: Sequence[str]) -> list[Problem]:
    problems = [
        Problem(None, each, "section", f"There is no section {each} to hold out.")
        for each in held_out
        if each not in named
    ]
    out = {each.name for _, each in sections} & set(held_out)
    rest = {each.patient for _, each in sections if each.name not in out}
    if out and not rest:
        what = "Every section is held out, so nothing is left to learn from."
        problems.append(Problem(None, "", "section", what))
    for line, each in sections:
        if each.name in out and each.patient in rest:
            what = (
                f"the patient {each.patient} is on both sides: other sections of the same are "
                "learned from, so its score is no test for a new patient."
            )
            problems.append(Problem(line, each.name, "patient", what, "warning"))
    return problems
