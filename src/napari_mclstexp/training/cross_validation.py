"""How far each gene of a linear head can be trusted: every patient and section left out in turn.

The features of all sections are there already, so that this costs seconds; rank and penalty are
chosen anew in each fold, from what it learns from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from ..inference.correlation import pcc_per_gene
from ..progress import CancelToken, Progress, ProgressCallback
from ..spots.schema import positions
from .data import TrainingSection
from .fit_map_model import codes_on, fit_sections
from .settings import TrainSettings

BLOCKS = 12  # of neighbouring spots, which are left out in turn for a gene's interval
MOST_SECTIONS = 12  # more are left out by patient alone, where there are several
TOP_EXPRESSED = 50
QUANTILE = 1.96  # of the normal distribution: 95 %

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CrossValidated:
    """How well genes are predicted where they were not learned.

    Attributes
    ----------
    pcc, low
        (G,) correlation with what was measured, mean over the sections left out, and the lower
        end of its 95 % interval; NaN for genes that do not vary.
    note
        What was left out, and the means, in a sentence.
    """

    pcc: Floats
    low: Floats
    note: str


def cross_validate(
    training_sections: Sequence[TrainingSection],
    settings: TrainSettings,
    progress: ProgressCallback | None,
    cancel: CancelToken,
) -> CrossValidated | None:
    """Leave out each patient, and each section; None where there is one section only.

    Parameters
    ----------
    training_sections
        With their map features.
    settings
        Of the training.
    progress, cancel
        What reports, in folds, and what ends the work.

    Returns
    -------
    The scores of patients left out, where there are several, else of sections; the note has both.
    """
    by: dict[str, Callable[[TrainingSection], str]] = {}
    if len({each.section.patient for each in training_sections}) > 1:
        by["patient"] = lambda each: each.section.patient
    if len(training_sections) > 1 and (len(training_sections) <= MOST_SECTIONS or not by):
        by["section"] = lambda each: each.section.name
    folds = {what: list(dict.fromkeys(map(group, training_sections))) for what, group in by.items()}
    total, done = sum(map(len, folds.values())), 0
    found: dict[str, tuple[Floats, Floats]] = {}
    said = []
    for what, group in by.items():
        scores: list[tuple[Floats, Floats]] = []
        top: list[float] = []
        for one in folds[what]:
            cancel.raise_if_cancelled()
            if progress is not None:
                progress(Progress(done, total, f"Scoring without {what} {one}", unit="folds"))
            train = [each for each in training_sections if group(each) != one]
            fitted = fit_sections(train, settings)
            for each in training_sections:
                if group(each) == one:
                    codes, _ = codes_on(fitted.head.components, [each])
                    scores.append(_scores(fitted.head.predict(codes), each))
                    top.append(_top(scores[-1][0], each))
            done += 1
        found[what] = _together(scores)
        said.append(
            f"each {what} left out in turn: {np.nanmean(found[what][0]):.3f} on average, "
            f"{np.nanmean(top):.3f} over the {TOP_EXPRESSED} most expressed genes"
        )
    if not found:
        return None
    pcc, low = next(iter(found.values()))
    return CrossValidated(pcc, low, f"PCC with {'; '.join(said)}.")


def _scores(predicted: Floats, each: TrainingSection) -> tuple[Floats, Floats]:
    """Return each gene's correlation in a section, and its standard error over blocks of spots."""
    measured, xy = each.expression.numpy(), positions(each.section.spots)
    pcc = pcc_per_gene(predicted, measured)
    n_blocks = min(BLOCKS, len(xy) // 4)
    if n_blocks < 2:
        return pcc, np.full(len(pcc), np.nan)
    block = KMeans(n_blocks, n_init=1, random_state=0).fit_predict(xy)
    without = np.array(
        [pcc_per_gene(predicted[block != one], measured[block != one]) for one in range(n_blocks)]
    )
    # Jackknife: neighbouring spots are alike, so that single ones would promise too much.
    squared = ((without - without.mean(axis=0)) ** 2).sum(axis=0)
    return pcc, np.sqrt(squared * (n_blocks - 1) / n_blocks)


def _together(scores: Sequence[tuple[Floats, Floats]]) -> tuple[Floats, Floats]:
    pcc, error = (np.array(each) for each in zip(*scores, strict=True))
    known = np.isfinite(pcc)
    n = known.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(known, pcc, 0).sum(axis=0) / n
        within = np.sqrt(np.where(known, error**2, 0).sum(axis=0)) / n
    return mean, mean - QUANTILE * within


def _top(pcc: Floats, each: TrainingSection) -> float:
    measured = each.expression.numpy()
    order = np.argsort(-measured.mean(axis=0), kind="stable")
    return float(np.nanmean(pcc[order[np.isfinite(pcc[order])][:TOP_EXPRESSED]]))
