"""A linear head's slope and its errors, both from spots that it was not trained on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from ..model.intervals import HeldOutErrors
from ..model.section_level import relative_level, section_level
from .choose_rank import RankChoice, predicted_products
from .inner_folds import InnerFold, InnerFolds

LEAST_SLOPE, MOST_SLOPE = 0.05, 2.0
MOST_GROWTH = 1.5
ALIKE = 51  # genes by their expression, in long lists
LEAST_SPREAD = 20.0  # of the leverages, for a growth to be told: the power is shrunk by it


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
    inner: InnerFolds,
    choice: RankChoice,
    slope: float,
    beyond: NDArray[np.float64],
    looks: NDArray[np.float32] | None = None,
) -> HeldOutErrors:
    """Return what was measured less what was predicted, of each spot while it was left out.

    Parameters
    ----------
    inner, choice, slope
        The folds, and the head's constants.
    beyond
        (N,) squared lengths of what the axes leave out of each spot's features.
    looks
        (N, C) what the tissue around the spots looks like, which tells the level of what is left
        out; without them, it is that of what is learned from.
    """
    n_genes = len(inner.folds[0].ridge.mean)
    errors = np.empty((len(beyond), n_genes), dtype=np.float16)
    leverage = np.empty(len(beyond))
    mean = np.mean([each.mean for each in inner.sections], axis=0)
    for fold in inner.folds:
        coefficients, loadings, _ = fold.ridge.programs(choice.penalty, choice.rank)
        levels = _levels(inner, fold, looks)
        for each, level in zip(fold.held_out, levels, strict=True):
            predicted = level + slope * (each.codes @ coefficients @ loadings)
            error = each.centred + each.mean - predicted
            if looks is not None:
                # What is not measured lies below its level by all of it, whatever the level is.
                error = np.where(error < 0, error / relative_level(level, mean), error)
            errors[each.rows] = error
            leverage[each.rows] = fold.ridge.leverage(each.codes, choice.penalty, beyond[each.rows])
    growth = _growth(inner, errors, leverage)
    typical = max(float(np.median(leverage)), 1e-6)
    return HeldOutErrors(errors, leverage.astype(np.float32), growth, typical)


def _levels(
    inner: InnerFolds, fold: InnerFold, looks: NDArray[np.float32] | None
) -> list[NDArray[np.float64]]:
    """Return the (G,) level of each section of a fold, told from all that is not in it."""
    if looks is None:
        return [fold.ridge.mean] * len(fold.held_out)
    learned = [each for other in inner.folds if other is not fold for each in other.held_out]
    rows = np.concatenate([each.rows for each in learned])
    measured = np.concatenate([each.centred + each.mean for each in learned]).astype(np.float32)
    return [section_level(looks[each.rows], looks[rows], measured) for each in fold.held_out]


def _growth(
    inner: InnerFolds, errors: NDArray[np.float16], leverage: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return (G,) the power of the leverage with which a gene's squared errors grow.

    Within a section, and beyond what the ridge's own uncertainty (1 + leverage) makes of it. As a
    single gene's is uncertain, it is that of the genes expressed about as much.
    """
    n_genes = errors.shape[1]
    together, own = np.zeros(n_genes), 0.0
    for section in inner.sections:
        within = errors[section.rows].astype(np.float64)
        squared = (within - within.mean(axis=0)) ** 2
        reach = np.maximum(leverage[section.rows], np.finfo(np.float32).tiny)
        logs = np.log(squared + 1e-4 * squared.mean(axis=0) + 1e-12)  # an error of 0 has no log
        logs -= np.log1p(reach)[:, None]
        x = np.log(reach) - np.log(reach).mean()
        together += x @ logs
        own += float(x @ x)
    mean = np.mean([section.mean for section in inner.sections], axis=0)
    order = np.argsort(mean, kind="stable")
    growth = np.empty(n_genes)
    alike = min(ALIKE, max(n_genes // 8, 1))
    single = together / (own + LEAST_SPREAD)
    growth[order] = uniform_filter1d(single[order], alike, mode="nearest")
    return np.clip(growth, 0.0, MOST_GROWTH)
