"""What a person decides before training; light, so that the shell can build it without torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from ..errors import SettingsError
from ..options import SEEDS, Option, check

Normalisation = Literal["ln-1e4-all", "log10-1e4-listed", "ln-1e6-listed"]
Features = Literal["patches", "map"]
Head = Literal["contrastive", "linear", "blend"]
SequenceRule = Literal["neighbours", "random"]
PositionKind = Literal["array", "relative"]
PatchScale = Literal["physical", "pixels"]

# What a training is given besides: the same words in the shell and in the dock.
VARIABLE_GENES = 1000  # of each section, by the paper's rule
Cohort = Annotated[
    Path, Option("CSV table of the sections: columns section, patient, slide, spots, counts")
]
Genes = Annotated[Path | None, Option("Text file with the genes to predict, one per line")]
Hvg = Annotated[
    int | None,
    Option(
        "Without a gene list: the union of this many most variable genes of each section",
        low=1,
        most=1_000_000,
        metavar="N",
    ),
]
HeldOut = Annotated[
    str | None,
    Option("Section left out of training; every gene is scored on it", metavar="SECTION"),
]
ModelOut = Annotated[Path, Option("The model folder to write")]
MinCounts = Annotated[
    int | None, Option("Leave out spots with fewer counts; 0 keeps all", low=0, most=10**12)
]


@dataclass(frozen=True)
class TrainSettings:
    """How a model is trained; defaults are the paper's (arXiv 2407.08216) where it gives them.

    Attributes
    ----------
    genes
        Names of the genes to predict, in the model's order.
    weights
        Local file with the encoder's weights; None looks for ImageNet weights already there.
    pretrained
        False starts the encoder from random weights (only read when `weights` is None).
    init_from
        Its encoder, patches, positions and widths are kept, and the weights of shared genes.
    positions
        Whether array positions are learned; without them, and with no layers, only the contrast
        of image and expression is left.
    targets
        Of the loss: ``"matched"`` pairs only (the paper), or ``"similar"`` spots too (BLEEP).
    k, distance
        None takes those of the model in `init_from`, else 200 and ``"l2"``.
    silent_genes
        Genes without variance in a section are left out of means; ``"report"`` says how many.
    preset
        Name of the set of choices, kept in the model for the record.

    The other fields say themselves what they do, see :class:`~napari_mclstexp.options.Option`.
    """

    genes: tuple[str, ...]
    features: Annotated[
        Features,
        Option(
            "What is seen around a spot: a patch of its own (patches), or one pass of a frozen "
            "encoder over the whole tissue, pooled at several widths (map)"
        ),
    ] = "patches"
    head: Annotated[
        Head,
        Option(
            "What reads expression: retrieval by the contrastive method, a ridge of reduced rank "
            "(linear; needs the map), or the mean of both (blend; needs the map)",
            choices={"contrastive": "Contrastive", "linear": "Linear", "blend": "Blend of both"},
        ),
    ] = "contrastive"
    map_um_per_px: Annotated[
        float, Option("Pixel size at which the map is made", above=0, most=1000, unit="µm")
    ] = 1.0
    rank: Annotated[
        int | None,
        Option(
            "Programs of the linear head; if not given, chosen on sections left out",
            low=1,
            most=1_000_000,
            unset="chosen",
        ),
    ] = None
    penalty: Annotated[
        float | None,
        Option(
            "Penalty of the linear head; if not given, chosen on sections left out",
            above=0,
            most=10**12,
        ),
    ] = None
    name: Annotated[str, Option("Name of the model, as people see it")] = "mclSTExp"
    encoder: Annotated[str, Option("Image encoder: densenet121 (the paper's), or timm:NAME")] = (
        "densenet121"
    )
    weights: Annotated[
        Path | None,
        Option(
            "File with the encoder's weights (.safetensors, .pth); nothing is downloaded. For "
            "densenet121, torchvision's file is found where torch keeps it"
        ),
    ] = None
    pretrained: bool = True
    freeze_encoder: Annotated[
        bool,
        Option(
            "Leave the encoder's weights unchanged; its features are computed once, so a computer "
            "without a GPU is enough",
            label="Freeze the encoder",
        ),
    ] = False
    tune: Literal["whole", "last-block"] = "whole"
    batch_norm: Annotated[
        Literal["batch", "frozen"],
        Option("Statistics of the encoder's batch norms: each batch's, or the stored ones"),
    ] = "batch"
    init_from: Annotated[Path | None, Option("Model folder to fine-tune")] = None
    keep_bank: Annotated[
        bool,
        Option(
            "Fine-tuning with the same genes: keep the first model's reference spots beside the "
            "new ones, or use the new ones only",
            flag="--keep-bank/--own-bank",
        ),
    ] = True
    epochs: Annotated[
        int,
        Option("Passes over all sections; 90 in the paper", low=1, most=1_000_000, label="Epochs"),
    ] = 90
    learning_rate: Annotated[
        float, Option("Learning rate of the optimiser", above=0, most=1000)
    ] = 1e-4
    weight_decay: Annotated[float, Option("Weight decay of the optimiser", low=0, most=1000)] = 1e-3
    temperature: Annotated[
        float, Option("Temperature of the contrastive loss", above=0, most=10**6)
    ] = 1.0
    seed: Annotated[
        int, Option("Random seed; the same seed gives the same model", low=0, most=SEEDS)
    ] = 0
    optimizer: Annotated[
        Literal["adamw", "adam"], Option("Optimiser: adamw (the paper), adam (the authors' code)")
    ] = "adamw"
    patience: Annotated[
        int,
        Option(
            "Stop after this many epochs without improvement on the --stop-on section",
            low=1,
            most=1_000_000,
        ),
    ] = 10
    sequence_rule: Annotated[
        SequenceRule,
        Option("Spots of a sequence: neighbours in one section, or random spots of all sections"),
    ] = "neighbours"
    sequence_length: Annotated[int, Option("Most spots in a sequence", low=1, most=10_000_000)] = (
        128
    )
    bank_sequence_length: Annotated[
        int | None,
        Option(
            "Most spots in a sequence while the reference spots are encoded", low=1, most=10_000_000
        ),
    ] = None
    sequences_per_step: Annotated[
        int,
        Option(
            "Sequences in a training step, whose spots are each other's negatives; several "
            "processes share them",
            low=1,
            most=1_000_000,
        ),
    ] = 1
    dropout: Annotated[float, Option("Dropout while training", low=0, below=1)] = 0.1
    layers: Annotated[int, Option("Layers of the spot encoder", low=0, most=100)] = 2
    positions: bool = True
    position_table: Annotated[
        int | None,
        Option(
            "Rows of each position table; if not given, the size of the platform's array",
            low=1,
            most=1_000_000,
        ),
    ] = None
    position_kind: Annotated[
        PositionKind,
        Option(
            "Positions of spots: on the platform's array (the paper), or relative to their "
            "section's extent (STMCL)"
        ),
    ] = "array"
    targets: Literal["matched", "similar"] = "matched"
    ranking: Annotated[
        float,
        Option(
            "Weight of the loss by which spots that are alike in expression come to look alike in "
            "the same order (RankByGene); 0 for none",
            low=0,
            most=10**6,
        ),
    ] = 0.0
    k: Annotated[
        int | None,
        Option("Number of reference spots retrieved for each spot", low=1, most=10_000_000),
    ] = None
    distance: Annotated[
        Literal["l1", "l2", "cosine"] | None,
        Option("Distance by which the retrieved spots are weighted"),
    ] = None
    normalisation: Annotated[
        Normalisation,
        Option("How counts are normalised: logarithm, target sum, over all or the listed genes"),
    ] = "ln-1e4-all"
    patch_px: Annotated[int, Option("Side of a patch, in pixels", low=1, most=4096)] = 224
    um_per_px: Annotated[
        float | None,
        Option(
            "Pixel size of a patch; if not given, the sections' median",
            above=0,
            most=1000,
            unit="µm",
        ),
    ] = None
    patch_scale: Annotated[
        PatchScale,
        Option("Read every slide at that pixel size (physical), or at its own (pixels)"),
    ] = "physical"
    pixel_stats: Annotated[
        Literal["encoder", "unit"],
        Option("Scale pixel values as the encoder's weights expect (encoder), or to 0..1 (unit)"),
    ] = "encoder"
    views: Annotated[
        Literal[1, 4, 8],
        Option("Average the features over 1 view, 4 turns, or 8 turns and mirror images"),
    ] = 1
    augment: Annotated[
        bool,
        Option("Turn, mirror and re-stain patches at random while the encoder is trained"),
    ] = True
    stain_jitter: Annotated[
        float,
        Option(
            "How much augmentation varies haematoxylin and eosin (HED); 0 for none", low=0, most=10
        ),
    ] = 0.05
    silent_genes: Literal["report", "drop"] = "report"
    precision: Annotated[
        Literal["auto", "32", "bf16", "fp16"],
        Option("Floating-point precision of the encoder while it is trained"),
    ] = "auto"
    preset: str = "default"
    description: Annotated[str, Option("A sentence for the model card")] = ""
    species: Annotated[str, Option("Species that the model is for, for its card")] = ""
    organ: Annotated[str, Option("Organ or tissue that the model is for, for its card")] = ""
    stain: Annotated[str, Option("Stain that the model is for, for its card")] = "H&E"

    def __post_init__(self) -> None:
        if not self.genes:
            raise SettingsError("The gene list is empty; give at least one gene to predict.")
        repeated = sorted({gene for gene in self.genes if self.genes.count(gene) > 1})
        if repeated:
            raise SettingsError(
                f"The gene {repeated[0]} stands more than once in the gene list; keep one of them."
            )
        check(self)
        if self.features == "patches" and self.head != "contrastive":
            raise SettingsError(
                f"The {self.head} head reads a feature map, and patches were asked for; give "
                "--features map, or --head contrastive."
            )
