"""The method of mclSTExp as plain torch, and the folder a model is kept in; knows no screen."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .bank import Bank
    from .config import (
        EncoderConfig,
        FeatureMapConfig,
        ModelConfig,
        PositionsConfig,
        RetrievalConfig,
    )
    from .folder import load_model, read_card, save_model
    from .inner_layers import InnerLayers
    from .loss import contrastive_loss
    from .mclstexp import MclSTExp
    from .normalisation import normalise
    from .retrieval import retrieve
    from .trained_model import Model

_LAZY = {
    "Bank": "bank",
    "EncoderConfig": "config",
    "FeatureMapConfig": "config",
    "InnerLayers": "inner_layers",
    "MclSTExp": "mclstexp",
    "Model": "trained_model",
    "ModelConfig": "config",
    "PositionsConfig": "config",
    "RetrievalConfig": "config",
    "contrastive_loss": "loss",
    "load_model": "folder",
    "normalise": "normalisation",
    "read_card": "folder",
    "retrieve": "retrieval",
    "save_model": "folder",
}

__all__ = [
    "Bank",
    "EncoderConfig",
    "FeatureMapConfig",
    "InnerLayers",
    "MclSTExp",
    "Model",
    "ModelConfig",
    "PositionsConfig",
    "RetrievalConfig",
    "contrastive_loss",
    "load_model",
    "normalise",
    "read_card",
    "retrieve",
    "save_model",
]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_LAZY[name]}", __name__), name)
    # Set here, since a lazy name is looked up only once.
    globals()[name] = value
    return value
