"""What a person decides before training; light, so that the shell can build it without torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..errors import SettingsError

Normalisation = Literal["ln-1e4-all", "log10-1e4-listed", "ln-1e6-listed"]
SequenceRule = Literal["neighbours", "random"]
PatchScale = Literal["physical", "pixels"]


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
    tune
        What of an encoder that learns is trained: the whole of it, or its last block.
    batch_norm
        Whether its batch norms use the batch's statistics while training, or their running ones.
    init_from
        Model folder to go on from (fine-tuning); its encoder, patches, positions and widths are
        kept, and the weights of every gene that both lists share.
    keep_bank
        With the same genes, its reference spots go on voting beside the new sections'.
    epochs, learning_rate, weight_decay, temperature, seed
        Of the optimiser and the loss.
    optimizer
        ``"adamw"`` (the paper) or ``"adam"`` (the authors' code).
    patience
        Epochs without a better PCC on the section to stop on, after which training ends.
    sequence_rule
        ``"neighbours"`` of one section, or ``"random"`` spots of all sections.
    sequence_length, bank_sequence_length
        Most spots in one sequence while training, and while the bank is built (None: the same).
    sequences_per_step
        Sequences whose spots are each other's negatives in one step; several processes share them.
    dropout, layers
        Of the spot encoder and the projection heads.
    positions
        Whether array positions are learned; without them, and with no layers, only the contrast
        of image and expression is left.
    position_table
        Rows of each position table; None takes the platform's array.
    targets
        Of the loss: ``"matched"`` pairs only (the paper), or ``"similar"`` spots too (BLEEP).
    k, distance
        Retrieval: how many reference spots vote, and how their weight falls off. None takes the
        model's that is gone on from, else 200 and ``"l2"``.
    normalisation
        Of the counts; see DESIGN section 2.
    patch_px, um_per_px
        Side of a patch in pixels and their size in µm; None takes the sections' median.
    patch_scale
        ``"physical"``: every slide is read at that size; ``"pixels"``: at its own, whatever it is.
    pixel_stats
        ``"encoder"``: pixel values are standardised as its weights expect; ``"unit"``: 0..1.
    views
        Over how many rotations (1, 4) or rotations and flips (8) features are averaged.
    augment
        Flip and turn patches at random while training (only when the encoder learns too).
    stain_jitter
        By how much augmentation scales and shifts haematoxylin and eosin (HED space), at most.
    silent_genes
        Genes without variance in a section are left out of means; ``"report"`` says how many.
    precision
        Arithmetic of the image encoder while it learns: ``"auto"``, ``"32"``, ``"bf16"``,
        ``"fp16"``.
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
    tune: Literal["whole", "last-block"] = "whole"
    batch_norm: Literal["batch", "frozen"] = "batch"
    init_from: Path | None = None
    keep_bank: bool = True
    epochs: int = 90
    learning_rate: float = 1e-4
    weight_decay: float = 1e-3
    temperature: float = 1.0
    seed: int = 0
    optimizer: Literal["adamw", "adam"] = "adamw"
    patience: int = 10
    sequence_rule: SequenceRule = "neighbours"
    sequence_length: int = 128
    bank_sequence_length: int | None = None
    sequences_per_step: int = 1
    dropout: float = 0.1
    layers: int = 2
    positions: bool = True
    position_table: int | None = None
    targets: Literal["matched", "similar"] = "matched"
    k: int | None = None
    distance: Literal["l1", "l2", "cosine"] | None = None
    normalisation: Normalisation = "ln-1e4-all"
    patch_px: int = 224
    um_per_px: float | None = None
    patch_scale: PatchScale = "physical"
    pixel_stats: Literal["encoder", "unit"] = "encoder"
    views: Literal[1, 4, 8] = 1
    augment: bool = True
    stain_jitter: float = 0.05
    silent_genes: Literal["report", "drop"] = "report"
    precision: Literal["auto", "32", "bf16", "fp16"] = "auto"
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
        for name in (
            *("epochs", "patience", "sequence_length", "bank_sequence_length"),
            *("sequences_per_step", "position_table", "k", "patch_px"),
        ):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise SettingsError(f"{name} is {value}; it must be at least 1.")
        for name in ("layers", "stain_jitter"):
            if getattr(self, name) < 0:
                raise SettingsError(f"{name} is {getattr(self, name)}; it must be at least 0.")
        for name in ("learning_rate", "temperature"):
            if not getattr(self, name) > 0:
                raise SettingsError(f"{name} is {getattr(self, name)}; it must be above 0.")
        if self.um_per_px is not None and not self.um_per_px > 0:
            raise SettingsError(f"um_per_px is {self.um_per_px}; it must be above 0.")
        if not 0 <= self.dropout < 1:
            raise SettingsError(f"dropout is {self.dropout}; it must be from 0 to below 1.")
