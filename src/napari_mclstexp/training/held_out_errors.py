"""A linear head's slope and its errors, both from spots that it was not trained on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..model.intervals import HeldOutErrors
from .choose_rank import RankChoice, predicted_products
from .inner_folds import InnerFolds

LEAST_SLOPE, MOST_SLOPE = 0.05, 2.0


def calibrated_slope(inner: InnerFolds, choice: RankChoice) -> float:
    """Return the factor of predicted differences that makes the squared error the least.

    It is one for all genes: of a few sections a gene's own cannot be told, and on real tissue
    slopes of genes, shrunk to the common one or not, had larger errors on every section.
    """
    together = own = 0.0
    for fold in inner.folds:
        coefficients, loadings, _ = fold.ridge.programs(choice.penalty, choice.rank)
        for section in fold.held_out:
            products = predicted_products(section, coefficients, loadings)
            together += float(products[0].sum())
            own += float(products[1].sum())
    return float(np.clip(together / own, LEAST_SLOPE, MOST_SLOPE)) if own > 0 else 1.0


def held_out_errors(
    inner: InnerFolds, choice: RankChoice, slope: float, beyond: NDArray[np.float64]
) -> HeldOutErrors:
    """Return what was measured less what was predicted, of each spot while it was left out.

    Parameters
    ----------
    inner, choice, slope
        The folds, and the head's constants.
    beyond
        (N,) squared lengths of what the axes leave out of each spot's features.
    """
    n_genes = len(inner.folds[0].ridge.mean)
    errors = np.empty((len(beyond), n_genes), dtype=np.float16)
    leverage = np.empty(len(beyond))
    for fold in inner.folds:
        coefficients, loadings, _ = fold.ridge.programs(choice.penalty, choice.rank)
        for each in fold.held_out:
            predicted = fold.ridge.mean + slope * (each.codes @ coefficients @ loadings)
            errors[each.rows] = each.centred + each.mean - predicted
            leverage[each.rows] = fold.ridge.leverage(each.codes, choice.penalty, beyond[each.rows])
    growth = _growth(inner, errors, leverage)
    typical = max(float(np.median(leverage)), 1e-6)
    return HeldOutErrors(errors, leverage.astype(np.float32), growth, typical)


def _growth(inner: InnerFolds, errors: NDArray[np.float16], leverage: NDArray[np.float64]) -> float:
    """Return the power of the leverage with which squared errors grow within a section.

    Beyond what the ridge's own uncertainty (1 + leverage) makes of it.
    """
    reach, size = [], []
    for section in inner.sections:
        within = errors[section.rows].astype(np.float64)
        within = within - within.mean(axis=0)
        spread = within.std(axis=0)
        varies = spread > 0
        if len(within) < 3 or not varies.any():
            continue
        squared = ((within[:, varies] / spread[varies]) ** 2).mean(axis=1)
        h = leverage[section.rows]
        seen = (h > 0) & (squared > 0)
        x, y = np.log(h[seen]), np.log(squared[seen] / (1 + h[seen]))
        reach.append(x - x.mean())
        size.append(y - y.mean())
    if not reach:
        return 0.0
    x, y = np.concatenate(reach), np.concatenate(size)
    return float(np.clip((x @ y) / (x @ x), 0.0, 1.0)) if x @ x > 0 else 0.0
