"""Signatures: sets of genes that say one thing together, and their score at every spot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import SettingsError
from ..reading import read_text
from .expression import Expression, dense_columns, mean_of_genes, mean_over_genes

Score = Literal["control", "z"]
FEWEST_GENES, FEWEST_SHARE = 3, 0.2  # known genes below which a score means nothing
CONTROLS, BINS = 50, 25  # as scanpy's score_genes has them


@dataclass(frozen=True)
class Signature:
    """A named set of genes.

    Attributes
    ----------
    name
        What it is called.
    genes
        Its symbols.
    source
        Where it was published, or the file it is from.
    """

    name: str
    genes: tuple[str, ...]
    source: str = ""


def read_gmt(path: Path) -> tuple[Signature, ...]:
    """Read a GMT file: a set a line, name and description before the genes, tabs between.

    Raises
    ------
    SettingsError
        Naming the line that is wrong.
    """
    text = read_text(path, "a GMT file of signatures", SettingsError)
    found: dict[str, Signature] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        name, *rest = (cell.strip() for cell in line.split("\t"))
        genes = tuple(dict.fromkeys(gene for gene in rest[1:] if gene))
        if not name or not genes:
            raise SettingsError(
                f"{path}, line {number}: a GMT line is a name, a description and genes, with tabs "
                "between them."
            )
        if name in found:
            raise SettingsError(f"{path}, line {number}: {name} is there twice; rename one.")
        found[name] = Signature(name, genes, rest[0] or path.name)
    if not found:
        raise SettingsError(f"{path} holds no signature; it must be a GMT file.")
    return tuple(found.values())


def pasted(text: str, name: str = "pasted genes") -> Signature:
    """Return a signature of genes with spaces, commas, semicolons or line ends between them.

    Raises
    ------
    SettingsError
        If there are none.
    """
    for separator in ",;\t\n":
        text = text.replace(separator, " ")
    genes = tuple(dict.fromkeys(text.split()))
    if not genes:
        raise SettingsError("No gene was given; paste symbols with commas or spaces between them.")
    return Signature(name, genes, "pasted")


def published() -> tuple[Signature, ...]:
    """Return the signatures that come with the package, each with its citation."""
    with_package = files(__package__) / "signatures.gmt"
    return read_gmt(Path(str(with_package)))


def known_genes(signature: Signature, genes: Sequence[str]) -> tuple[str, ...]:
    """Return the signature's genes that are among others, whatever their case.

    Raises
    ------
    SettingsError
        If they are too few for a score to mean anything.
    """
    by_name = {gene.upper(): gene for gene in genes}
    known = tuple(by_name[gene.upper()] for gene in signature.genes if gene.upper() in by_name)
    enough = max(min(FEWEST_GENES, len(signature.genes)), FEWEST_SHARE * len(signature.genes))
    if len(known) < enough:
        raise SettingsError(
            f"Only {len(known)} of the {len(signature.genes)} genes of {signature.name} are known "
            "here, too few for a score; use another signature, or a model with more genes."
        )
    return known


def score_signature(
    expression: Expression,
    genes: Sequence[str],
    signature: Signature,
    *,
    how: Score = "control",
    seed: int = 0,
) -> NDArray[np.float64]:
    """Score a signature at every spot.

    Parameters
    ----------
    expression
        (n, G), log-normalised, dense or sparse.
    genes
        The G names.
    signature
        Of which enough genes must be known.
    how
        ``"control"``: mean of its genes less the mean of up to 50 control genes for each, drawn
        from those of like mean expression (Tirosh et al. 2016, as scanpy's ``score_genes``);
        ``"z"``: mean of the genes, each brought to mean 0 and variance 1.
    seed
        Of the draw.

    Returns
    -------
    (n,)

    Raises
    ------
    SettingsError
        If too few of its genes are known, or nothing is left to compare with.
    """
    known = known_genes(signature, genes)
    column = {gene: i for i, gene in enumerate(genes)}
    own = np.array([column[gene] for gene in known])
    if how == "z":
        part = dense_columns(expression, own).astype(np.float64)
        spread = part.std(axis=0)
        if not spread.any():
            raise SettingsError(
                f"No gene of {signature.name} varies, so there is nothing to score."
            )
        z = (part - part.mean(axis=0)) / np.where(spread > 0, spread, np.inf)
        return np.asarray(z.mean(axis=1))
    controls = _controls(mean_of_genes(expression), own, seed)
    if not len(controls):
        raise SettingsError(
            f"All known genes belong to {signature.name}, so none is left as a control; use the "
            "mean z instead (--how z)."
        )
    return mean_over_genes(expression, own) - mean_over_genes(expression, controls)


def _controls(level: NDArray[np.float64], own: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Genes of like mean expression, none of the signature's own."""
    random = np.random.default_rng(seed)
    ranks = np.argsort(np.argsort(level, kind="stable"), kind="stable")
    place = ranks * min(BINS, len(level)) // len(level)
    free = np.ones(len(level), dtype=bool)
    free[own] = False
    chosen: set[int] = set()
    for each in np.unique(place[own]):
        there = np.flatnonzero(free & (place == each))
        chosen |= set(random.permutation(there)[:CONTROLS].tolist())
    return np.array(sorted(chosen), dtype=np.int64)
