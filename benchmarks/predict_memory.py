"""Peak memory of predicting on a large pyramid: 5,000 spots of 60,000 x 60,000 px, or a grid.

The slide is written to a temporary folder a tile at a time, as OME-TIFF (our own reader) and as
plain tiled TIFF (OpenSlide); a process of its own predicts, and the kernel says how much memory
it held at most. `--side 100000 --grid 88` is a grid of 50,000 spots.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import h5py
import imagecodecs
import numpy as np
import tifffile
from findings import Finding, found
from numpy.typing import NDArray

TILE = 512
UM_PER_PX = 0.25
N_SPOTS = 5_000
LIMIT_GB = 2.5
KINDS = ("ome.tif", "tif")


def tissue_tile(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Pink with dark round nuclei: compresses as badly as tissue does."""
    y, x = np.mgrid[:TILE, :TILE]
    tile = np.full((TILE, TILE, 3), (222, 160, 196), dtype=np.float32)
    for cy, cx, radius in rng.uniform((0, 0, 8), (TILE, TILE, 18), (60, 3)):
        tile[(y - cy) ** 2 + (x - cx) ** 2 < radius**2] = (92, 60, 140)
    return (tile + rng.normal(0, 9, tile.shape)).clip(0, 255).astype(np.uint8)


def write_pyramid(path: Path, side: int = 60_000, glass: float = 0.0) -> None:
    """Write levels of side, side / 4 and side / 16 px out of a few tiles, repeated.

    A margin of this share of the side is white glass.
    """
    rng = np.random.default_rng(0)

    def encoded(tile: NDArray[np.uint8]) -> bytes:
        return imagecodecs.jpeg_encode(
            tile, level=75, colorspace="RGB", outcolorspace="YCBCR", subsampling="420"
        )

    tiles = [encoded(tissue_tile(rng)) for _ in range(8)]
    white = encoded(np.full((TILE, TILE, 3), 255, dtype=np.uint8))

    def repeated(length: int) -> Iterator[bytes]:
        n = -(-length // TILE)
        for index in range(n**2):
            row, col = divmod(index, n)
            margin = (min(row, col, n - 1 - row, n - 1 - col) + 0.5) / n
            yield white if margin < glass else tiles[index * 5 % len(tiles)]

    ome = path.name.endswith("ome.tif")
    scale = (10_000 / UM_PER_PX,) * 2
    with tifffile.TiffWriter(path, bigtiff=True, ome=ome) as tiff:
        for level, length in enumerate((side, side // 4, side // 16)):
            tiff.write(
                repeated(length),
                shape=(length, length, 3),
                dtype=np.uint8,
                photometric="ycbcr",
                subsampling=(2, 2),
                tile=(TILE, TILE),
                compression="jpeg",
                subfiletype=int(level > 0),
                subifds=2 if ome and level == 0 else None,
                resolution=tuple(each / 4**level for each in scale),
                resolutionunit="CENTIMETER",
                metadata={"PhysicalSizeX": UM_PER_PX, "PhysicalSizeY": UM_PER_PX}
                if ome and level == 0
                else None,
            )


def write_spots(path: Path, side: int) -> None:
    """Write spots all over the slide, so that no two share a tile that is still in memory."""
    xy = np.random.default_rng(1).uniform(500, side - 500, (N_SPOTS, 2))
    np.savetxt(path, xy, delimiter=",", header="x,y", comments="", fmt="%.1f")


def predict(slide: Path, places: list[str], model: str) -> tuple[float, float]:
    """Predict in a process of its own; return its peak resident memory in GB, and seconds."""
    program = Path(sys.executable).parent / "napari-mclstexp"
    inputs = ["--slide", slide, *places, "--model", model]
    start = time.perf_counter()
    process = subprocess.Popen([program, "predict", *inputs, "--out", slide.parent / "out.h5ad"])
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(process.returncode)
    unit = 1 if sys.platform == "darwin" else 1024
    return usage.ru_maxrss * unit / 1e9, time.perf_counter() - start


def number_of_spots(path: Path) -> int:
    with h5py.File(path) as file:
        return int(file["X"].shape[0])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="demo", help="a model folder; the demo model if not")
    parser.add_argument("--kind", choices=KINDS, action="append", help="both if not given")
    parser.add_argument("--side", type=int, default=60_000, help="of the slide, in px")
    parser.add_argument("--grid", help="µm between spots all over the slide, in place of 5,000")
    parser.add_argument("--glass", type=float, default=1 / 8, help="margin of the slide, a share")
    arguments = parser.parse_args()
    side = arguments.side
    highest = 0.0
    for kind in arguments.kind or KINDS:
        with tempfile.TemporaryDirectory() as folder:
            slide, spots = Path(folder, f"large.{kind}"), Path(folder, "spots.csv")
            write_pyramid(slide, side, arguments.glass)
            write_spots(spots, side)
            places = ["--grid", arguments.grid] if arguments.grid else ["--spots", str(spots)]
            size = slide.stat().st_size / 1e9
            peak, seconds = predict(slide, places, arguments.model)
            spots_done = number_of_spots(slide.parent / "out.h5ad")
        case = f"{kind} of {side:,} px, {spots_done:,} spots"
        against = f"in {seconds:.0f} s; the file has {size:.2f} GB"
        found(Finding("Peak memory of predict", case, peak, "GB", against))
        highest = max(highest, peak)
    if highest >= LIMIT_GB:
        print(f"More than {LIMIT_GB} GB were needed.", file=sys.stderr)
    return int(highest >= LIMIT_GB)


if __name__ == "__main__":
    sys.exit(main())
