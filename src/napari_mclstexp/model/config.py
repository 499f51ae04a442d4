"""What a model is, in one frozen value that is saved beside its weights as ``config.json``."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from .normalisation import UNITS, Normalisation

Distance = Literal["l1", "l2", "cosine"]
Head = Literal["contrastive", "linear", "blend"]
# timm would read a name with a colon or a slash as an address, of the network or of a folder.
ENCODER_NAME = re.compile(r"densenet121(-unrectified)?|timm:[A-Za-z0-9_.\-]+")
FORMATS = (1, 2)  # a new one where an older version could misread a newer folder; 2: feature maps


# Limits of what makes sense, so that no file asks for more memory or time than a model can need.
MOST_GENES, LONGEST_NAME = 200_000, 200
_Finite = Annotated[float, Field(allow_inf_nan=False)]
_Spread = Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)]
_Um = Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)]
_Name = Annotated[str, Field(max_length=LONGEST_NAME)]
_Words = Annotated[str, Field(max_length=100_000)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class EncoderConfig(_Frozen):
    """The image encoder.

    Attributes
    ----------
    name
        ``"densenet121"`` or ``"timm:<name>"``.
    mean, std
        Subtracted from, and divided into, pixel values of 0..1, per channel.
    views
        Over how many quarter turns (1 or 4), or quarter turns and their mirrors (8), the features
        of a patch are averaged.
    """

    name: _Name = "densenet121"
    mean: tuple[_Finite, _Finite, _Finite] = (0.485, 0.456, 0.406)
    std: tuple[_Spread, _Spread, _Spread] = (0.229, 0.224, 0.225)
    views: Literal[1, 4, 8] = 1

    @field_validator("name")
    @classmethod
    def _names_an_architecture(cls, name: str) -> str:
        if not ENCODER_NAME.fullmatch(name):
            raise ValueError(f"{name!r} names no encoder; use densenet121, or timm: and a name")
        return name


class FeatureMapConfig(_Frozen):
    """What the frozen encoder sees of a slide in one pass, averaged to cells.

    Attributes
    ----------
    um_per_px
        Scale at which the slide is read.
    layers
        Inner layers of the backbone, in the order that features have; see `inner_layers`.
    colour
        Whether red, green, blue, stains (HED) and the share of white are channels too.
    cell_px
        Side of a cell in pixels of that scale; a multiple of every layer's stride.
    widths_um
        Standard deviations of the Gaussian weights under which cells are pooled around a spot.
    """

    um_per_px: _Um = 1.0
    layers: tuple[_Name, ...] = Field(max_length=100)
    colour: bool = True
    cell_px: int = Field(default=32, ge=8, le=256)
    widths_um: tuple[_Finite, ...] = Field(
        default=(40.0, 80.0, 160.0, 320.0), min_length=1, max_length=32
    )

    @field_validator("widths_um")
    @classmethod
    def _widths_are_lengths(cls, widths: tuple[float, ...]) -> tuple[float, ...]:
        for width in widths:
            if not 0 < width <= 100_000:
                raise ValueError(f"{width} is no width in µm; give a number above 0")
        return widths

    @model_validator(mode="after")
    def _something_is_seen(self) -> FeatureMapConfig:
        if not self.layers and not self.colour:
            raise ValueError("neither layers nor colour are asked for; name a layer")
        return self

    @property
    def cell_um(self) -> float:
        """Side of a cell in µm."""
        return self.cell_px * self.um_per_px


class PositionsConfig(_Frozen):
    """Size of the learned position tables, and what their rows stand for.

    Attributes
    ----------
    n_rows, n_cols
        Array rows and columns of the platform; or steps of a section's height and width.
    kind
        ``"array"`` positions, or ``"relative"`` to the section's extent.
    """

    n_rows: int = Field(ge=1, le=1_000_000)
    n_cols: int = Field(ge=1, le=1_000_000)
    kind: Literal["array", "relative"] = "array"


class RetrievalConfig(_Frozen):
    """How many reference spots are retrieved, and the distance d of their weights 1 / d^2."""

    k: int = Field(default=200, ge=1, le=10_000_000)
    distance: Distance = "l2"


class ModelConfig(_Frozen):
    """Everything but weights and bank.

    Attributes
    ----------
    genes
        Names in the order of the bank's columns.
    normalisation
        Of the expression that the bank holds and predictions are given in.
    patch_px, um_per_px
        Side of a patch in pixels, and their size: together the physical field seen around a spot.
    use_positions
        Whether the learned embeddings of the array position are added to the expression.
    sequence_length, bank_sequence_length
        Most spots in one sequence of the spot encoder, in training and in the bank (None: same).
    sequence_rule
        ``"neighbours"`` of one section, or ``"random"`` spots of all sections.
    patch_scale
        ``"physical"``: slides are read at `um_per_px`; ``"pixels"``: at their own scale.
    head
        What expression is read with: ``"contrastive"`` (the paper's retrieval), ``"linear"`` (a
        ridge of reduced rank) or ``"blend"``, the mean of both.
    feature_map
        How the slide is seen by the linear head, and by any head beside it; None where each spot
        has a patch of its own (the paper).
    n_codes
        Length of the codes that the features of a feature map are projected to.
    trained_on
        Names of the training sections.
    species, organ, stain, platform
        What slides it is for, as far as that is said; "" (None) where it is not. The platforms of
        the training spots, with commas between them.
    held_out_pcc
        Pearson correlation of each gene on sections not trained on, where known ("trust").
    held_out_low
        Lower end of its 95 % interval, where known: a gene whose interval holds 0 was not shown
        to be predicted at all.
    versions, settings
        Of the packages and of the training, for the record.
    """

    format: Literal[1, 2] = 1
    name: _Words
    genes: tuple[_Name, ...] = Field(min_length=1, max_length=MOST_GENES)
    normalisation: Normalisation = "ln-1e4-all"
    patch_px: int = Field(default=224, ge=8, le=4096)
    um_per_px: _Um
    encoder: EncoderConfig = EncoderConfig()
    positions: PositionsConfig
    projection_dim: int = Field(default=256, ge=1, le=65_536)
    heads: int = Field(default=8, ge=1, le=1024)
    head_dim: int = Field(default=64, ge=1, le=65_536)
    layers: int = Field(default=2, ge=0, le=1000)
    use_positions: bool = True
    dropout: float = Field(default=0.1, ge=0, lt=1)
    temperature: _Finite = Field(default=1.0, gt=0)
    retrieval: RetrievalConfig = RetrievalConfig()
    sequence_length: int = Field(default=128, ge=1, le=10_000_000)
    bank_sequence_length: int | None = Field(default=None, ge=1, le=10_000_000)
    sequence_rule: Literal["neighbours", "random"] = "neighbours"
    patch_scale: Literal["physical", "pixels"] = "physical"
    head: Head = "contrastive"
    feature_map: FeatureMapConfig | None = None
    n_codes: int | None = Field(default=None, ge=1, le=1_000_000)
    preset: _Words = "default"
    trained_on: tuple[_Words, ...] = Field(default=(), max_length=100_000)
    species: _Words = ""
    organ: _Words = ""
    stain: _Words = ""
    platform: _Words | None = None
    held_out_pcc: dict[str, float] = {}
    held_out_low: dict[str, float] = {}
    held_out_note: _Words = ""
    description: _Words = ""
    versions: dict[str, str] = {}
    settings: dict[str, bool | int | float | str] = {}

    @field_validator("genes")
    @classmethod
    def _genes_are_unique(cls, genes: tuple[str, ...]) -> tuple[str, ...]:
        seen: set[str] = set()
        for gene in genes:
            if gene in seen:
                raise ValueError(f"the gene {gene} stands twice")
            seen.add(gene)
        return genes

    @model_validator(mode="after")
    def _the_head_has_what_it_reads(self) -> ModelConfig:
        if (self.feature_map is None) != (self.format == 1):
            raise ValueError("a feature map and format 2 go together")
        if self.head != "contrastive" and self.feature_map is None:
            raise ValueError(f"the {self.head} head needs a feature map")
        return self

    @property
    def meant_for(self) -> str:
        """What slides it is for: "human breast, H&E, legacy-st"; "" where nothing is said."""
        tissue = " ".join(each for each in (self.species, self.organ) if each)
        platform = "synthetic sections" if self.platform == "synthetic" else self.platform
        return ", ".join(each for each in (tissue, self.stain, platform) if each)

    @property
    def patch_um(self) -> float:
        """Side of a patch in µm."""
        return self.patch_px * self.um_per_px

    @property
    def unit(self) -> str:
        """The unit of predicted expression, as a colour bar shows it."""
        return UNITS[self.normalisation]
