"""From the features of sections seen as a whole to the linear head that every such model has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from ..model import Bank, Model
from ..model.trained_model import Linear
from ..spots.schema import positions
from .data import TrainingSection, looks_of
from .fit_linear_head import FittedLinearHead, fit_linear_head, fit_to_codes
from .principal_axes import on_axes
from .settings import TrainSettings

T = TypeVar("T")


def fit_sections(
    training_sections: Sequence[TrainingSection], settings: TrainSettings
) -> FittedLinearHead:
    """Fit the linear head to sections with map features, on axes of their own."""
    features, expression, sections, patients, xy = _stacked(training_sections)
    return fit_linear_head(
        features,
        expression,
        sections,
        patients,
        xy,
        looks_of(training_sections),
        seed=settings.seed,
        ranks=_fixed(settings.rank),
        penalties=_fixed(settings.penalty),
    )


def codes_on(
    components: NDArray[np.float32], training_sections: Sequence[TrainingSection]
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return the (N, q) codes of sections on given axes, and what those leave out, squared."""
    return on_axes(_stacked(training_sections)[0], components)


def refit(
    base: Model, bank: Bank, beyond: NDArray[np.float64], settings: TrainSettings
) -> FittedLinearHead:
    """Fit the linear head of a model that goes on from another, on that one's axes.

    Parameters
    ----------
    base
        Whose axes are kept.
    bank
        All reference spots; first the new ones, then those that the base had.
    beyond
        Of the new ones. That of the others was not kept; it is taken to be as usual as theirs.
    settings
        Rank and penalty, where they are fixed.
    """
    assert base.linear is not None
    kept = np.full(len(bank) - len(beyond), np.median(beyond))
    return fit_to_codes(
        base.linear.head.components,
        bank.linear_codes,
        np.concatenate([beyond, kept]),
        bank.expression,
        bank.section,
        bank.patients,
        bank.xy,
        bank.looks,
        ranks=_fixed(settings.rank),
        penalties=_fixed(settings.penalty),
    )


def linear_of(fitted: FittedLinearHead) -> Linear:
    """Return what a model keeps of a fitted head."""
    return Linear(fitted.head, fitted.held_out)


def read_codes(
    training_sections: Sequence[TrainingSection], components: NDArray[np.float32]
) -> None:
    """Give sections their codes, which the contrastive head reads as features of patches."""
    for each in training_sections:
        assert each.map_features is not None
        each.features = torch.from_numpy(np.asarray(each.map_features @ components, np.float32))


def _fixed(value: T | None) -> tuple[T, ...] | None:
    """Return a choice of one, or None where it is open."""
    return None if value is None else (value,)


def _stacked(
    training_sections: Sequence[TrainingSection],
) -> tuple[
    NDArray[np.float32],
    NDArray[np.float32],
    NDArray[np.str_],
    NDArray[np.str_],
    NDArray[np.float64],
]:
    features, expression, sections, patients, xy = [], [], [], [], []
    for each in training_sections:
        assert each.map_features is not None
        features.append(each.map_features)
        expression.append(each.expression.numpy())
        sections.append(np.full(len(each.expression), each.section.name))
        patients.append(np.full(len(each.expression), each.section.patient))
        xy.append(positions(each.section.spots))
    return (
        np.concatenate(features),
        np.concatenate(expression),
        np.concatenate(sections),
        np.concatenate(patients),
        np.concatenate(xy),
    )
