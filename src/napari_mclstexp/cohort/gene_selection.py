"""Which genes are learned: those of a list, or the most variable ones; by one name each."""

from __future__ import annotations

import difflib
import re
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy import sparse

from ..errors import SettingsError
from ..reading import read_lines
from .section import Section

PER_SECTION = 1000  # the paper's
FLAVOUR = "seurat"  # scanpy's default, on log-normalised values
MIN_SPOTS = 10  # in which a gene must be counted, over all sections
_ENSEMBL = re.compile(r"^ENS[A-Z]*G\d{6,}(\.\d+)?$")


@dataclass(frozen=True)
class GeneChoice:
    """The genes to learn, and how they came to be chosen.

    Attributes
    ----------
    genes
        Names as the sections' counts have them.
    sentences
        What a person should know: how many were asked for, found by which kind of id, left out.
    """

    genes: tuple[str, ...]
    sentences: tuple[str, ...] = field(default=())


def is_ensembl(name: str) -> bool:
    """Whether a name is an Ensembl gene id."""
    return bool(_ENSEMBL.match(name))


def plain_id(name: str) -> str:
    """Return an Ensembl id without its version; another name as it is."""
    return name.split(".")[0] if is_ensembl(name) else name


def reconciled_names(section: Section) -> list[str]:
    """Return a section's gene names, Ensembl ids without their versions."""
    return [plain_id(str(name)) for name in section.spots.var_names]


def choose_genes(
    listed: Path | Sequence[str] | None, hvg: int | None, sections: Sequence[Section]
) -> GeneChoice:
    """Return the genes to learn: those of a list or of a file, or the most variable ones.

    Raises
    ------
    SettingsError
        If neither or both are asked for, or none is left.
    """
    if (listed is None) == (hvg is None):
        raise SettingsError("Say which genes to learn: either --genes FILE or --hvg N.")
    if listed is not None:
        names = read_gene_list(listed) if isinstance(listed, Path) else listed
        return listed_genes_of(names, sections)
    return highly_variable_genes(sections, per_section=hvg or 1)


def read_gene_list(path: Path) -> tuple[str, ...]:
    """Return the genes of a file with one a line; lines that begin with # are left out.

    Raises
    ------
    SettingsError
        If it cannot be read.
    """
    lines = read_lines(path, "a list of genes, one a line", SettingsError)
    return tuple(line.strip() for line in lines if line.strip() and not line.startswith("#"))


def listed_genes_of(wanted: Sequence[str], sections: Sequence[Section]) -> GeneChoice:
    """Find the genes of a list in the sections, by symbol or by Ensembl id.

    Parameters
    ----------
    wanted
        Symbols or Ensembl ids (with or without version), also mixed.
    sections
        With counts; ``var["gene_ids"]`` gives the ids where the names are symbols.

    Raises
    ------
    SettingsError
        Naming the first gene that a section did not measure, and what is called like it, or that
        the list has twice.
    """
    ids: dict[str, str] = {}
    for section in sections:
        var = section.spots.var
        for name, gene_id in zip(var.index, var.get("gene_ids", var.index), strict=True):
            ids.setdefault(plain_id(str(gene_id)), str(name))
    shared = set.intersection(*(set(map(str, each.spots.var_names)) for each in sections))
    chosen: list[str] = []
    by_symbol = by_id = 0
    missing: list[str] = []
    repeated = [gene for gene, times in Counter(wanted).items() if times > 1]
    if repeated:
        raise SettingsError(
            f"The gene {repeated[0]} stands more than once in the gene list; keep one of them."
        )
    for gene in wanted:
        if gene in shared:
            by_symbol += 1
            chosen.append(gene)
        elif ids.get(plain_id(gene)) in shared:
            by_id += 1
            chosen.append(ids[plain_id(gene)])
        else:
            missing.append(gene)
    if missing:
        lacking = next(e for e in sections if missing[0] not in set(e.spots.var_names))
        alike = difflib.get_close_matches(missing[0].upper(), shared, n=3)
        hint = f"did you mean {' or '.join(alike)}?" if alike else "take them off the list."
        raise SettingsError(
            f"The section {lacking.name} has no counts of {len(missing):,} of the "
            f"{len(wanted):,} listed genes, {missing[0]} the first; {hint}"
        )
    said = f"{len(wanted):,} genes listed: {by_symbol:,} found by name, {by_id:,} by Ensembl id"
    genes = tuple(dict.fromkeys(chosen))
    twice = len(chosen) - len(genes)
    sentences = [said + (f", {twice:,} of them twice" if twice else "") + "."]
    counted = _spots_with(sections)
    rare = [gene for gene in genes if counted[gene] < MIN_SPOTS]
    if rare:
        sentences.append(
            f"{len(rare):,} of the listed genes were counted in fewer than {MIN_SPOTS} spots, "
            f"{rare[0]} the first; they are kept, but cannot be learned."
        )
    return GeneChoice(genes, tuple(sentences))


def highly_variable_genes(
    sections: Sequence[Section],
    *,
    per_section: int = PER_SECTION,
    flavour: str = FLAVOUR,
    min_spots: int = MIN_SPOTS,
) -> GeneChoice:
    """Choose the genes by the paper's rule: the most variable of each section, united.

    Parameters
    ----------
    sections
        With raw counts.
    per_section
        How many of each section; 1,000 in the paper.
    flavour
        scanpy's ``highly_variable_genes`` flavour, on values scaled to 10,000 and ln(1 + x).
    min_spots
        Fewest spots, over all sections, in which a gene must have been counted.

    Raises
    ------
    SettingsError
        If no gene is left.
    """
    import scanpy

    united: Counter[str] = Counter()
    counted = _spots_with(sections)
    for each in sections:
        data = each.spots.copy()
        data.X = sparse.csr_matrix(data.X, dtype=np.float32)
        data = data[:, np.asarray((data.X > 0).sum(axis=0)).ravel() > 0].copy()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pandas' and scanpy's about each other
            scanpy.pp.normalize_total(data, target_sum=1e4)
            scanpy.pp.log1p(data)
            scanpy.pp.highly_variable_genes(
                data, n_top_genes=min(per_section, data.n_vars), flavor=flavour
            )
        united.update(map(str, data.var_names[data.var["highly_variable"]]))
    everywhere = set.intersection(*(set(map(str, each.spots.var_names)) for each in sections))
    rare = [gene for gene in united if counted[gene] < min_spots]
    apart = [gene for gene in united if gene not in everywhere and gene not in rare]
    genes = tuple(sorted(set(united) - set(rare) - set(apart)))
    if not genes:
        raise SettingsError(
            f"None of the {len(united):,} variable genes was counted in {min_spots} spots and in "
            "every section; give more sections, or a list (--genes)."
        )
    said = (
        f"{len(genes):,} genes chosen: the {per_section:,} most variable of each of "
        f"{len(sections)} sections (scanpy, flavour {flavour}), united to {len(united):,}; "
        f"{len(rare):,} counted in fewer than {min_spots} spots and {len(apart):,} not measured in "
        "every section were left out."
    )
    return GeneChoice(genes, (said,))


def _spots_with(sections: Sequence[Section]) -> Counter[str]:
    """In how many spots of all sections each gene was counted."""
    counted: Counter[str] = Counter()
    for each in sections:
        spots = np.asarray((sparse.csr_matrix(each.spots.X) > 0).sum(axis=0)).ravel()
        counted.update(dict(zip(map(str, each.spots.var_names), map(int, spots), strict=True)))
    return counted
