"""The commands models list, fetch, add and build: weights, data and models by name."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from ..errors import SettingsError
from ..options import Option
from ..training.settings import Genes
from .answers import Report
from .model_options import ModelOptions, takes_model_options
from .shell_options import Device, Json, with_options

models_app = typer.Typer(
    help="List, fetch, add and build encoder weights, public data sets and models.",
    pretty_exceptions_enable=False,
)


def list_command(as_json: Json = False) -> None:
    """List what can be had by name, and what of it is on this machine."""
    from ..library.catalogue import read_catalogue
    from ..library.shelf import user_shelf
    from .shelf_answers import about_shelf

    about_shelf(read_catalogue(), user_shelf()).show(as_json)


def fetch_command(
    name: Annotated[
        str, typer.Argument(help="A name from the list; a model's: all that it is built from")
    ],
    yes: Annotated[bool, Option("Use the network without asking")] = False,
    as_json: Json = False,
) -> None:
    """Fetch weights or a data set over the network: the only command that uses it."""
    from ..library.catalogue import read_catalogue
    from ..library.fetch import fetch, offer
    from ..library.shelf import user_shelf
    from ..training.built_models import BUILT, needed_for
    from .long_work import long_work

    catalogue, shelf = read_catalogue(), user_shelf()
    built = BUILT.get(name)
    entries = (catalogue.find(name),) if built is None else needed_for(built, catalogue)
    wanted = [each for each in entries if each.wanted and not shelf.held(each).complete]
    if wanted and not yes:
        offered = [offer(each, shelf) for each in wanted]
        if not sys.stdin.isatty():
            raise SettingsError(
                f"This uses the network ({'; and '.join(offered)}); to agree, add --yes."
            )
        print("\n".join(offered), file=sys.stderr)
        if not typer.confirm("Use the network for this?", err=True):
            print("Nothing was fetched.", file=sys.stderr)
            return
    with long_work() as (progress, cancel):
        paths = [fetch(each, shelf, progress=progress, cancel=cancel) for each in entries]
    lines = [
        f"{entry.name} ({entry.title}; {entry.source}; licence: {entry.licence}) is in {path}, "
        "verified by checksum"
        for entry, path in zip(entries, paths, strict=True)
    ]
    there = [
        {**entry.model_dump(include={"kind", "name", "source", "licence"}), "path": str(path)}
        for entry, path in zip(entries, paths, strict=True)
    ]
    Report(tuple(lines), {"kind": "fetched", "name": name, "fetched": there}).show(as_json)


def add_command(
    path: Annotated[
        Path, typer.Argument(help="A model folder, a file of weights, or the folder of a data set")
    ],
    name: Annotated[
        str | None,
        Option(
            "The encoder whose weights a file holds, if the list does not know it by its checksum; "
            "or what a model shall be called",
            flag="--as",
            metavar="NAME",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Copy a model, weights or a data set that you have to where this program finds it."""
    from ..library.catalogue import read_catalogue
    from ..library.shelf import user_shelf
    from ..model.shelving import add_to_shelf

    added = add_to_shelf(path, user_shelf(), read_catalogue(), name)
    what = {"model": "the model", "encoder": "weights of", "dataset": "the data set"}[added.kind]
    Report(
        (f"Recognised as {what} {added.name}; copied to {added.path}",),
        {"kind": added.kind, "name": added.name, "path": str(added.path)},
    ).show(as_json)


@takes_model_options
def build_command(
    name: Annotated[Literal["her2st"], typer.Argument(help="The model")],
    options: ModelOptions,
    data: Annotated[
        Path | None,
        Option("Folder to which the data were downloaded; if not given, what was fetched or added"),
    ] = None,
    out: Annotated[
        Path | None, Option("Model folder; if not given, where Predict lists it")
    ] = None,
    genes: Genes = None,
    resume: Annotated[
        bool,
        Option("Resume an interrupted training; with this, Ctrl-C keeps what is needed to resume"),
    ] = False,
    device: Device = "auto",
    events: Annotated[
        Path | None, Option("File to which progress is written, one JSON object per line")
    ] = None,
    as_json: Json = False,
) -> None:
    """Build a model of real tissue from a public data set."""
    from ..library.catalogue import read_catalogue
    from ..library.shelf import user_shelf
    from ..training.built_models import BUILT, prepare_build
    from .train_job import train_job

    chosen = options.chosen()
    # A bare flag that was not given says no; the built model says yes.
    chosen["freeze_encoder"] = chosen["freeze_encoder"] or (
        None if chosen["tune"] is None else False
    )
    job, tables = prepare_build(
        *(BUILT[name], user_shelf(), read_catalogue()),
        data=data,
        out=out,
        genes=genes,
        chosen=chosen,
        device=device,
        resume=resume,
    )
    report = train_job(job, events)
    if not as_json:
        print("\n".join(tables.sentences))
    report.show(as_json)


models_app.command("list")(with_options(list_command))
models_app.command("fetch")(with_options(fetch_command))
models_app.command("add")(with_options(add_command))
models_app.command("build")(build_command)
