"""Measured counts as Pearson residuals: a second truth, in which depth is no easy signal.

A spot with more counts has higher logarithms of rare genes, so that a prediction which only knows
how much tissue lies under a spot already correlates with them. The residuals of a negative
binomial model of gene and depth (Lause et al., Genome Biology 2021) keep what is beyond that.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

THETA = 100.0  # the overdispersion that scanpy and the authors use


def pearson_residuals(counts: Any, totals: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the analytic Pearson residuals of some genes, clipped at the root of n.

    Parameters
    ----------
    counts
        (n, G) raw counts, dense or sparse.
    totals
        (n,) counts over all genes: the depth of each spot.

    Returns
    -------
    (n, G), the same as scanpy's from the counts of all genes; 0 where a gene or a spot was not
    counted.
    """
    import anndata
    from scanpy.experimental.pp import normalize_pearson_residuals

    listed = np.asarray(counts.todense()) if sparse.issparse(counts) else np.asarray(counts)
    # All other genes are one column, so that depth and sums are those of the whole table.
    rest = np.maximum(np.asarray(totals) - listed.sum(axis=1), 0)
    data = anndata.AnnData(np.column_stack([listed, rest]).astype(np.float64))
    with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
        warnings.simplefilter("ignore")  # scanpy's about types
        normalize_pearson_residuals(data, theta=THETA)
    residuals: NDArray[np.float32] = np.nan_to_num(np.asarray(data.X)[:, :-1]).astype(np.float32)
    return residuals
