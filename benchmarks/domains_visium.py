"""`domains` on a Visium section as any other program leaves it: raw counts of all genes, sparse.

5,000 spots of 30,000 genes by a seed, with eight tissues; the real command, a process of its own,
finds domains and their marker genes. Says how long it took and what memory it needed at most.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
from findings import Finding, found
from measured_process import run_apart, run_command
from scipy import sparse

COUNTS = 8_000  # of a spot, in the middle
TISSUES = 8


def write_section(path: Path, spots: int, genes: int) -> None:
    """Write counts whose genes are as unequal as those of tissue are."""
    random = np.random.default_rng(0)
    rows = int(np.ceil(np.sqrt(spots)))
    place = np.arange(spots)
    xy = np.column_stack([place % rows + 0.5 * (place // rows % 2), place // rows * 0.75**0.5])
    centres = random.uniform(0, rows, (TISSUES, 2))
    tissue = ((xy[:, None] - centres) ** 2).sum(-1).argmin(1)
    base = random.normal(0, 2.2, genes)
    level = np.exp(base + random.normal(0, 0.6, (TISSUES, genes)))
    upto = np.cumsum(level / level.sum(1, keepdims=True), axis=1)
    parts = []
    for each, total in zip(tissue, random.lognormal(np.log(COUNTS), 0.4, spots), strict=True):
        drawn = np.searchsorted(upto[each], random.uniform(0, upto[each, -1], int(total)))
        parts.append(np.unique(drawn, return_counts=True))
    counts = sparse.csr_matrix(
        (
            np.concatenate([count for _, count in parts]).astype(np.float32),
            np.concatenate([gene for gene, _ in parts]),
            np.cumsum([0, *(len(gene) for gene, _ in parts)]),
        ),
        shape=(spots, genes),
    )
    anndata.AnnData(
        counts,
        obs=pd.DataFrame(
            {"tissue": pd.Categorical(tissue.astype(str))}, index=[f"spot{i}" for i in range(spots)]
        ),
        var=pd.DataFrame(index=[f"GENE{i}" for i in range(genes)]),
        obsm={"spatial": xy * 200},
    ).write_h5ad(path, compression="gzip")
    print(f"{spots:,} spots x {genes:,} genes, {counts.nnz / counts.shape[0]:,.0f} a spot not 0")


def main() -> None:
    """Print seconds and peak memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spots", type=int, default=5_000)
    parser.add_argument("--genes", type=int, default=30_000)
    parser.add_argument("--keep", type=Path, help="an h5ad file to write, or to read if there")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source = given.keep or Path(folder, "visium.h5ad")
        if not source.is_file():
            run_apart(write_section, source, given.spots, given.genes)
        out, markers = Path(folder, "domains.h5ad"), Path(folder, "markers.csv")
        ran = run_command("domains", source, "--out", out, "--markers", markers)
        obs = anndata.read_h5ad(out, backed="r").obs
        table = pd.crosstab(obs["tissue"], obs["domain"])
        what = f"{len(obs):,} spots x {given.genes:,} genes"
        right = f"{table.max(axis=1).sum():,} spots in their tissue's most frequent domain"
        said = f"{ran.processor_s:.1f} s of processors; {right}"
        found(Finding("Domains and markers of Visium counts", what, ran.seconds, "s", said))
        found(Finding("Domains and markers of Visium counts", "memory", ran.peak_gb, "GB"))


if __name__ == "__main__":
    main()
