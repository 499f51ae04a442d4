"""A model in a few lines: what a person should know before trusting it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ..model import ModelConfig

_NAMED = 4


def card_lines(config: ModelConfig) -> tuple[str, ...]:
    """Return what a model reads, what it was trained on, and how it did on unseen sections.

    Parameters
    ----------
    config
        The model's configuration.
    """
    genes = _count(len(config.genes), "gene")
    return (
        f"{genes}; patches of {config.patch_px} px = {config.patch_um:.0f} µm; "
        f"k = {config.retrieval.k}",
        _trained_on(config.trained_on),
        _held_out(config.held_out_pcc),
    )


def _trained_on(sections: tuple[str, ...]) -> str:
    if not sections:
        return "It does not say what it was trained on"
    named = ", ".join(sections[:_NAMED])
    rest = len(sections) - _NAMED
    return f"Trained on {named}" + (f" and {rest} more" if rest > 0 else "")


def _held_out(scores: dict[str, float]) -> str:
    known = {gene: score for gene, score in scores.items() if np.isfinite(score)}
    if not known:
        return "No held-out scores: nobody knows how far to trust it"
    best = max(known, key=lambda gene: known[gene])
    mean = float(np.mean(list(known.values())))
    return f"Held-out PCC {mean:.2f} on average, {known[best]:.2f} at best ({best})"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" + ("" if number == 1 else "s")
