"""The same engine from the shell: one command for each job.

Nothing heavy is imported before a command runs, so that ``--help`` answers at once.
"""

from __future__ import annotations

import logging
import os
import sys
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from .. import __version__
from ..cohort_runs.cohort_settings import BatchSize, Genes, Interval, Samples, Seed
from ..errors import Cancelled, SettingsError, UserError
from ..files import check_names, placing
from ..options import Option, declared
from ..reading.guard import last_words, threads_logged
from ..running.quiet_threads import stay_offline, wait_asleep
from ..spots.grid_settings import GridSettings, Layout
from .answers import about, about_demo, about_prediction, with_profile
from .doctor_command import doctor_command
from .domains_command import domains_command
from .evaluate_command import evaluate_command
from .export_command import export_command
from .import_command import import_checkpoint_command
from .long_work import INTERRUPTS, folder_for
from .models_command import models_app
from .predict_cohort_command import predict_cohort_command
from .predict_job import SpotFiles, model_folder, named_genes, predict_job
from .recipe_command import recipe_command
from .regions_command import regions_command
from .register_command import register_command
from .shell_options import Backend, Device, Json, with_options
from .signature_command import signature_command
from .similar_command import similar_command
from .train_command import check_command, train_command

# What a wrong option raises: typer's own copy of click since 0.20, click itself before.
_UsageError: type[Exception] = typer.BadParameter.__mro__[1]
# Other packages' log lines, which Python would print where nobody listens to them.
_SILENT = logging.NullHandler()
_CLOSED_PIPE = 128 + 13  # as shells count it
GRID = declared(GridSettings)

app = typer.Typer(
    name="napari-mclstexp",
    help="Predict spatial gene expression from a routine H&E slide.",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"napari-mclstexp {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Print the version and exit"
        ),
    ] = False,
) -> None:
    pass


@app.command("demo")
@with_options
def demo_command(
    out: Annotated[Path, Option("Folder for prediction.h5ad and overlay.png")] = Path("demo"),
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Predict sample section 3 with the demo model, which was not trained on it."""
    from ..samples import demo_model_path, sample_section

    section = sample_section(3)
    start = time.monotonic()
    names = ("prediction.h5ad", "overlay.png")
    check_names(out, "the demo's result", names)
    with folder_for(out), placing(out, "the demo's result", names):
        prediction, _ = predict_job(
            section.slide,
            SpotFiles(section.spots, None),
            demo_model_path(),
            out / "prediction.h5ad",
            device=device,
        )
        from ..export.figure import save_overlay
        from ..slides import open_slide
        from ..spots import find_tissue

        report = about_demo(prediction, out, time.monotonic() - start)
        with open_slide(section.slide) as slide:
            tissue = find_tissue(slide)
        save_overlay(prediction, report.document["gene"], out / "overlay.png", tissue=tissue)
    report.show(as_json)


@app.command("predict")
@with_options
def predict_command(
    slide: Annotated[Path, Option("The slide (svs, ndpi, OME-TIFF, TIFF, JPEG, ...)")],
    model: Annotated[str, Option("Model folder, the name of a built or added model, or demo")],
    out: Annotated[Path, Option("The .h5ad file to write")],
    spots: Annotated[
        Path | None,
        Option(
            "Spots: Space Ranger outs folder, legacy ST spot file, .h5ad, .zarr, or CSV of x and y"
        ),
    ] = None,
    counts: Annotated[
        Path | None,
        Option("Counts of a legacy ST spot file; if not given, looked for beside it by name"),
    ] = None,
    grid: Annotated[float | None, GRID["pitch_um"].option] = None,
    spot_diameter: Annotated[float, GRID["diameter_um"].option] = GRID["diameter_um"].default,
    layout: Annotated[Layout, GRID["layout"].option] = GRID["layout"].default,
    genes: Genes = None,
    um_per_px: Annotated[
        float | None,
        Option("Pixel size of the slide, if its file gives none or a wrong one", unit="µm"),
    ] = None,
    batch_size: BatchSize = None,
    interval: Interval = 0.8,
    samples: Samples = 0,
    seed: Seed = 0,
    device: Device = "auto",
    backend: Backend = "auto",
    profile_it: Annotated[
        bool, Option("Also tell where the time went, stage by stage", flag="--profile")
    ] = False,
    as_json: Json = False,
) -> None:
    """Predict the expression of every spot on a slide."""
    start = time.monotonic()
    where: GridSettings | SpotFiles
    if spots is not None and grid is None:
        where = SpotFiles(spots, counts)
    elif grid is not None and spots is None and counts is None:
        where = GridSettings(grid, spot_diameter, layout)
    else:
        raise SettingsError(
            "Say where to predict: either --spots with a file (and --counts if need be), "
            "or --grid with a pitch in µm."
        )
    prediction, profile = predict_job(
        slide,
        where,
        model_folder(model),
        out,
        genes=None if genes is None else named_genes(genes),
        um_per_px=um_per_px,
        batch_size=batch_size,
        interval=interval,
        samples=samples,
        seed=seed,
        device=device,
        backend=backend,
        profiled=profile_it,
    )
    answer = about_prediction(prediction, out, time.monotonic() - start)
    if profile is not None:
        answer = with_profile(answer, profile)
    answer.show(as_json)


app.command("predict-cohort")(with_options(predict_cohort_command))
app.command("train")(train_command)
app.command("check")(with_options(check_command))
app.command("evaluate")(evaluate_command)
app.command("domains")(with_options(domains_command))
app.command("signature")(with_options(signature_command))
app.command("regions")(with_options(regions_command))
app.command("similar")(with_options(similar_command))
app.command("register")(with_options(register_command))
app.command("export")(with_options(export_command))
app.command("import-checkpoint")(with_options(import_checkpoint_command))
app.command("doctor")(with_options(doctor_command))
app.command("recipe")(recipe_command)
app.add_typer(models_app, name="models")


@app.command("info")
@with_options
def info_command(
    path: Annotated[Path, typer.Argument(help="A slide, spots, a model folder or a prediction")],
    as_json: Json = False,
) -> None:
    """Describe a slide, spots, a model folder or a prediction."""
    about(model_folder(str(path))).show(as_json)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    0 when it succeeded; 2, with one sentence on stderr, when the person can put it right;
    130 after Ctrl-C. What disk and memory refuse where nobody expected it is said in a sentence
    too, its traceback kept in a log. A bug of ours is not dressed up: its traceback is shown, and
    1 returned by Python.
    """
    wait_asleep()  # before torch is loaded
    stay_offline()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without "µ" is no reason to fail
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # of other packages; the person can't put them right
    logging.getLogger().addHandler(_SILENT)
    given = list(sys.argv[1:] if arguments is None else arguments)
    with INTERRUPTS, threads_logged():
        try:
            result = app(given or ["--help"], prog_name="napari-mclstexp", standalone_mode=False)
        except UserError as error:
            # An interrupt inside a library may have come out of it as another error.
            return _fail(str(error)) if INTERRUPTS.received is None else _cancelled()
        except _UsageError as error:
            return _fail(_usage(error))
        except BrokenPipeError:  # whoever reads our answer has had enough of it
            sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115, PTH123 - until the end
            return _CLOSED_PIPE
        except (OSError, MemoryError, RecursionError) as error:
            if INTERRUPTS.received is not None:
                return _cancelled()
            return _fail(last_words(error))
        except BaseException as error:
            # An interrupt inside the import of a compiled module comes out as another exception.
            if INTERRUPTS.received is None and not isinstance(error, Cancelled):
                raise
            return _cancelled(getattr(error, "kept", ""))
    if INTERRUPTS.received is not None:
        return _cancelled()
    return int(result or 0)


def _fail(sentence: str) -> int:
    print(" ".join(sentence.split()), file=sys.stderr)
    return 2


def _usage(error: Exception) -> str:
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "napari-mclstexp"
    message = error.format_message() if hasattr(error, "format_message") else str(error)
    return f"{message.rstrip('.')}; see {command} --help."


def _cancelled(kept: str = "") -> int:
    print(f"Cancelled; {kept or 'nothing unfinished was left behind.'}", file=sys.stderr)
    return 128 + (INTERRUPTS.received or 2)


if __name__ == "__main__":
    sys.exit(main())
