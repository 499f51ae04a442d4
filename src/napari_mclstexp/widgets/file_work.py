"""What workers read and write for the workspace; the heavy parts are imported there."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from anndata import AnnData

    from ..model import Model
    from ..progress import Progress
    from ..session.prediction_run import Run, Runs
    from .common.background_jobs import Post


def read_spots_of(path: Path, counts: Path | None) -> AnnData:
    """Read spots, with their counts from a file of their own if that is given."""
    from ..spots.readers.choose import read_spots

    return read_spots(path, counts)


def model_of(folder: Path) -> Model:
    """Load and verify a model."""
    from ..model import load_model

    return load_model(folder)


def predict_run(run: Run, device: str, runs: Runs, post: Post) -> AnnData:
    """Predict what a run was started for; what is done so far is reported as it comes."""
    from ..inference.predict import predict

    def progress(event: Progress) -> None:
        post(partial(runs.report, run, event))

    return predict(
        run.slide,
        run.spots,
        run.model,
        genes=run.genes,
        device=device,
        progress=progress,
        cancel=run.token,
    )


def save_prediction(prediction: AnnData, path: Path) -> None:
    """Write a prediction as h5ad."""
    from ..inference.prediction_io import write_prediction

    write_prediction(prediction, path)
