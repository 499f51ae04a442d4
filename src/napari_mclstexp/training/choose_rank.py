"""How many programs a linear head has and how much it is shrunk: chosen by what is left out.

With one patient nothing says what another shares with it. On real tissue its own sections favour
more programs the more there are, and those beyond the third made another patient's values worse
(PCC of the 50 most expressed genes 0.25 with three, 0.19 with six), so no more are taken. The
halves of a single section say still less: rank and penalty are then fixed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..model.linear_head import Floats
from .inner_folds import InnerFolds
from .section_sums import SectionSums

RANKS = (2, 3, 4, 6, 8)
PENALTIES = (0.7, 2.0, 5.0, 15.0)
ONE_PATIENT = 3  # the most programs of a single patient
ONE_SECTION = (3, 2.0)  # rank and penalty
TOP_EXPRESSED = 50  # genes whose mean counts as much as that of all

NOTES = {
    "patients": "Rank and penalty were chosen by leaving each patient out of the training.",
    "sections": "Rank and penalty were chosen by leaving each section of the only patient out; "
    f"at most {ONE_PATIENT} programs, since another patient may share no more.",
    "halves": "Rank and penalty were fixed beforehand, since there is one section only.",
}


@dataclass(frozen=True)
class RankChoice:
    """What was chosen, and why.

    Attributes
    ----------
    rank, penalty
        The choice.
    scores
        (rank, penalty, score) of all that were compared; the score is the mean over what was
        left out of the mean of PCC over all genes and over the 50 most expressed.
    note
        How it was chosen, in a sentence.
    """

    rank: int
    penalty: float
    scores: tuple[tuple[int, float, float], ...]
    note: str


def choose_rank(
    inner: InnerFolds, ranks: Sequence[int] | None = None, penalties: Sequence[float] | None = None
) -> RankChoice:
    """Choose rank and penalty.

    The lowest rank is taken that is no more than one standard error worse than the best: that of
    their difference on the sections left out, since sections differ far more than ranks do.

    Parameters
    ----------
    inner
        What is left out.
    ranks, penalties
        To choose among; those of this file by default.
    """
    if inner.left_out == "halves":
        ranks, penalties = ranks or ONE_SECTION[:1], penalties or ONE_SECTION[1:]
    elif inner.left_out == "sections" and not ranks:
        ranks = [rank for rank in RANKS if rank <= ONE_PATIENT]
    penalties = penalties or PENALTIES
    possible = min(inner.folds[0].ridge.turned.shape)
    ranks = sorted({min(rank, possible) for rank in ranks or RANKS})
    scores = np.array(  # (sections, ranks, penalties)
        [
            np.transpose([section_scores(section, each, ranks) for each in programs])
            for fold in inner.folds
            for programs in [[fold.ridge.programs(penalty, ranks[-1]) for penalty in penalties]]
            for section in fold.held_out
        ]
    )
    mean = np.tensordot(inner.weights, scores, axes=1)
    best = divmod(int(mean.argmax()), len(penalties))
    chosen = best
    for rank in range(best[0]):
        penalty = int(mean[rank].argmax())
        lost = scores[:, best[0], best[1]] - scores[:, rank, penalty]
        if mean[best] - mean[rank, penalty] <= _standard_error(lost, inner.weights):
            chosen = (rank, penalty)
            break
    table = tuple(
        (rank, float(penalty), float(mean[i, j]))
        for i, rank in enumerate(ranks)
        for j, penalty in enumerate(penalties)
    )
    note = NOTES[inner.left_out] if len(table) > 1 or inner.left_out == "halves" else ""
    return RankChoice(ranks[chosen[0]], float(penalties[chosen[1]]), table, note)


def section_scores(
    section: SectionSums, programs: tuple[Floats, Floats, Floats], ranks: Sequence[int]
) -> Floats:
    """Return for each rank the mean of PCC over all genes and over the most expressed.

    Genes that do not vary in the section count in neither. No value is predicted for it: the
    correlations follow from the scores of the programs.
    """
    coefficients, loadings, _ = programs
    varies = section.squares > 0
    if not varies.any():
        return np.zeros(len(ranks))
    most = np.argsort(-section.mean, kind="stable")[:TOP_EXPRESSED]
    top = most[varies[most]]
    out = []
    for rank in ranks:
        together, own = predicted_products(section, coefficients[:, :rank], loadings[:rank])
        scale = np.sqrt(own * section.squares)
        r = np.divide(together, scale, out=np.zeros_like(scale), where=scale > 0)
        out.append((r[varies].mean() + (r[top].mean() if len(top) else 0.0)) / 2)
    return np.array(out)


def predicted_products(
    section: SectionSums, coefficients: Floats, loadings: Floats
) -> tuple[Floats, Floats]:
    """Return (G,) sums of predicted times measured, and of predicted squared, both centred."""
    scores = section.codes @ coefficients
    scores = scores - scores.mean(axis=0)
    together = (loadings * (scores.T @ section.centred)).sum(axis=0)
    own = (loadings * (scores.T @ scores @ loadings)).sum(axis=0)
    return together, np.maximum(own, 0.0)


def _standard_error(values: Floats, weights: Floats) -> float:
    """Of a weighted mean."""
    deviations = weights * (values - weights @ values)
    return float(np.sqrt((deviations**2).sum() * len(values) / max(len(values) - 1, 1)))
