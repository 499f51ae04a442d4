"""Small data sets with files called as the public ones are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image


def write_section(image: Path, counts: Path, spots: Path, seed: int) -> None:
    """Twenty-five legacy ST spots with four genes on a small picture."""
    for path in (image, counts, spots):
        path.parent.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    Image.fromarray(random.integers(0, 255, (600, 600, 3), dtype=np.uint8)).save(image)
    grid = [(x, y) for x in range(1, 6) for y in range(1, 6)]
    table = pd.DataFrame({"x": [x for x, _ in grid], "y": [y for _, y in grid]})
    table["pixel_x"], table["pixel_y"], table["selected"] = table.x * 100, table.y * 100, 1
    table.to_csv(spots, sep="\t", index=False)
    values = random.poisson(20, (25, 4))
    names = [f"{x}x{y}" for x, y in grid]
    pd.DataFrame(values, index=names, columns=["A", "B", "C", "D"]).to_csv(counts, sep="\t")


LAYOUTS = {
    "as packed": ("images/{s}/HE.jpg", "counts", "spotfiles"),
    "as in the repository": ("data/ST-imgs/{p}/{s}/HE.jpg", "data/ST-cnts", "data/ST-spotfiles"),
    "as on Zenodo": ("images/HE/{s}.jpg", "count-matrices", "spot-selections"),
}


def her2st(folder: Path, layout: str) -> Path:
    """Write two sections as her2st comes in one of its layouts."""
    images, counts, spots = LAYOUTS[layout]
    for seed, section in enumerate(("A1", "B2")):
        write_section(
            folder / images.format(s=section, p=section[0]),
            folder / counts / f"{section}.tsv.gz",
            folder / spots / f"{section}_selection.tsv",
            seed,
        )
    return folder
