"""Whether a prediction keeps the structure of the tissue, gene by gene scores aside."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from ..inference.correlation import correlation
from ..spots.geometry import neighbours

NEIGHBOURS = 6
GENES = 200  # the most expressed ones that vary in the measurement
COMPONENTS = 20


def structure_row(
    predicted: NDArray[np.float32],
    measured: NDArray[np.float32],
    xy: NDArray[np.float64],
    labels: NDArray[np.str_] | None,
    seed: int = 0,
) -> dict[str, float]:
    """Compare the structure of a prediction with that of the measurement, for one section.

    Parameters
    ----------
    predicted, measured
        (n, G) in the same unit.
    xy
        (n, 2) centres.
    labels
        (n,) true domains, "" where unknown, or None.
    seed
        Of k-means.

    Returns
    -------
    Mean Moran's I of the predicted and the measured genes and the correlation of both over genes;
    the correlation of their gene-gene correlations; ARI and NMI of k-means domains on the
    prediction's principal components against the labels.
    """
    varies = (np.ptp(measured, axis=0) > 0) & np.isfinite(predicted).all(axis=0)
    level = np.where(varies, measured.mean(axis=0), -np.inf)
    chosen = np.argsort(-level, kind="stable")[: min(GENES, int(varies.sum()))]
    p, m = predicted[:, chosen].astype(np.float64), measured[:, chosen].astype(np.float64)
    weights = neighbour_weights(xy)
    moran_p, moran_m = morans_i(p, weights), morans_i(m, weights)
    ari, nmi = domain_agreement(p, labels, seed)
    return {
        "moran_predicted": _mean(moran_p),
        "moran_measured": _mean(moran_m),
        "moran_correlation": _correlation(moran_p, moran_m),
        "gene_correlation": _correlation(_pairs(p), _pairs(m)),
        "ari": ari,
        "nmi": nmi,
    }


def neighbour_weights(xy: NDArray[np.float64]) -> sparse.csr_matrix:
    """Return (n, n) weights of each spot's six nearest neighbours, each row summing to 1."""
    near = neighbours(xy, NEIGHBOURS)
    n, k = near.shape
    starts = np.arange(n + 1) * k
    return sparse.csr_matrix((np.full(near.size, 1 / max(k, 1)), near.ravel(), starts), (n, n))


def morans_i(values: NDArray[np.float64], weights: sparse.csr_matrix) -> NDArray[np.float64]:
    """Moran's I of each column of (n, G) values; NaN without variance."""
    if not values.size:
        return np.full(values.shape[1], np.nan)
    from scanpy.metrics import morans_i as moran

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*variables were constant")
        return np.asarray(moran(weights, np.ascontiguousarray(values.T)))


def domain_agreement(
    values: NDArray[np.float64], labels: NDArray[np.str_] | None, seed: int
) -> tuple[float, float]:
    """ARI and NMI of k-means domains with as many clusters as labels; NaN without labels."""
    if labels is None:
        return float("nan"), float("nan")
    known = labels != ""
    k = len(set(labels[known]))
    if k < 2 or known.sum() <= k:
        return float("nan"), float("nan")
    rows = values[known]
    components = PCA(min(COMPONENTS, *rows.shape), random_state=seed).fit_transform(rows)
    domains = KMeans(k, n_init=10, random_state=seed).fit_predict(components)
    return (
        float(adjusted_rand_score(labels[known], domains)),
        float(normalized_mutual_info_score(labels[known], domains)),
    )


def _pairs(values: NDArray[np.float64]) -> NDArray[np.float64]:
    if values.shape[1] < 3:
        return np.zeros(0)
    with np.errstate(divide="ignore", invalid="ignore"):
        every: NDArray[np.float64] = np.asarray(np.corrcoef(values, rowvar=False))
    return every[np.triu_indices(len(every), 1)]


def _correlation(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    found = correlation(one, other)
    return float("nan") if found is None else found


def _mean(values: NDArray[np.float64]) -> float:
    return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")
