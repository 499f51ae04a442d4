"""What workers read and write for the workspace; the heavy parts are imported there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from anndata import AnnData

    from ..model import Model


def read_spots_of(path: Path, counts: Path | None) -> AnnData:
    """Read spots, with their counts from a file of their own if that is given."""
    from ..spots.readers.choose import read_spots

    return read_spots(path, counts)


def model_of(folder: Path) -> Model:
    """Load and verify a model."""
    from ..model import load_model

    return load_model(folder)


def save_prediction(prediction: AnnData, path: Path) -> None:
    """Write a prediction as h5ad."""
    from ..inference.prediction_io import write_prediction

    write_prediction(prediction, path)
