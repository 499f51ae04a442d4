"""The model card: what a person should know before trusting a model, as its README.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .config import ModelConfig

from .config import ModelConfig


def model_card(config: ModelConfig, n_reference_spots: int) -> str:
    """Return the model card as Markdown."""
    scores = sorted(config.held_out_pcc.items(), key=lambda item: -item[1])
    lines = [
        f"# {config.name}",
        "",
        config.description or "A model that reads gene expression out of H&E slides.",
        "",
        "| | |",
        "|---|---|",
        f"| method | mclSTExp (Min et al., arXiv 2407.08216), preset `{config.preset}` |",
        f"| genes | {len(config.genes)} |",
        f"| unit of expression | {config.unit} |",
        f"| image encoder | {config.encoder.name} |",
        f"| field seen around a spot | {config.patch_um:.0f} µm "
        f"({config.patch_px} px of {config.um_per_px:.3g} µm) |",
        f"| trained on | {', '.join(config.trained_on) or 'not said'} |",
        f"| platform | {config.platform or 'not said'} |",
        f"| reference spots | {n_reference_spots} |",
        f"| retrieved spots | k = {config.retrieval.k}, weights 1 / {config.retrieval.distance}² |",
        "",
        "## What it can be trusted with",
        "",
    ]
    if scores:
        mean = sum(score for _, score in scores) / len(scores)
        lines += [
            f"Pearson correlation with measured expression, held out: mean {mean:.3f} over "
            f"{len(scores)} genes. {config.held_out_note}".rstrip(),
            "",
            f"Best: {', '.join(f'{gene} {score:.2f}' for gene, score in scores[:10])}.",
            "",
            f"Worst: {', '.join(f'{gene} {score:.2f}' for gene, score in scores[-10:])}.",
        ]
    else:
        lines.append("No held-out scores are known, so no gene's prediction has been checked.")
    lines += [
        "",
        "## Limits",
        "",
        "* Every value is a weighted mean of the reference spots that look most alike; a state "
        "that no reference spot had cannot be shown.",
        "* Tissue, stain or scanner unlike the training sections make it unreliable.",
        "* For research, not for diagnosis.",
        "",
        "## Versions",
        "",
        *(f"* {package} {version}" for package, version in sorted(config.versions.items())),
        "",
    ]
    return "\n".join(lines)


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
