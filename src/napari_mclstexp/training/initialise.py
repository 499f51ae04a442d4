"""A model before its first step: configuration from settings and sections, weights from a start."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import numpy as np

from .. import __version__
from ..cohort.section import Section
from ..errors import SettingsError
from ..model import (
    EncoderConfig,
    FeatureMapConfig,
    MclSTExp,
    Model,
    ModelConfig,
    PositionsConfig,
    RetrievalConfig,
    load_model,
)
from ..model.backbones import find_imagenet_weights, input_stats, load_backbone_weights
from ..model.inner_layers import inner_layers
from ..spots.schema import SpotMetadata
from .finetuning import move_genes
from .presets import differences
from .settings import TrainSettings

# What a model that is fine-tuned hands on besides its weights.
KEPT = (
    *("encoder", "patch_px", "um_per_px", "patch_scale", "positions", "use_positions", "layers"),
    *("normalisation", "heads", "head_dim", "projection_dim"),
    *("format", "head", "feature_map", "n_codes"),
)
RELATIVE_STEPS = 32  # about the pitch of legacy ST, whose sections are some 30 spots wide
# A platform's whole array, so that a model fits sections other than those it was trained on.
ARRAYS = {"visium": (78, 128), "legacy-st": (35, 33)}
PACKAGES = ("torch", "torchvision", "anndata", "numpy")


def start(sections: Sequence[Section], settings: TrainSettings) -> tuple[ModelConfig, MclSTExp]:
    """Return the configuration and the network that training starts with.

    Raises
    ------
    ModelError
        If weights are missing or do not fit.
    SettingsError
        If the sections do not go together with the settings.
    """
    base = None if settings.init_from is None else load_model(settings.init_from)
    shape: dict[str, Any]
    if base is None:
        mean, std = input_stats(settings.encoder)
        if settings.pixel_stats == "unit":
            mean, std = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
        shape = {
            "encoder": EncoderConfig(
                name=settings.encoder, mean=mean, std=std, views=settings.views
            ),
            "patch_px": settings.patch_px,
            "um_per_px": settings.um_per_px or median_scale(sections),
            "patch_scale": settings.patch_scale,
            "positions": _positions(sections, settings),
            "use_positions": settings.positions,
            "layers": settings.layers,
            "normalisation": settings.normalisation,
            **_of_map(settings),
        }
    else:
        shape = {name: getattr(base.config, name) for name in KEPT}
        if not set(base.config.genes) & set(settings.genes):
            raise SettingsError(
                f"The model {settings.init_from} shares no gene with the list "
                f"({base.config.genes[0]}, ... there, {settings.genes[0]}, ... here); fine-tuning "
                "needs some, so check that both are symbols, or train from the encoder's weights."
            )
    config = ModelConfig(
        name=settings.name,
        genes=settings.genes,
        **shape,
        dropout=settings.dropout,
        temperature=settings.temperature,
        retrieval=_retrieval(settings, base),
        sequence_length=settings.sequence_length,
        bank_sequence_length=settings.bank_sequence_length,
        sequence_rule=settings.sequence_rule,
        preset=settings.preset,
        trained_on=_trained_on(sections, base if settings.keep_bank else None),
        platform=platform_of(sections),
        description=settings.description,
        species=settings.species,
        organ=settings.organ,
        stain=settings.stain,
        versions={"napari-mclstexp": __version__, **{each: version(each) for each in PACKAGES}},
        settings={
            "epochs": settings.epochs,
            "learning_rate": settings.learning_rate,
            "weight_decay": settings.weight_decay,
            "seed": settings.seed,
            "freeze_encoder": settings.freeze_encoder,
            "augment": settings.augment,
            **{name: _plain(value) for name, value in differences(settings).items()},
        },
    )
    module = MclSTExp(config)
    if base is not None and config.head == "linear":
        module.load_state_dict(base.module.state_dict())
    elif base is not None:
        module.load_state_dict(
            move_genes(
                module.state_dict(),
                base.module.state_dict(),
                settings.genes,
                base.config.genes,
            )
        )
    elif settings.weights is not None:
        load_backbone_weights(module.image_encoder.model, settings.weights)
    elif settings.pretrained:
        load_backbone_weights(module.image_encoder.model, find_imagenet_weights(settings.encoder))
    return config, module


def _of_map(settings: TrainSettings) -> dict[str, Any]:
    """Return what says how a slide is seen as a whole, and how that is read."""
    if settings.features == "patches":
        return {}
    seen = FeatureMapConfig(um_per_px=settings.map_um_per_px, layers=inner_layers(settings.encoder))
    return {"format": 2, "head": settings.head, "feature_map": seen}


def _retrieval(settings: TrainSettings, base: Model | None) -> RetrievalConfig:
    usual = RetrievalConfig() if base is None else base.config.retrieval
    return RetrievalConfig(k=settings.k or usual.k, distance=settings.distance or usual.distance)


def _trained_on(sections: Sequence[Section], base: Model | None) -> tuple[str, ...]:
    before = base.config.trained_on if base is not None else ()
    return tuple(dict.fromkeys([*before, *(section.name for section in sections)]))


def median_scale(sections: Sequence[Section]) -> float:
    """Return the median µm per pixel of the sections' slides."""
    scales = []
    for section in sections:
        with section.open() as slide:
            scales.append(slide.um_per_px)
    return float(np.median([scale for scale in scales if scale is not None]))


def _plain(value: Any) -> bool | int | float | str:
    return value if isinstance(value, bool | int | float) else str(value)


def _positions(sections: Sequence[Section], settings: TrainSettings) -> PositionsConfig:
    table = settings.position_table
    if settings.position_kind == "relative":
        steps = table or RELATIVE_STEPS
        return PositionsConfig(n_rows=steps, n_cols=steps, kind="relative")
    rows, cols = array_size(sections)
    return PositionsConfig(n_rows=table or rows, n_cols=table or cols)


def array_size(sections: Sequence[Section]) -> tuple[int, int]:
    """Return the rows and columns of the platform's array, or more if the spots need them.

    Raises
    ------
    SettingsError
        If a position is below 0.
    """
    rows, cols = 1, 1
    for section in sections:
        obs, platform = section.spots.obs, SpotMetadata.read(section.spots).platform
        lowest = min(int(obs["array_row"].min()), int(obs["array_col"].min()))
        if lowest < 0:
            raise SettingsError(
                f"The section {section.name} has the array position {lowest}; "
                "positions count from 0."
            )
        whole = ARRAYS.get(str(platform), (0, 0))
        rows = max(rows, whole[0], int(obs["array_row"].max()) + 1)
        cols = max(cols, whole[1], int(obs["array_col"].max()) + 1)
    return rows, cols


def platform_of(sections: Sequence[Section]) -> str | None:
    """Return the names of the platforms that the sections are from."""
    platforms = {SpotMetadata.read(each.spots).platform or "" for each in sections}
    return ", ".join(sorted(platforms - {""})) or None
