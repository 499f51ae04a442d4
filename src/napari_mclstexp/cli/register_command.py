"""The command register."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..errors import OutputError, SettingsError
from ..files import check_writable, refuse_overwriting
from ..options import Option
from .answers import Report
from .result_file import read_result
from .shell_options import Json

Points = Annotated[
    Path,
    typer.Argument(
        metavar="POINTS.csv",
        help="Pairs of landmarks: columns x, y, onto_x and onto_y in px of the two slides",
    ),
]


def register_command(
    points: Points,
    slide: Annotated[Path, Option("The slide of x and y")],
    onto: Annotated[Path, Option("The slide of onto_x and onto_y: another section, or a rescan")],
    out: Annotated[
        Path, Option("File to write: .geojson for --regions, .h5ad for --spots, else .csv")
    ],
    regions: Annotated[
        Path | None, Option("GeoJSON file of regions on the first slide, to bring across")
    ] = None,
    spots: Annotated[
        Path | None, Option(".h5ad file of spots on the first slide, to bring across")
    ] = None,
    um_per_px: Annotated[
        float | None,
        Option("Pixel size of the first slide, if not in its file", above=0, most=1000, unit="µm"),
    ] = None,
    onto_um_per_px: Annotated[
        float | None,
        Option("Pixel size of the second slide, if not in its file", above=0, most=1000, unit="µm"),
    ] = None,
    as_json: Json = False,
) -> None:
    """Fit one slide onto another by landmarks, and bring regions or spots across."""
    import numpy as np

    from ..analysis import registration as r
    from ..export.annotated_anndata import write_annotated
    from ..export.geojson import read_geojson, write_geojson
    from ..export.spot_table import write_table
    from ..slides import open_slide

    if regions is not None and spots is not None:
        raise SettingsError("Bring regions or spots across, one at a time; leave out one of them.")
    ending = ".geojson" if regions is not None else ".h5ad" if spots is not None else ".csv"
    if out.suffix != ending:
        raise SettingsError(f"--out {out} must be the name of a {ending} file; add this ending.")
    if out.is_dir():
        raise OutputError(f"--out {out} is a folder; give the name of a {ending} file.")
    inputs = {"POINTS.csv": points, "--slide": slide, "--onto": onto}
    refuse_overwriting(out, inputs | {"--regions": regions, "--spots": spots})
    check_writable(out)
    pairs = r.read_landmarks(points)
    scales: list[float | None] = []
    with open_slide(onto) as second:
        within = (second.width, second.height)
        for path, given in ((slide, um_per_px), (onto, onto_um_per_px)):
            with open_slide(path) as opened:
                scales.append(given or opened.um_per_px)
    found = r.register(pairs, *scales)
    table = r.landmark_table(pairs, found)
    moved = 0
    if regions is not None:
        across = r.regions_across(read_geojson(regions), found, within)
        write_geojson(across, out)
        moved, what = len(across), "regions"
    elif spots is not None:
        carried = r.spots_across(read_result(spots), found, within)
        write_annotated(carried, out)
        moved, what = carried.n_obs, "spots"
    else:
        write_table(table, out)
        what = "pairs"
    known = found.left_out_um[np.isfinite(found.left_out_um)]
    worst = f", up to {known.max():.1f} µm where a pair is left out" if len(known) else ""
    mirrored = ", mirrored" if found.flips else ""
    lines = (
        table.round(1).to_string(index=False),
        f"{len(pairs)} pairs: turned by {found.degrees:.1f}°, scale {found.scale:.4f}{mirrored}; "
        + (
            f"residuals {found.rms_um:.1f} µm (root mean square){worst}"
            if len(pairs) > r.FEWEST
            else "three pairs always fit, so there are no residuals"
        ),
        f"{out}" if what == "pairs" else f"{moved:,} {what} on {onto.name}: {out}",
    )
    document = {
        "kind": "registration",
        "path": str(out),
        "pairs": len(pairs),
        "matrix": found.matrix.tolist(),
        "degrees": round(found.degrees, 4),
        "scale": round(found.scale, 6),
        "mirrored": found.flips,
        "rms_um": round(found.rms_um, 4) if len(pairs) > r.FEWEST else None,
        "residuals_um": np.round(found.residuals_um, 4).tolist(),
        "left_out_um": [round(v, 4) if np.isfinite(v) else None for v in found.left_out_um],
        "moved": moved,
    }
    Report(lines, document).show(as_json)
