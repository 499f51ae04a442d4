"""The trivial answers that a model must beat, on the features that its encoder starts with."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Ridge
from sklearn.neighbors import NearestNeighbors
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from ..spots.geometry import neighbours
from .fold_prediction import Expression
from .prepared_sections import Prepared

Method = Callable[[Sequence[Prepared], Prepared], Expression]

COMPONENTS = 64
NEIGHBOURHOOD = 6
ALPHA = 4000.0  # of the ridge: strong, since a section has few hundred spots
HIDDEN, DECAY, PASSES = 256, 10.0, 60


def training_mean(train: Sequence[Prepared], test: Prepared) -> Expression:
    """Predict the mean of the training spots everywhere."""
    mean = np.concatenate([each.expression for each in train]).mean(axis=0, dtype=np.float64)
    return np.tile(mean.astype(np.float32), (len(test.features), 1))


def nearest(k: int) -> Method:
    """Predict the mean of the k training spots whose features are most alike."""

    def method(train: Sequence[Prepared], test: Prepared) -> Expression:
        features, expression = _stacked(train)
        return image_knn(features, expression, test.features, k)

    return method


def nearest_with_neighbourhood(train: Sequence[Prepared], test: Prepared) -> Expression:
    """Predict like `nearest(50)`, from each spot's features and the mean of its neighbours'."""
    features = np.concatenate([_with_neighbourhood(each.features, each) for each in train])
    query = _with_neighbourhood(test.features, test)
    return image_knn(features, _stacked(train)[1], query, 50)


def pca_ridge(train: Sequence[Prepared], test: Prepared) -> Expression:
    """Predict by ridge regression from 64 principal components."""
    features, expression = _stacked(train)
    model = _ridge(features.shape).fit(features, expression)
    return _table(model.predict(test.features))


def pca_ridge_with_neighbourhood(train: Sequence[Prepared], test: Prepared) -> Expression:
    """Predict like `pca_ridge`, from features standardised per section, and their neighbours'."""
    features = np.concatenate([_with_neighbourhood(_standard(e.features), e) for e in train])
    model = _ridge(features.shape).fit(features, _stacked(train)[1])
    query = _with_neighbourhood(_standard(test.features), test)
    return _table(model.predict(query))


def hidden_layer(train: Sequence[Prepared], test: Prepared) -> Expression:
    """Predict by a regression with one hidden layer, from 64 principal components."""
    features, expression = _stacked(train)
    network = MLPRegressor(
        hidden_layer_sizes=(HIDDEN,), alpha=DECAY, max_iter=PASSES, random_state=0
    )
    components = min(COMPONENTS, len(features) - 1, features.shape[1])
    model = make_pipeline(StandardScaler(), PCA(components, random_state=0), network)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(features, expression.ravel() if expression.shape[1] == 1 else expression)
    return _table(model.predict(test.features))


BASELINES: Mapping[str, Method] = {
    "training mean": training_mean,
    "image kNN, k = 50": nearest(50),
    "image kNN, k = 200": nearest(200),
    "image kNN + neighbourhood": nearest_with_neighbourhood,
    "PCA + ridge": pca_ridge,
    "PCA + ridge + neighbourhood": pca_ridge_with_neighbourhood,
    "one hidden layer": hidden_layer,
}


def _table(predicted: Expression) -> Expression:
    """Return (n, G) values; scikit-learn gives those of a single gene as (n,)."""
    return np.asarray(predicted, dtype=np.float32).reshape(len(predicted), -1)


def _stacked(train: Sequence[Prepared]) -> tuple[NDArray[np.float32], Expression]:
    return (
        np.concatenate([each.features for each in train]),
        np.concatenate([each.expression for each in train]),
    )


def _ridge(shape: tuple[int, ...]) -> Pipeline:
    n, width = shape
    components = min(COMPONENTS, n - 1, width)
    return make_pipeline(StandardScaler(), PCA(components, random_state=0), Ridge(ALPHA))


def _standard(features: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(StandardScaler().fit_transform(features), dtype=np.float32)


def _with_neighbourhood(features: NDArray[np.float32], of: Prepared) -> NDArray[np.float32]:
    rows = neighbours(of.xy, NEIGHBOURHOOD)
    if not rows.size:
        return np.hstack([features, features])
    return np.hstack([features, features[rows].mean(axis=1)])


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
