"""Turns a slide and a model into expression, and sections into a model; knows no screen.

Importing this package is light: torch is loaded when `predict` or `train` is first asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from .progress import CancelToken, PartialPrediction, Progress, ProgressCallback, TrainingPoint
from .settings import TrainSettings

if TYPE_CHECKING:
    from .device import Device, pick_device
    from .output import read_prediction, write_prediction
    from .prediction import predict
    from .sections import Section, load_cohort
    from .training import train

_LAZY = {
    "Device": "device",
    "Section": "sections",
    "load_cohort": "sections",
    "pick_device": "device",
    "predict": "prediction",
    "read_prediction": "output",
    "train": "training",
    "write_prediction": "output",
}

__all__ = [
    "CancelToken",
    "Device",
    "PartialPrediction",
    "Progress",
    "ProgressCallback",
    "Section",
    "TrainSettings",
    "TrainingPoint",
    "load_cohort",
    "pick_device",
    "predict",
    "read_prediction",
    "train",
    "write_prediction",
]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_LAZY[name]}", __name__), name)
    # Set here, since a lazy name is looked up only once.
    globals()[name] = value
    return value
