"""What a method says of a tested section: values, and how far to trust them where it knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Expression = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class FoldPrediction:
    """The prediction of one tested section.

    Attributes
    ----------
    expression
        (n, G) in the evaluation's unit; a column of NaN is a gene that was not predicted.
    intervals
        Lower and upper bounds, each (n, G), by the share of measured values that they should
        hold, for instance 0.8.
    samples
        (S, n, G) plausible maps with the measured spread, or None.
    """

    expression: Expression
    intervals: Mapping[float, tuple[Expression, Expression]] = field(default_factory=dict)
    samples: NDArray[np.float32] | None = None

    def of_genes(self, columns: NDArray[np.int64]) -> FoldPrediction:
        """Return the same for some genes."""
        return FoldPrediction(
            self.expression[:, columns],
            {
                level: (lower[:, columns], upper[:, columns])
                for level, (lower, upper) in self.intervals.items()
            },
            None if self.samples is None else self.samples[:, :, columns],
        )


def as_prediction(predicted: Expression | FoldPrediction) -> FoldPrediction:
    """Return what a method gave as a prediction; values alone have no intervals."""
    if isinstance(predicted, FoldPrediction):
        return predicted
    return FoldPrediction(predicted)
