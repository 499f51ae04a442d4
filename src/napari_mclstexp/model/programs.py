"""The programs of a linear head as people see them: a number, and the genes that make them up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from .linear_head import LinearHead

IN_NAME = 3  # genes that stand in a program's name
UNIT = "program score"

Loaded = tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Program:
    """One of the few patterns of which every predicted value is made.

    Attributes
    ----------
    number
        1 for the one that explains most.
    share
        Of the variance of all fitted values, where it is known.
    up, down
        Genes that rise with its score, and those that fall, each with its loading, the strongest
        first; genes without a loading are in neither.
    """

    number: int
    share: float | None
    up: Loaded
    down: Loaded

    @property
    def key(self) -> str:
        """What it is called where a name must be short: "program_1"."""
        return f"program_{self.number}"

    @property
    def name(self) -> str:
        """Its number and the genes that rise with it most: "Program 1: FASN, GNAS, CD74"."""
        named = ", ".join(gene for gene, _ in self.up[:IN_NAME])
        return f"Program {self.number}: {named}" if named else f"Program {self.number}"

    @property
    def genes(self) -> tuple[str, ...]:
        """All genes that have a part in it."""
        return tuple(gene for gene, _ in (*self.up, *self.down))

    def sentence(self, most: int = 12, loadings: bool = False) -> str:
        """Return of what it is made: "43% of what is predicted; up: FASN, GNAS; down: CD74".

        Parameters
        ----------
        most
            Genes named in each direction.
        loadings
            Whether each gene's loading stands behind it.
        """
        share = "" if self.share is None else f"{self.share:.0%} of what is predicted; "
        return f"{share}up: {_listed(self.up, most, loadings)}; " + (
            f"down: {_listed(self.down, most, loadings)}"
        )


def programs(
    genes: Sequence[str], loadings: NDArray[Any], shares: Sequence[float] = ()
) -> tuple[Program, ...]:
    """Return the programs of (R, G) loadings of G genes.

    Parameters
    ----------
    genes
        The G names.
    loadings
        (R, G).
    shares
        R shares of what is explained, or none where they are not known.
    """
    known: list[float | None] = list(shares) if len(shares) == len(loadings) else []
    return tuple(
        Program(
            number,
            share,
            tuple((genes[i], float(row[i])) for i in np.argsort(-row, kind="stable") if row[i] > 0),
            tuple((genes[i], float(row[i])) for i in np.argsort(row, kind="stable") if row[i] < 0),
        )
        for number, (row, share) in enumerate(
            zip(np.asarray(loadings), known or [None] * len(loadings), strict=True), start=1
        )
    )


def of_head(genes: Sequence[str], head: LinearHead) -> tuple[Program, ...]:
    """Return the programs of a linear head of G genes."""
    return programs(genes, head.loadings, tuple(map(float, head.share)))


def _listed(part: Loaded, most: int, loadings: bool) -> str:
    if not part:
        return "none"
    if loadings:
        return ", ".join(f"{gene} {loading:+.2f}" for gene, loading in part[:most])
    return ", ".join(gene for gene, _ in part[:most])
