"""From the name of a gene, wherever it is written, to its map."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import SettingsError

if TYPE_CHECKING:
    from ...session.session import Session


def show_gene(session: Session, gene: str) -> None:
    """Show the map of a gene: as it is drawn now where that can be, else what was measured of it.

    Raises
    ------
    SettingsError
        If nothing is known of it on the slide that is shown.
    """
    if gene in session.genes:
        session.show(gene=gene)
    elif gene in session.expression.genes("predicted"):
        session.show(gene=gene, quantity="predicted")
    elif gene in session.expression.genes("measured"):
        session.show(gene=gene, quantity="measured")
    else:
        raise SettingsError(f"There is no map of {gene} on this slide; predict or load it first.")
