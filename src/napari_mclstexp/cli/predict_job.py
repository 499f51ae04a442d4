"""What predict does, once the shell has understood what is asked for."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import SettingsError
from .long_work import check_out_file, long_work

if TYPE_CHECKING:
    from anndata import AnnData

    from ..inference.run_profile import RunProfile
    from ..model import Model
    from ..slides import Slide
    from ..spots import GridSettings

DEMO = "demo"


@dataclass(frozen=True)
class SpotFiles:
    """Spots to be read, and their counts where these are in a file of their own."""

    spots: Path
    counts: Path | None = None


def predict_job(
    slide_path: Path,
    where: SpotFiles | GridSettings,
    model: Path,
    out: Path,
    *,
    genes: tuple[str, ...] | None = None,
    um_per_px: float | None = None,
    batch_size: int | None = None,
    interval: float = 0.8,
    samples: int = 0,
    seed: int = 0,
    device: str = "auto",
    backend: str = "auto",
    profiled: bool = False,
) -> tuple[AnnData, RunProfile | None]:
    """Predict from files into a file; return the prediction, and where the time went if asked.

    Raises
    ------
    UserError
        If anything about the files or the choices is wrong; nothing is written then.
    Cancelled
        If the run was interrupted; nothing is written then.
    """
    inputs: dict[str, Path | None] = {"--slide": slide_path, "--model": model}
    if isinstance(where, SpotFiles):
        # Of a folder with spots no .h5ad is read, and a prediction may well be kept in it.
        inputs["--spots"] = None if where.spots.is_dir() else where.spots
        inputs["--counts"] = where.counts
    check_out_file(out, inputs)
    from ..slides import open_slide

    with open_slide(slide_path) as slide:
        if um_per_px is not None:
            slide.calibrate(um_per_px, "user")
        spots = _spots(slide, where)
        from ..inference.predict import predict
        from ..inference.prediction_io import write_prediction
        from ..model import load_model

        loaded = load_model(model)
        with _profiling(loaded, device, profiled) as profile:
            with long_work() as (progress, cancel):
                prediction = predict(
                    slide,
                    spots,
                    loaded,
                    genes=genes,
                    device=device,
                    backend=backend,
                    batch_size=batch_size,
                    interval=interval,
                    samples=samples,
                    seed=seed,
                    progress=progress,
                    cancel=cancel,
                )
            slide.close()  # it may change from now on
            write_prediction(prediction, out)
    return prediction, profile


def _profiling(
    model: Model, device: str, profiled: bool
) -> AbstractContextManager[RunProfile | None]:
    if not profiled:
        return nullcontext()
    from ..inference.run_profile import profiling

    return profiling(model, device)


def _spots(slide: Slide, where: SpotFiles | GridSettings) -> AnnData:
    from ..spots import lay_grid
    from ..spots.readers.choose import read_spots

    if isinstance(where, SpotFiles):
        return read_spots(where.spots, where.counts)
    return lay_grid(slide, where)


def model_folder(named: str) -> Path:
    """Return a model's folder by its path, by its name on the shelf, or by the name demo."""
    if named == DEMO and not Path(named, "config.json").is_file():
        from ..samples import demo_model_path

        folder: Path = demo_model_path()
        return folder
    if not Path(named).exists() and Path(named).name == named:
        from ..library.shelf import user_shelf

        shelved: Path = user_shelf().models / named
        if (shelved / "config.json").is_file():
            return shelved
    return Path(named)


def named_genes(text: str) -> tuple[str, ...]:
    """Return the genes of a list with commas.

    Raises
    ------
    SettingsError
        If there are none.
    """
    genes = tuple(dict.fromkeys(gene.strip() for gene in text.split(",") if gene.strip()))
    if not genes:
        raise SettingsError("--genes names no gene; give names with commas between, as in A,B.")
    return genes
