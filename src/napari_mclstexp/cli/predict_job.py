"""What predict does, once the shell has understood what is asked for; what others share with it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import SettingsError
from .long_work import check_out_file, long_work

if TYPE_CHECKING:
    from anndata import AnnData

    from ..cohort.gene_selection import GeneChoice
    from ..cohort.quality_control import Kept
    from ..cohort.section import Section
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
    device: str = "auto",
) -> AnnData:
    """Predict from files into a file, and return the prediction.

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
        with long_work() as (progress, cancel):
            prediction = predict(
                slide,
                spots,
                loaded,
                genes=genes,
                device=device,
                batch_size=batch_size,
                progress=progress,
                cancel=cancel,
            )
    write_prediction(prediction, out)
    return prediction


def _spots(slide: Slide, where: SpotFiles | GridSettings) -> AnnData:
    from ..spots import lay_grid
    from ..spots.readers.choose import read_spots

    if isinstance(where, SpotFiles):
        return read_spots(where.spots, where.counts)
    return lay_grid(slide, where)


def model_folder(named: str) -> Path:
    """Return the folder of a model by its path, or of the built-in one by the name demo."""
    if named == DEMO and not Path(named, "config.json").is_file():
        from ..samples import demo_model_path

        folder: Path = demo_model_path()
        return folder
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


def listed_genes(path: Path) -> tuple[str, ...]:
    """Return the genes of a file with one a line; lines that begin with # are left out.

    Raises
    ------
    SettingsError
        If it cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise SettingsError(
            f"The gene list {path} cannot be read ({reason}); "
            "give a text file with one gene a line."
        ) from error
    return tuple(line.strip() for line in lines if line.strip() and not line.startswith("#"))


def cohort_sections(cohort: Path, min_counts: int | None) -> Kept:
    """Return the sections of a cohort table, less the spots with too few counts.

    Raises
    ------
    SettingsError
        If the table has problems, or a section loses almost all of its spots.
    """
    from ..cohort.load import load_cohort
    from ..cohort.quality_control import keep_good_spots

    return keep_good_spots(load_cohort(cohort), min_counts)


def cohort_files(cohort: Path) -> dict[str, Path | None]:
    """Return a cohort table and the files that it names, so that none of them is written over.

    What is wrong with the table is not said here.
    """
    from ..cohort.table import read_rows

    found: dict[str, Path | None] = {"--cohort": cohort}
    with suppress(SettingsError):
        for row in read_rows(cohort):
            for what in ("slide", "spots", "counts"):
                path = getattr(row, what)
                found[f"the {what} of section {row.section}"] = Path(path) if path else None
    return found


def chosen_genes(listed: Path | None, hvg: int | None, sections: Sequence[Section]) -> GeneChoice:
    """Return the genes to learn: those of a list, or the most variable ones.

    Raises
    ------
    SettingsError
        If neither or both are asked for, or none is left.
    """
    if (listed is None) == (hvg is None):
        raise SettingsError("Say which genes to learn: either --genes FILE or --hvg N.")
    from ..cohort.gene_selection import highly_variable_genes, listed_genes_of

    if listed is not None:
        return listed_genes_of(listed_genes(listed), sections)
    return highly_variable_genes(sections, per_section=hvg or 1)
