"""What is left out within the training, to choose and calibrate a linear head by.

Patients are left out whole where there are two, since sections of one patient resemble each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .section_sums import RidgeSolver, SectionSums, section_sums

LeftOut = Literal["patients", "sections", "halves"]


@dataclass(frozen=True, eq=False)
class InnerFold:
    """Sections left out, and the ridge of all the others."""

    held_out: tuple[SectionSums, ...]
    ridge: RidgeSolver


@dataclass(frozen=True, eq=False)
class InnerFolds:
    """All folds.

    Attributes
    ----------
    left_out
        ``"patients"``, ``"sections"`` of the only patient, or ``"halves"`` of the only section.
    folds
        One for each of them.
    """

    left_out: LeftOut
    folds: tuple[InnerFold, ...]

    @property
    def sections(self) -> tuple[SectionSums, ...]:
        """All that is left out once."""
        return tuple(each for fold in self.folds for each in fold.held_out)

    @property
    def weights(self) -> NDArray[np.float64]:
        """Weights of `sections` that give each fold the same, summing to 1."""
        parts = [np.full(len(f.held_out), 1 / len(f.held_out)) for f in self.folds]
        return np.concatenate(parts) / len(self.folds)


def inner_folds(
    codes: NDArray[np.float32],
    expression: NDArray[np.float32],
    sections: NDArray[np.str_],
    patients: NDArray[np.str_],
    xy: NDArray[np.float64],
) -> InnerFolds:
    """Leave out each patient; with one patient each section, with one section each half.

    Parameters
    ----------
    codes, expression
        (N, q) and (N, G) of the training spots.
    sections, patients
        (N,) names.
    xy
        (N, 2) positions, read for a single section, which is cut across its longer side.
    """
    patient = dict(zip(sections.tolist(), patients.tolist(), strict=True))
    left_out: LeftOut = "patients" if len(set(patient.values())) > 1 else "sections"
    if len(patient) == 1:
        along = xy[:, int(np.ptp(xy, axis=0).argmax())]
        sections = np.full(len(along), "second half")
        sections[np.argsort(along, kind="stable")[: len(along) // 2]] = "first half"
        left_out = "halves"
    sums = section_sums(codes, expression, sections)
    group = {name: patient[name] if left_out == "patients" else name for name in sums}
    folds = [
        InnerFold(
            held_out=tuple(each for name, each in sums.items() if group[name] == one),
            ridge=RidgeSolver.of([each for name, each in sums.items() if group[name] != one]),
        )
        for one in dict.fromkeys(group.values())
    ]
    return InnerFolds(left_out, tuple(folds))
