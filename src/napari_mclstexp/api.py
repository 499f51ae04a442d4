"""What a script imports: ``from napari_mclstexp import ...`` and this file are the same.

Importing it is light: a name's module, and torch with it, is loaded when the name is asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    pass

_LAZY = {
    "CancelToken": "progress",
    "CohortSettings": "cohort_runs.cohort_settings",
    "Device": "inference.device",
    "PartialPrediction": "progress",
    "GridSettings": "spots.grid_settings",
    "Progress": "progress",
    "ProgressCallback": "progress",
    "Section": "cohort.section",
    "Session": "session.session",
    "SlideEntry": "cohort_runs.slide_list",
    "TrainSettings": "training.settings",
    "TrainingPoint": "progress",
    "evaluate": "evaluation.evaluate",
    "find_similar": "analysis.similar_places",
    "lay_grid": "spots.grid",
    "load_cohort": "cohort.load",
    "load_model": "model.folder",
    "open_slide": "slides.registry",
    "pick_device": "inference.device",
    "predict": "inference.predict",
    "predict_cohort": "cohort_runs.predict_cohort",
    "read_landmarks": "analysis.registration",
    "read_prediction": "inference.prediction_io",
    "read_spots": "spots.readers.choose",
    "register": "analysis.registration",
    "regions_across": "analysis.registration",
    "save_model": "model.folder",
    "slide_places": "analysis.similar_places",
    "spots_across": "analysis.registration",
    "train": "training.train",
    "train_cohort": "evaluation.held_out_report",
    "write_prediction": "inference.prediction_io",
}

__all__ = [
    *_LAZY,
]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    package = __name__.rpartition(".")[0]
    return getattr(importlib.import_module(f".{_LAZY[name]}", package), name)
