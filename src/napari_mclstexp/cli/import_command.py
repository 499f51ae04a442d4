"""The command import-checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import SettingsError
from ..options import Option
from ..training.settings import Cohort, ModelOut
from .answers import Report, about_model
from .shell_options import Device, Json

if TYPE_CHECKING:
    from ..training.import_reference import KeyTable


def import_checkpoint_command(
    file: Annotated[Path, typer.Argument(help="State dict of the authors' code (.pt, .pth)")],
    cohort: Cohort,
    genes: Annotated[Path, Option("The checkpoint's genes, one per line, in training order")],
    out: ModelOut,
    name: Annotated[str, Option("Name of the model; if not given, the file's")] = "",
    patch_px: Annotated[
        int, Option("Side of the checkpoint's patches, in pixels", low=8, most=4096)
    ] = 224,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Convert a checkpoint of the authors' code to a model folder; nothing in it is executed."""
    from ..cohort.gene_selection import read_gene_list
    from ..cohort.table import cohort_files
    from ..model.folder import check_target
    from .long_work import long_work

    inputs = {"FILE": file, "--genes": genes, **cohort_files(cohort)}
    check_target(out, inputs)
    listed = read_gene_list(genes)
    if not listed:
        raise SettingsError(f"The gene list {genes} is empty; give one gene a line.")
    from ..cohort.load import load_cohort
    from ..model import save_model
    from ..training.import_reference import CheckpointError, import_checkpoint

    try:
        with long_work() as (_, cancel):
            model, table = import_checkpoint(
                file,
                load_cohort(cohort),
                listed,
                name=name,
                patch_px=patch_px,
                device=device,
                cancel=cancel,
            )
    except CheckpointError as error:
        _as_report(error.table).show(as_json)
        raise
    save_model(model, out)
    said, told = _as_report(table), about_model(model.config, out)
    Report((*said.lines, *told.lines), {**told.document, **said.document}).show(as_json)


def _as_report(table: KeyTable) -> Report:
    names = ("tensor", "in_file", "needed", "verdict")
    rows = [dict(zip(names, row, strict=True)) for row in table.rows]
    return Report((table.as_table(),), {"tensors": rows})
