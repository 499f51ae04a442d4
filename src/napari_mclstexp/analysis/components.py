"""What domains are found in: components of the expression or scores of programs, smoothed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ..errors import SettingsError
from ..spots.geometry import neighbours
from .domain_settings import DomainSettings
from .expression import DENSE_UP_TO, Expression, moments, row_blocks

TOLERANCE = 1e-3  # of Lanczos' singular values; scores then differ in the fifth digit
NEIGHBOURS = 6  # of a spot on a hexagonal array; of a square one, the nearest six


def principal_components(expression: Expression, settings: DomainSettings) -> NDArray[np.float64]:
    """Return (n, c) scores on the first components of (n, G) expression."""
    mean, variance = moments(expression)
    varies = variance > 0
    if not varies.any():
        raise SettingsError("No gene varies between the spots, so there are no domains to find.")
    x: Any = expression
    if settings.genes and settings.genes < varies.sum():
        most = np.argsort(-variance, kind="stable")[: settings.genes]
        x, mean, variance, varies = x[:, most], mean[most], variance[most], varies[most]
    spread = np.sqrt(variance) if settings.scale else np.ones(len(variance))
    spread = np.where(spread > 0, spread, 1)
    n, genes = x.shape
    count = min(settings.components, int(varies.sum()), n - 1)
    if sparse.issparse(x):
        return _of_sparse(x, spread, count)
    if n > genes:
        return _of_covariance(x, mean, spread, count)
    return _of_dense(x, mean, spread, count)


def program_scores(
    programs: NDArray[np.floating[Any]] | None, settings: DomainSettings
) -> NDArray[np.float64]:
    """Return (n, R) scores of programs about their mean, as far apart as what they predict."""
    if programs is None:
        raise SettingsError(
            "There are no programs to find domains in: only predictions of a model with a linear "
            "head have them; use the principal components of the expression instead."
        )
    centred: NDArray[np.float64] = programs.astype(np.float64)
    centred -= centred.mean(axis=0)
    if not np.ptp(centred, axis=0).any():
        raise SettingsError("No program varies between the spots, so there are no domains to find.")
    if settings.scale:
        spread = centred.std(axis=0)
        centred /= np.where(spread > 0, spread, 1)
    return centred


def smoothed(
    values: NDArray[np.float64], xy: NDArray[np.float64] | None, settings: DomainSettings
) -> NDArray[np.float64]:
    """Mix each spot's values with its nearest neighbours' mean."""
    if not settings.smoothing or xy is None or len(xy) < 2:
        return values
    near = neighbours(xy, NEIGHBOURS)
    n, k = near.shape
    graph = sparse.csr_array((np.ones(near.size), near.ravel(), np.arange(n + 1) * k), shape=(n, n))
    out = values
    for _ in range(settings.rounds):
        out = (1 - settings.smoothing) * out + settings.smoothing * (graph @ out / k)
    return out


def _of_covariance(
    x: NDArray[np.float32], mean: NDArray[np.float64], spread: NDArray[np.float64], count: int
) -> NDArray[np.float64]:
    """Scores by the genes' covariance: exact, in a block of spots at a time."""
    from scipy.linalg import eigh

    n, genes = x.shape
    covariance = np.zeros((genes, genes))
    for rows in row_blocks(n, genes):
        block = (x[rows] - mean) / spread
        covariance += block.T @ block
    _, found = eigh(covariance, subset_by_index=(genes - count, genes - 1))
    axes = np.asarray(found[:, ::-1], dtype=np.float64)
    axes *= np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(count)])  # as sklearn turns them
    scores = [((x[rows] - mean) / spread) @ axes for rows in row_blocks(n, genes)]
    return np.asarray(np.concatenate(scores), dtype=np.float64)


def _of_dense(
    x: NDArray[np.float32], mean: NDArray[Any], spread: NDArray[Any], count: int
) -> NDArray[np.float64]:
    """Scores of fewer spots than genes: a full decomposition, or Lanczos' of a large matrix."""
    from sklearn.decomposition import PCA

    if x.size > DENSE_UP_TO:
        solver, mean, spread = "arpack", mean.astype(np.float32), spread.astype(np.float32)
    else:
        solver = "full"
    scaled = (x - mean) / spread
    found = PCA(count, svd_solver=solver, tol=TOLERANCE, random_state=0, copy=False)
    return np.asarray(found.fit_transform(scaled), dtype=np.float64)


def _of_sparse(x: Any, spread: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Scores of a sparse matrix that stays sparse: it is centred in the products only."""
    from sklearn.decomposition import PCA

    scaled = x.astype(np.float64) @ sparse.diags_array(1 / spread)
    solver = "arpack" if count < min(x.shape) else "covariance_eigh"
    found = PCA(count, svd_solver=solver, tol=TOLERANCE, random_state=0, copy=False)
    return np.asarray(found.fit_transform(scaled), dtype=np.float64)
