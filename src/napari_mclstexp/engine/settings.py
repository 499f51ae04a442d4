"""What a person decides before training; light, so that the shell can build it without torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..errors import SettingsError

Normalisation = Literal["ln-1e4-all", "log10-1e4-listed", "ln-1e6-listed"]


@dataclass(frozen=True)
class TrainSettings:
    """How a model is trained; defaults are the paper's (arXiv 2407.08216) where it gives them.

    Attributes
    ----------
    genes
        Names of the genes to predict, in the model's order.
    name
        Name of the model, shown to people.
    encoder
        ``"densenet121"`` or ``"timm:<name>"``.
    weights
        Local file with the encoder's weights; None looks for ImageNet weights already there.
    pretrained
        False starts the encoder from random weights (only read when `weights` is None).
    freeze_encoder
        Keep the encoder as it is: features are computed once, which makes a CPU enough.
    init_from
        Model folder to go on from (fine-tuning); its encoder and patch settings are kept.
    epochs, learning_rate, weight_decay, temperature, seed
        Of the optimiser (AdamW) and the loss.
    sequence_length
        Most spots in one sequence, which is also one batch of the contrastive loss.
    dropout, layers
        Of the spot encoder and the projection heads.
    k, distance
        Retrieval: how many reference spots vote, and how their weight falls off.
    normalisation
        Of the counts; see DESIGN section 2.
    patch_px, um_per_px
        Side of a patch in pixels and their size in µm; None takes the sections' median.
    views
        Over how many rotations (1, 4) or rotations and flips (8) features are averaged.
    augment
        Flip and turn patches at random while training (only when the encoder learns too).
    preset
        Name of the set of choices, kept in the model for the record.
    description
        A sentence for the model card.
    """

    genes: tuple[str, ...]
    name: str = "mclSTExp"
    encoder: str = "densenet121"
    weights: Path | None = None
    pretrained: bool = True
    freeze_encoder: bool = False
    init_from: Path | None = None
    epochs: int = 90
    learning_rate: float = 1e-4
    weight_decay: float = 1e-3
    temperature: float = 1.0
    seed: int = 0
    sequence_length: int = 128
    dropout: float = 0.1
    layers: int = 2
    k: int = 200
    distance: Literal["l1", "l2", "cosine"] = "l2"
    normalisation: Normalisation = "ln-1e4-all"
    patch_px: int = 224
    um_per_px: float | None = None
    views: Literal[1, 4, 8] = 1
    augment: bool = True
    preset: str = "default"
    description: str = ""

    def __post_init__(self) -> None:
        if not self.genes:
            raise SettingsError("The gene list is empty; give at least one gene to predict.")
        repeated = sorted({gene for gene in self.genes if self.genes.count(gene) > 1})
        if repeated:
            raise SettingsError(
                f"The gene {repeated[0]} stands more than once in the gene list; keep one of them."
            )
        for name in ("epochs", "sequence_length", "k", "patch_px", "layers"):
            if getattr(self, name) < 1:
                raise SettingsError(f"{name} is {getattr(self, name)}; it must be at least 1.")
        for name in ("learning_rate", "temperature"):
            if not getattr(self, name) > 0:
                raise SettingsError(f"{name} is {getattr(self, name)}; it must be above 0.")
        if self.um_per_px is not None and not self.um_per_px > 0:
            raise SettingsError(f"um_per_px is {self.um_per_px}; it must be above 0.")
        if not 0 <= self.dropout < 1:
            raise SettingsError(f"dropout is {self.dropout}; it must be from 0 to below 1.")
