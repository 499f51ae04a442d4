"""The command similar."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from ..errors import SettingsError
from ..options import Option
from .answers import Report
from .result_file import check_out_csv, read_result
from .shell_options import Json

Sources = Annotated[
    list[Path],
    typer.Argument(
        metavar="IN.h5ad...",
        help="Predictions of one model; the place is on the first, all of them are searched",
    ),
]


def similar_command(
    sources: Sources,
    out: Annotated[Path, Option("CSV file with a row for each place, the most similar first")],
    spot: Annotated[str | None, Option("Name of the spot that others are compared with")] = None,
    geojson: Annotated[
        Path | None, Option("GeoJSON file of regions, from QuPath or from this program")
    ] = None,
    region: Annotated[
        str | None, Option("Name of the region in it that others are compared with")
    ] = None,
    by: Annotated[
        Literal["image", "expression"],
        Option("image: features of the tissue's looks; expression: all genes alike"),
    ] = "image",
    most: Annotated[
        int,
        Option("Places to list of each slide; 0 for all spots", low=0, most=10**9, flag="--top"),
    ] = 20,
    apart: Annotated[
        float, Option("Least distance between places of one slide", low=0, most=10**9, unit="µm")
    ] = 0.0,
    as_json: Json = False,
) -> None:
    """Find the places on slides that are most like a spot or a region."""
    import numpy as np

    from ..analysis.region_statistics import spots_in
    from ..analysis.similar_places import find_similar, slide_places
    from ..export.geojson import read_geojson
    from ..export.spot_table import write_table

    if (spot is None) == (region is None) or (region is None) != (geojson is None):
        raise SettingsError(
            "Say what others are compared with: either --spot with its name, or --geojson with a "
            "file and --region with a name in it."
        )
    inputs = {f"IN.h5ad {number}": path for number, path in enumerate(sources, start=1)}
    check_out_csv("--out", out, inputs | ({"--geojson": geojson} if geojson is not None else {}))
    slides = [slide_places(read_result(path), by, path.stem) for path in sources]
    first = slides[0]
    if region is None or geojson is None:
        if spot not in first.spots:
            raise SettingsError(f"There is no spot {spot} in {sources[0]}.")
        chosen, what = np.array([each == spot for each in first.spots]), f"spot {spot}"
    else:
        every = {each.name: each for tree in read_geojson(geojson) for each in tree.walk()}
        if region not in every:
            raise SettingsError(f"There is no region {region}; there are {', '.join(every)}.")
        chosen, what = spots_in(every[region], first.xy), region
        if not chosen.any():
            raise SettingsError(f"No spot of {sources[0]} is in the region {region}.")
    if apart and (unknown := [each.name for each in slides if not each.um_per_px]):
        raise SettingsError(f"{unknown[0]} does not say µm per pixel; leave out --apart.")
    table = find_similar(slides, chosen, most=most or None, apart_um=apart).table()
    write_table(table, out)
    lines = (
        f"Places like {what} ({int(chosen.sum()):,} spots of {first.name}) by {by}",
        table.head(20).round({"x": 0, "y": 0, "similarity": 3}).to_string(index=False),
        str(out),
    )
    document = {
        "kind": "similar places",
        "path": str(out),
        "rows": len(table),
        "spots": int(chosen.sum()),
        "by": by,
    }
    Report(lines, document).show(as_json)
