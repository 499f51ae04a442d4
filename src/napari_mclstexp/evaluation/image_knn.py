"""The trivial baseline: the expression of the training spots whose patches look most alike."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors


def image_knn(
    train_features: NDArray[np.float32],
    train_expression: NDArray[np.float32],
    query_features: NDArray[np.float32],
    k: int = 50,
) -> NDArray[np.float32]:
    """Predict (q, G) expression as the plain mean over the k nearest training spots.

    Nearest by cosine of the features, standardised by the training spots' mean and deviation.

    Parameters
    ----------
    train_features, query_features
        (n, F) and (q, F).
    train_expression
        (n, G)
    k
        Number of neighbours.
    """
    mean, deviation = train_features.mean(axis=0), train_features.std(axis=0) + 1e-6
    nearest = NearestNeighbors(n_neighbors=min(k, len(train_features)), metric="cosine")
    nearest.fit((train_features - mean) / deviation)
    rows = nearest.kneighbors((query_features - mean) / deviation, return_distance=False)
    return np.stack([train_expression[each].mean(axis=0) for each in rows])
