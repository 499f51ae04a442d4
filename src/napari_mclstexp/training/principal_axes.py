"""The axes along which spots' features vary most, so that a bank keeps hundreds of values a spot.

A ridge on all axes gives the predictions of a ridge on the features; the last axes hold little.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model.linear_head import beyond_axes

EXACT = 4000  # spots or features, whichever are fewer; more are done by a randomised method
AT_ONCE = 4096  # features taken to 64 bits at once
NOTHING = 1e-12  # of the first axis' variance: axes with less are rounding


def principal_axes(features: NDArray[Any], n_axes: int, seed: int = 0) -> NDArray[np.float32]:
    """Return (F, q) orthonormal axes of (N, F) features, the longest first.

    The features are not centred: a section's own standardisation has done that.

    Parameters
    ----------
    features
        (N, F).
    n_axes
        The most axes wanted; there are no more than spots, features, or directions in which
        the features differ at all.
    seed
        Read by the randomised method only.
    """
    n_spots, n_features = features.shape
    if min(n_spots, n_features) > EXACT:
        from sklearn.utils.extmath import randomized_svd

        wanted = min(n_axes, n_spots, n_features)
        _, lengths, axes = randomized_svd(features, wanted, n_iter=4, random_state=seed)
        return np.ascontiguousarray(axes[_above_rounding(lengths**2)].T, dtype=np.float32)
    if n_features <= n_spots:
        values, vectors = np.linalg.eigh(_products(features.T))
        values, vectors = values[::-1], vectors[:, ::-1]
        return np.ascontiguousarray(
            vectors[:, _above_rounding(values)][:, :n_axes], dtype=np.float32
        )
    values, vectors = np.linalg.eigh(_products(features))
    values, vectors = values[::-1], vectors[:, ::-1]
    kept = np.flatnonzero(_above_rounding(values))[:n_axes]
    scaled = vectors[:, kept] / np.sqrt(values[kept])
    axes = np.empty((n_features, len(kept)), dtype=np.float32)
    for start in range(0, n_features, AT_ONCE):
        part = slice(start, start + AT_ONCE)
        axes[part] = features[:, part].T.astype(np.float64) @ scaled
    return axes


def on_axes(
    features: NDArray[Any], axes: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return (N, q) codes of (N, F) features, and (N,) squared lengths of what the axes leave out.

    Parameters
    ----------
    features
        (N, F).
    axes
        (F, q), from :func:`principal_axes`.
    """
    codes = np.asarray(features @ axes, dtype=np.float32)
    squares = np.einsum("nf,nf->n", features, features, dtype=np.float64)
    return codes, beyond_axes(squares, codes)


def _products(rows: NDArray[Any]) -> NDArray[np.float64]:
    """Return the products of all pairs of rows, in 64 bits without a whole copy."""
    out = np.zeros((len(rows), len(rows)))
    for start in range(0, rows.shape[1], AT_ONCE):
        part = np.asarray(rows[:, start : start + AT_ONCE], dtype=np.float64)
        out += part @ part.T
    return out


def _above_rounding(values: NDArray[Any]) -> NDArray[np.bool_]:
    kept: NDArray[np.bool_] = values > NOTHING * max(float(values[0]), 0.0)
    return kept
