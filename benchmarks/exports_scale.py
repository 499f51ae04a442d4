"""How long exports of many spots take, and their memory beyond what is read.

A grid of bins with predicted expression, its ends of the interval, and domains with noisy borders,
written by a seed; every export is the real command in a process of its own.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
from measured_process import run_command

FORMATS = ("geojson", "csv")


def write_bins(path: Path, spots: int, genes: int) -> None:
    """Write a square of bins of 8 µm, 32 px apart."""
    random = np.random.default_rng(0)
    side = int(np.ceil(np.sqrt(spots)))
    xy = np.column_stack(np.divmod(np.arange(spots), side)).astype(float)
    noisy = xy + random.normal(0, side / 400, xy.shape)
    centres = random.uniform(0, side, (8, 2))
    domain = ((noisy[:, None] - centres) ** 2).sum(-1).argmin(1) + 1
    values = random.gamma(2.0, size=(spots, genes)).astype(np.float32)
    anndata.AnnData(
        values,
        obs=pd.DataFrame(
            {
                "domain": pd.Categorical(domain.astype(str)),
                "similarity": random.uniform(0, 1, spots).astype(np.float32),
            },
            index=[f"s_008um_{y:05d}_{x:05d}-1" for x, y in xy.astype(int)],
        ),
        var=pd.DataFrame(index=[f"GENE{i}" for i in range(genes)]),
        obsm={"spatial": xy * 32 + 16},
    ).write_h5ad(path)


def main() -> None:
    """Print a row for each number of spots and format."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spots", type=int, nargs="+", default=[100_000, 700_000])
    parser.add_argument("--genes", type=int, default=100)
    parser.add_argument("--to", choices=FORMATS, nargs="+", default=FORMATS)
    given = parser.parse_args()
    for spots in given.spots:
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder, "bins.h5ad")
            write_bins(source, spots, given.genes)
            size = source.stat().st_size / 1e9
            for each in given.to:
                out = Path(folder, f"out.{each}")
                seconds, peak = run_command("export", source, "--to", each, "--out", out)
                written = out.stat().st_size / 1e9
                print(
                    f"{spots:,} spots x {given.genes} genes ({size:.2f} GB) to {each} "
                    f"({written:.2f} GB): {seconds:.1f} s, peak {peak:.2f} GB",
                    flush=True,
                )
                out.unlink()


if __name__ == "__main__":
    main()
