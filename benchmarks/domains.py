"""Domains on the measured expression of her2st B1, C1 and D1, beside the pathologist's labels.

PCA and k-means with as many domains as labels; spots without a label, or labelled "undetermined",
are left out. The last row of each section uses the setting that is most stable between two halves
of the counts (binomial thinning), which is chosen without looking at any label. `--model MODEL`,
one with a linear head such as that of `models build her2st`, adds rows on its programs: these
sections have no pictures here, so the programs are read from the measured expression, by the genes'
loadings. Needs ../shared/data; says so without it.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from anndata import AnnData
from scipy import sparse
from sklearn.metrics import adjusted_rand_score

from napari_mclstexp.analysis.domains import (
    UNLABELLED,
    DomainSettings,
    agreement,
    find_domains,
)
from napari_mclstexp.analysis.expression import expression_of
from napari_mclstexp.model import load_model
from napari_mclstexp.model.linear_head import section_targets
from napari_mclstexp.model.normalisation import measured_expression
from napari_mclstexp.model.trained_model import Model
from napari_mclstexp.spots.readers.choose import read_spots

HER2ST = Path(__file__).resolve().parents[2] / "shared" / "data" / "her2st"
PUBLISHED = {"B1": (0.162, 0.356), "C1": (0.134, 0.152), "D1": (0.226, 0.207)}
GRID = {
    "components": (10, 15, 30),
    "genes": (0, 1000),
    "smoothing": (0.0, 0.4, 0.7),
    "rounds": (1, 3, 5),
}


def labelled(section: str) -> AnnData:
    """Counts of a section with the pathologist's labels, where there are any."""
    spots = read_spots(
        HER2ST / "spotfiles" / f"{section}_selection.tsv",
        next((HER2ST / "counts").glob(f"{section}.tsv*")),
    )
    table = pd.read_csv(HER2ST / "labels" / f"{section}_labeled_coordinates.tsv", sep="\t")
    table = table.dropna(subset=["x", "y"])
    names = [f"{round(x)}x{round(y)}" for x, y in zip(table["x"], table["y"], strict=True)]
    label = dict(zip(names, table["label"].astype(str), strict=True))
    spots.obs["label"] = [label.get(name, "") for name in spots.obs_names]
    return spots[~spots.obs["label"].isin(UNLABELLED)].copy()


def stability(spots: AnnData, settings: DomainSettings, repeats: int = 3) -> float:
    """ARI of the domains found in two halves of the counts."""
    random = np.random.default_rng(0)
    counts = np.asarray(sparse.csr_matrix(spots.X).toarray()).astype(int)
    xy = np.asarray(spots.obsm["spatial"])
    scores = []
    for _ in range(repeats):
        half = random.binomial(counts, 0.5)
        found = [
            find_domains(expression_of(AnnData(each.astype(np.float32))), xy, settings).labels
            for each in (half, counts - half)
        ]
        scores.append(adjusted_rand_score(*found))
    return float(np.mean(scores))


def measured_programs(spots: AnnData, model: Model) -> np.ndarray:
    """(n, R) programs of a model as far as they are in the measured expression."""
    genes = [gene for gene in model.config.genes if gene in spots.var_names]
    columns = [model.config.genes.index(gene) for gene in genes]
    values = measured_expression(spots, genes, model.config.normalisation)
    relative = section_targets(values, np.repeat("one", len(values)))
    return relative @ model.linear.head.loadings[:, columns].T


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, help="a model with a linear head")
    asked = parser.parse_args()
    model = load_model(asked.model) if asked.model else None
    if not HER2ST.is_dir():
        print(f"{HER2ST} is not there, so domains were not measured.")
        return 0
    print(f"{'section':8} {'setting':52} {'ARI':>6} {'NMI':>6}   published ARI, NMI")
    for section, published in PUBLISHED.items():
        spots = labelled(section)
        truth = spots.obs["label"].to_numpy(dtype=str)
        plain = DomainSettings(k=len(set(truth)))
        tell(section, "PCA 15, k-means", spots, plain, truth, published)
        if model is not None:
            programs = measured_programs(spots, model)
            for smoothing, rounds in ((0.0, 1), (0.7, 3)):
                settings = replace(plain, features="programs", smoothing=smoothing, rounds=rounds)
                said = f"{programs.shape[1]} programs, smoothing {smoothing} x {rounds}"
                tell(section, said, spots, settings, truth, published, programs)
                settings = replace(settings, features="components")
                said = f"PCA 15, smoothing {smoothing} x {rounds}"
                tell(section, said, spots, settings, truth, published)
        grid = [
            replace(plain, **dict(zip(GRID, values, strict=True)))
            for values in itertools.product(*GRID.values())
            if values[2] or values[3] == 1
        ]
        best = max(grid, key=lambda each: stability(spots, each))
        said = (
            f"most stable: PCA {best.components}, {best.genes or 'all'} genes, "
            f"smoothing {best.smoothing} x {best.rounds}"
        )
        tell(section, said, spots, best, truth, published)
    return 0


def tell(
    section: str,
    name: str,
    spots: AnnData,
    settings: DomainSettings,
    truth: np.ndarray,
    published: tuple[float, float],
    programs: np.ndarray | None = None,
) -> None:
    """Print one row."""
    xy = np.asarray(spots.obsm["spatial"])
    found = find_domains(expression_of(spots), xy, settings, programs=programs)
    ari, nmi, _ = agreement(found.labels, truth)
    print(f"{section:8} {name:52} {ari:6.3f} {nmi:6.3f}   {published[0]:.3f}, {published[1]:.3f}")


if __name__ == "__main__":
    sys.exit(main())
