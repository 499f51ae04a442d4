"""Every command on a finished result of many bins: its time, its memory, its growth.

Each is the real command in a process of its own, on the bins of `made_bins`; memory is told beside
the size of the file that is read.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from findings import Finding, exponent, found
from made_bins import PITCH_PX, write_bins
from measured_process import run_apart, run_command
from shapely import Point

from napari_mclstexp.analysis.region import region_of
from napari_mclstexp.export.geojson import write_geojson

WORK = ("geojson", "csv", "h5ad", "zarr", "signature", "regions", "compare")


def given_to(what: str, folder: Path) -> list[str | Path]:
    """Return the command that does something with the bins in a folder."""
    source, regions = folder / "bins.h5ad", folder / "drawn.geojson"
    if what in ("geojson", "csv", "h5ad", "zarr"):
        return ["export", source, "--to", what, "--out", folder / f"out.{what}"]
    if what == "signature":
        genes = "GENE1,GENE5,GENE7,GENE20"
        return ["signature", source, "--genes", genes, "--out", folder / "out.h5ad"]
    more = ["--compare", "left,rest"] if what == "compare" else []
    return ["regions", source, "--geojson", regions, "--out", folder / "out.csv", *more]


def main() -> None:
    """Print a row for each kind of work and number of spots."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spots", type=int, nargs="+", default=[100_000, 700_000])
    parser.add_argument("--genes", type=int, default=100)
    parser.add_argument("--work", choices=WORK, nargs="+", default=WORK)
    asked = parser.parse_args()
    seconds: dict[str, list[float]] = {each: [] for each in asked.work}
    for spots in asked.spots:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            run_apart(write_bins, folder / "bins.h5ad", spots, asked.genes)
            side = spots**0.5 * PITCH_PX
            left = Point(side / 3, side / 2).buffer(side / 4)
            right = Point(side * 0.7, side / 2).buffer(side / 4)
            drawn = [region_of(left, "left"), region_of(right, "right")]
            write_geojson(drawn, folder / "drawn.geojson")
            size = (folder / "bins.h5ad").stat().st_size / 1e9
            for each in asked.work:
                ran = run_command(*given_to(each, folder))
                seconds[each].append(ran.seconds)
                question = f"Commands on a finished result of {asked.genes} genes"
                said = f"{ran.processor_s:.1f} s of processors"
                found(Finding(question, each, ran.seconds, "s", said, spots))
                said = f"a file of {size:.2f} GB"
                found(Finding(f"{question}: memory", each, ran.peak_gb, "GB", said, spots))
    if len(asked.spots) > 1:
        for each, taken in seconds.items():
            print(f"{each}: time grows as n^{exponent(asked.spots, taken):.2f}")


if __name__ == "__main__":
    main()
