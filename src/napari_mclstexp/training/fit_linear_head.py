"""Fits the linear head: axes, rank and penalty, programs, slope, and errors to expect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SettingsError
from ..model.intervals import HeldOutErrors
from ..model.linear_head import LinearHead
from .choose_rank import RankChoice, choose_rank
from .held_out_errors import calibrated_slope, held_out_errors
from .inner_folds import inner_folds
from .principal_axes import on_axes, principal_axes
from .section_sums import RidgeSolver, section_sums

AXES = 512  # fewer cost a little: 256 of 730 spots 0.003 in PCC of the most expressed genes
FEWEST_SPOTS = 4  # two in each half


@dataclass(frozen=True, eq=False, repr=False)
class FittedLinearHead:
    """A fitted head, and what is kept beside it.

    Attributes
    ----------
    head
        The head.
    codes
        (N, q) of the training spots: the bank keeps them as its embedding, in 32 bits.
    held_out
        Errors on each training spot while it was left out.
    choice
        How rank and penalty were chosen.
    """

    head: LinearHead
    codes: NDArray[np.float32]
    held_out: HeldOutErrors
    choice: RankChoice


def fit_linear_head(
    features: NDArray[Any],
    expression: NDArray[np.float32],
    sections: NDArray[np.str_],
    patients: NDArray[np.str_],
    xy: NDArray[np.float64],
    looks: NDArray[np.float32] | None = None,
    *,
    n_axes: int = AXES,
    ranks: Sequence[int] | None = None,
    penalties: Sequence[float] | None = None,
    seed: int = 0,
) -> FittedLinearHead:
    """Fit a reduced-rank ridge from features to section-relative expression.

    Parameters
    ----------
    features
        (N, F), standardised in each section.
    expression
        (N, G) in the model's unit.
    sections, patients
        (N,) names of the spots' sections and patients.
    xy
        (N, 2) positions in their section.
    looks
        (N, C) what the tissue around the spots looks like, which tells a section's level; without
        them, it is taken to be that of the sections learned from.
    n_axes
        The most principal axes kept.
    ranks, penalties
        To choose among, a single one to fix it; by default as `choose_rank` says.
    seed
        Of the randomised axes of very many spots.

    Raises
    ------
    SettingsError
        If there are too few spots.
    """
    if len(features) < FEWEST_SPOTS:
        raise SettingsError(
            f"A linear head needs at least {FEWEST_SPOTS} spots and there are {len(features)}; "
            "add sections."
        )
    components = principal_axes(features, n_axes, seed)
    codes, beyond = on_axes(features, components)
    return fit_to_codes(
        components,
        codes,
        beyond,
        expression,
        sections,
        patients,
        xy,
        looks,
        ranks=ranks,
        penalties=penalties,
    )


def fit_to_codes(
    components: NDArray[np.float32],
    codes: NDArray[np.float32],
    beyond: NDArray[np.float64],
    expression: NDArray[np.float32],
    sections: NDArray[np.str_],
    patients: NDArray[np.str_],
    xy: NDArray[np.float64],
    looks: NDArray[np.float32] | None = None,
    *,
    ranks: Sequence[int] | None = None,
    penalties: Sequence[float] | None = None,
) -> FittedLinearHead:
    """Fit the head where axes and codes are known already, as in fine-tuning.

    Parameters
    ----------
    components, codes
        (F, q) axes, and (N, q) features on them.
    beyond
        (N,) squared lengths of what the axes leave out of each spot's features.
    expression, sections, patients, xy, looks, ranks, penalties
        As for :func:`fit_linear_head`.
    """
    inner = inner_folds(codes, expression, sections, patients, xy)
    choice = choose_rank(inner, ranks, penalties)
    slope = calibrated_slope(inner, choice)
    ridge = RidgeSolver.of(list(section_sums(codes, expression, sections).values()))
    coefficients, loadings, share = ridge.programs(choice.penalty, choice.rank)
    head = LinearHead(components, coefficients, loadings, share, ridge.mean, slope, choice.penalty)
    held_out = held_out_errors(inner, choice, slope, beyond, looks)
    return FittedLinearHead(head, codes, held_out, choice)
