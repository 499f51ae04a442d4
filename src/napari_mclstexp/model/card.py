"""The model card: what a person should know before trusting a model, as its README.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .programs import of_head

if TYPE_CHECKING:
    from .bank import Bank
    from .config import ModelConfig
    from .linear_head import LinearHead


HEADS = {
    "contrastive": "retrieval by the contrastive method (Min et al., arXiv 2407.08216)",
    "linear": "a few expression programs, read by a ridge of reduced rank",
    "blend": "the mean of the linear head and the contrastive method's retrieval",
}


def model_card(config: ModelConfig, bank: Bank, head: LinearHead | None = None) -> str:
    """Return the model card as Markdown."""
    scores = sorted(config.held_out_pcc.items(), key=lambda item: -item[1])
    lines = [
        f"# {config.name}",
        "",
        config.description or "A model that reads gene expression out of H&E slides.",
        "",
        "| | |",
        "|---|---|",
        f"| method | {HEADS[config.head]}; preset `{config.preset}` |",
        f"| genes | {len(config.genes)} |",
        f"| unit of expression | {config.unit} |",
        f"| image encoder | {config.encoder.name} |",
        f"| seen around a spot | {_seen(config)} |",
        f"| trained on | {', '.join(config.trained_on) or 'not said'} |",
        f"| platform | {config.platform or 'not said'} |",
        f"| reference spots | {len(bank)} |",
        *_retrieved(config),
        "",
        *([] if head is None else _programs(config, head)),
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
        *_limits(config, bank),
        "* Tissue, stain or scanner unlike the training sections make it unreliable.",
        "* For research, not for diagnosis.",
        "",
        "## Versions",
        "",
        *(f"* {package} {version}" for package, version in sorted(config.versions.items())),
        "",
    ]
    return "\n".join(lines)


_MEANS = (
    "* Every value is a weighted mean of the reference spots that look most alike; a state that no "
    "reference spot had cannot be shown."
)
_SUMS = (
    "* Every value is a gene's level on the slide and a few programs above or below it, relative "
    "to the slide's own tissue."
)
_LEVEL = (
    "* The level is that of the reference spots whose tissue has the same colours and density; "
    "what differs between patients and does not show in these is not in it."
)
_NO_LEVEL = (
    "* The level is the gene's mean over the training sections: what differs between whole slides "
    "is not seen."
)


def _limits(config: ModelConfig, bank: Bank) -> list[str]:
    sums = [_SUMS, _NO_LEVEL if bank.looks is None else _LEVEL]
    return {"contrastive": [_MEANS], "linear": sums, "blend": [*sums, _MEANS]}[config.head]


def _seen(config: ModelConfig) -> str:
    if config.feature_map is None:
        return f"{config.patch_um:.0f} µm ({config.patch_px} px of {config.um_per_px:.3g} µm)"
    seen = config.feature_map
    widths = ", ".join(f"{width:g}" for width in seen.widths_um)
    return f"Gaussian windows of {widths} µm, at {seen.um_per_px:.3g} µm per px"


def _retrieved(config: ModelConfig) -> list[str]:
    if config.head == "linear":
        return []
    kept = config.retrieval
    return [f"| retrieved spots | k = {kept.k}, weights 1 / {kept.distance}² |"]


def _programs(config: ModelConfig, head: LinearHead) -> list[str]:
    """Return what each program is made of: the genes that go with it, and against it."""
    named = (f"{each.number}. {each.sentence()}" for each in of_head(config.genes, head))
    return ["## Programs", "", *named, ""]


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
        f"{genes}; {_reads(config)}",
        _trained_on(config.trained_on),
        _held_out(config.held_out_pcc),
    )


def _reads(config: ModelConfig) -> str:
    if config.feature_map is None:
        patches = f"patches of {config.patch_px} px = {config.patch_um:.0f} µm"
        return f"{patches}; k = {config.retrieval.k}"
    widest = max(config.feature_map.widths_um)
    return f"{HEADS[config.head]}; sees {2 * widest:.0f} µm around"


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
