"""Bins with predicted expression, as many as wanted: what the benchmarks of large results read."""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import pandas as pd

PITCH_PX = 32
UM_PER_PX = 0.25


def write_bins(path: Path, spots: int, genes: int) -> None:
    """Write a square of bins of 8 µm with a continuum of expression that has eight bumps.

    The domain of each is the bump that is nearest, with noisy borders.
    """
    random = np.random.default_rng(0)
    side = int(np.ceil(np.sqrt(spots)))
    xy = np.column_stack(np.divmod(np.arange(spots), side)).astype(float)
    centres = random.uniform(0, side, (8, 2))
    bumps = np.stack([np.exp(-((xy - c) ** 2).sum(1) / side**2 * 12) for c in centres], axis=1)
    loads = random.normal(size=(8, genes)).astype(np.float32)
    expression = bumps.astype(np.float32) @ loads
    for rows in np.array_split(np.arange(spots), max(1, spots // 10_000)):
        noise = random.standard_normal((len(rows), genes), dtype=np.float32)
        expression[rows] += np.float32(0.5) * noise
    noisy = xy + random.normal(0, side / 400, xy.shape)
    domain = np.zeros(spots, dtype=int)
    nearest = np.full(spots, np.inf)
    for i, centre in enumerate(centres, 1):
        away = ((noisy - centre) ** 2).sum(1)
        domain[away < nearest] = i
        nearest = np.minimum(nearest, away)
    anndata.AnnData(
        expression,
        obs=pd.DataFrame(
            {
                "domain": pd.Categorical(domain.astype(str)),
                "similarity": random.uniform(0, 1, spots).astype(np.float32),
            },
            index=[f"s_008um_{y:05d}_{x:05d}-1" for x, y in xy.astype(int)],
        ),
        var=pd.DataFrame(index=[f"GENE{i}" for i in range(genes)]),
        uns={"mclstexp": {"um_per_px": UM_PER_PX}},
        obsm={"spatial": (xy + 0.5) * PITCH_PX},
    ).write_h5ad(path)
