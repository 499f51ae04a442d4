"""How well each gene of a section is predicted, by every measure the field uses."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from ..inference.correlation import pcc_per_gene


def gene_metrics(
    predicted: NDArray[np.float32],
    measured: NDArray[np.float32],
    residuals: NDArray[np.float32] | None = None,
) -> pd.DataFrame:
    """Score each gene of one section.

    Parameters
    ----------
    predicted, measured
        (n, G) in the same unit.
    residuals
        (n, G) Pearson residuals of the measured counts, as `pearson_residuals` gives them.

    Returns
    -------
    A row for each gene: ``pcc, spearman, mse, mae, r2, p, fdr``. The correlations are NaN where
    either side has no variance, all are NaN where a gene was not predicted or not measured; p is
    of the PCC against 0 (two-sided, t distribution), fdr its Benjamini-Hochberg value over genes.
    With residuals also ``pcc_residuals``, the prediction's PCC with them.
    """
    there = np.isfinite(predicted).all(axis=0) & np.isfinite(measured).all(axis=0)
    p, m = (np.where(there, each, 0).astype(np.float64) for each in (predicted, measured))
    pcc = pcc_per_gene(p, m)
    spearman = pcc_per_gene(stats.rankdata(p, axis=0), stats.rankdata(m, axis=0))
    error = p - m
    variation = ((m - m.mean(axis=0)) ** 2).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        r2 = np.where(variation > 0, 1 - (error**2).sum(axis=0) / variation, np.nan)
    significance = pcc_p_value(pcc, len(p))
    table = pd.DataFrame(
        {
            "pcc": pcc,
            "spearman": spearman,
            "mse": (error**2).mean(axis=0),
            "mae": np.abs(error).mean(axis=0),
            "r2": r2,
            "p": significance,
            "fdr": false_discovery_rate(significance),
        }
    )
    if residuals is not None:
        table["pcc_residuals"] = pcc_per_gene(p, residuals.astype(np.float64))
    table.loc[~there] = np.nan
    return table


def pcc_p_value(pcc: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Two-sided p of correlations over n spots; NaN where there is none, or n is below 3."""
    if n < 3:
        return np.full(len(pcc), np.nan)
    r = np.clip(pcc, -1, 1)
    with np.errstate(divide="ignore"):
        t = np.abs(r) * np.sqrt((n - 2) / (1 - r**2))
    return np.asarray(2 * stats.t.sf(t, n - 2))


def false_discovery_rate(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Benjamini-Hochberg values of the p that are known; NaN elsewhere."""
    out = np.full(len(p), np.nan)
    known = np.isfinite(p)
    if known.any():
        out[known] = stats.false_discovery_control(p[known], method="bh")
    return out
