"""Agreement of prediction and measurement."""

from __future__ import annotations

import numpy as np
import pytest

from napari_mclstexp.inference.correlation import correlation

NAN = np.nan


def test_only_spots_with_both_values_count():
    predicted = np.array([1, 2, 3, NAN, 100], dtype=np.float32)
    measured = np.array([2, 4, 7, 5, NAN], dtype=np.float32)
    assert correlation(predicted, measured) == pytest.approx(
        np.corrcoef([1, 2, 3], [2, 4, 7])[0, 1]
    )


@pytest.mark.parametrize(
    "measured", [[1, 1, 1, 1], [1, 2, NAN, NAN]], ids=["no variance", "two spots"]
)
def test_there_is_none_where_it_means_nothing(measured):
    predicted = np.array([1, 2, 3, 4], dtype=np.float32)
    assert correlation(predicted, np.array(measured, dtype=np.float32)) is None
