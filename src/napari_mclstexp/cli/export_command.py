"""The command export."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from ..errors import OutputError, SettingsError
from ..files import check_folder, check_writable, refuse_overwriting
from ..options import Option
from .answers import SOME_GENES, Report
from .result_file import Source, opened_result, read_result
from .shell_options import Json

if TYPE_CHECKING:
    from anndata import AnnData

    from ..analysis.region import Region


def export_command(
    source: Source,
    to: Annotated[
        Literal["geojson", "spatialdata", "csv", "figure", "h5ad", "zarr"],
        Option("Format to write"),
    ],
    out: Annotated[Path, Option("The file to write (a folder for spatialdata and zarr)")],
    gene: Annotated[
        str | None,
        Option("The gene (or program, such as program_1) of a figure, or that a CSV is limited to"),
    ] = (None),
    column: Annotated[str, Option("Column of obs whose values become regions (geojson)")] = (
        "domain"
    ),
    as_json: Json = False,
) -> None:
    """Write a result for other programs: QuPath, scanpy, spatialdata, a spreadsheet, a figure."""
    from ..analysis.predicted_programs import programs_of
    from ..export import annotated_anndata, figure, geojson, spatialdata, spot_table

    refuse_overwriting(out, {"IN.h5ad": source})
    folders = {"spatialdata": spatialdata.KIND, "zarr": annotated_anndata.ZARR}
    if to in folders:
        check_folder(out, folders[to])
    elif out.is_dir():
        raise OutputError(f"--out {out} is a folder; give the name of a file.")
    check_writable(out)
    notes: list[str] = []
    if to in ("csv", "geojson"):
        with opened_result(source) as (data, expression):
            if to == "geojson":
                geojson.write_geojson(_regions(data, source, column), out)
            else:
                chosen = None if gene is None else [gene]
                spot_table.write_spot_table(data, out, chosen, expression)
                if chosen is None:
                    notes = [f"{p.key}: {p.sentence(SOME_GENES)}" for p in programs_of(data)]
    elif to in ("h5ad", "zarr"):
        as_zarr, as_h5ad = annotated_anndata.write_annotated_zarr, annotated_anndata.write_annotated
        (as_zarr if to == "zarr" else as_h5ad)(read_result(source), out)
    elif to == "spatialdata":
        spatialdata.write_spatialdata(read_result(source), out)
    elif gene is None:
        raise SettingsError("Say which gene the figure shall show (--gene).")
    else:
        figure.save_overlay(read_result(source), gene, out, style="points")
    document = {"kind": to, "path": str(out), "notes": notes}
    Report((str(out), *notes), document).show(as_json)


def _regions(data: AnnData, source: Path, column: str) -> tuple[Region, ...]:
    """Return the regions that the values of a column of obs make."""
    from ..analysis.region import domain_regions
    from ..spots.schema import has_positions, positions

    if column not in data.obs:
        raise SettingsError(
            f"{source} has no column {column}; run domains first, or give --column."
        )
    if not has_positions(data):
        raise SettingsError(f'{source} has no obsm["spatial"], so there is nowhere to draw.')
    return domain_regions(positions(data), data.obs[column].astype(str).to_numpy(dtype=str))
