"""Whether intervals hold what they promise, and whether samples vary as tissue does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from .fold_prediction import FoldPrediction

ZERO_HEAVY = 0.8  # share of a section's spots in which such a gene was not counted
TOP = 50
SAMPLE_VARIANCE = "variance of a sample / measured"
COLUMNS = ("group", "genes", "measure", "value")


def gene_groups(measured: NDArray[np.float32], counts: Any) -> dict[str, NDArray[np.int64]]:
    """Return the columns of the groups of genes for which uncertainty is told apart.

    Parameters
    ----------
    measured
        (n, G) in the evaluation's unit.
    counts
        (n, G) raw counts, dense or sparse.

    Returns
    -------
    All genes that vary in the section; the 50 most and the third least expressed of them; and
    those that at least 80 % of the spots do not have. Groups may share genes or be empty.
    """
    counted = np.asarray((sparse.csr_matrix(counts) > 0).sum(axis=0)).ravel()
    varies = np.flatnonzero(np.ptp(measured, axis=0) > 0)
    order = varies[np.argsort(-measured.mean(axis=0, dtype=np.float64)[varies], kind="stable")]
    absent = 1 - counted / max(len(measured), 1)
    return {
        "all genes": varies,
        f"top {TOP} expressed": order[:TOP],
        "least expressed third": order[len(order) - len(order) // 3 :],
        "zero in 80 % of spots": varies[absent[varies] >= ZERO_HEAVY],
    }


def interval_name(level: float) -> str:
    """Return how a table calls the intervals of a level, 0 to 1."""
    return f"{100 * level:g} % interval"


def coverage(
    measured: NDArray[np.float32],
    lower: NDArray[np.float32],
    upper: NDArray[np.float32],
) -> NDArray[np.float64]:
    """Return the (G,) share of spots whose measured value lies within the bounds, each (n, G).

    NaN for a gene whose bounds are not known.
    """
    inside = (lower <= measured) & (measured <= upper)
    known = np.isfinite(lower).all(axis=0) & np.isfinite(upper).all(axis=0)
    return np.where(known, inside.mean(axis=0), np.nan)


def variance_ratio(
    samples: NDArray[np.float32], measured: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return the (G,) variance over spots of (S, n, G) samples, over that of (n, G) measured.

    The variance of each sample is averaged over the samples; NaN where nothing was measured to
    vary.
    """
    sampled = samples.astype(np.float64).var(axis=1).mean(axis=0)
    truth = measured.astype(np.float64).var(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(truth > 0, sampled / truth, np.nan)


def uncertainty_rows(
    prediction: FoldPrediction,
    measured: NDArray[np.float32],
    groups: Mapping[str, NDArray[np.int64]],
) -> pd.DataFrame:
    """Judge the intervals and samples of one method on one section.

    Parameters
    ----------
    prediction
        Of the section; without intervals and samples there are no rows.
    measured
        (n, G) in the same unit.
    groups
        As `gene_groups` gives them.

    Returns
    -------
    A row for each group and measure: ``group, genes, measure, value``. The value of an interval
    is the mean over the group's genes of the share of spots that it holds; that of the samples'
    variance is the median over the genes of its ratio to the measured variance.
    """
    measures: list[tuple[str, NDArray[np.float64], Any]] = [
        (interval_name(level), coverage(measured, *bounds), np.mean)
        for level, bounds in sorted(prediction.intervals.items())
    ]
    if prediction.samples is not None:
        ratio = variance_ratio(prediction.samples, measured)
        measures.append((SAMPLE_VARIANCE, ratio, np.median))
    rows = []
    for group, columns in groups.items():
        for measure, by_gene, average in measures:
            known = by_gene[columns][np.isfinite(by_gene[columns])]
            value = float(average(known)) if len(known) else float("nan")
            rows.append((group, len(columns), measure, value))
    return pd.DataFrame(rows, columns=list(COLUMNS))
