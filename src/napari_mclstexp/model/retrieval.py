"""Expression from the nearest reference spots (paper section 2.5): exact, in bounded memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor
from torch.nn import functional

from .config import Distance

SIMILARITIES_AT_ONCE = 2**25  # 128 MiB of float32
DIFFERENCES_AT_ONCE = 2**23  # 32 MiB of float32
DIGITS = 6  # of a cosine in 32 bits; the rest is rounding


@dataclass(frozen=True)
class RetrievedSpots:
    """Which reference spots are retrieved for each query, and their weights.

    Attributes
    ----------
    indices
        (Q, k) rows of the reference, most similar first.
    weights
        (Q, k), each row sums to 1.
    cosine
        (Q, k) cosine similarities.
    distance
        (Q, k) in the chosen distance.
    """

    indices: NDArray[np.int64]
    weights: NDArray[np.float32]
    cosine: NDArray[np.float32]
    distance: NDArray[np.float32]


@dataclass(frozen=True)
class Retrieved:
    """Expression read from the retrieved spots.

    Attributes
    ----------
    expression, spread
        (Q, G) weighted mean and weighted standard deviation of their expression.
    similarity
        (Q,) their mean cosine similarity.
    distance
        (Q,) distance to the nearest of them.
    retrieved
        The spots themselves.
    """

    expression: NDArray[np.float32]
    spread: NDArray[np.float32]
    similarity: NDArray[np.float32]
    distance: NDArray[np.float32]
    retrieved: RetrievedSpots


def find_retrieved(
    query: Tensor, keys: Tensor, *, k: int, distance: Distance = "l2"
) -> RetrievedSpots:
    """Find the k most similar reference spots of each query and weigh them.

    The k with the highest cosine similarity (of equals, the lower row) get the weights
    1 / distance^2. Distances ``"l1"`` and ``"l2"`` are between the projections as they are,
    ``"cosine"`` is 1 - cosine. A reference at distance 0 takes all the weight, shared evenly
    with others at 0.

    Parameters
    ----------
    query
        (Q, D) projections of the patches.
    keys
        (N, D) projections of the reference spots, on the same device.
    k
        How many are retrieved; no more than N.
    distance
        ``"l1"``, ``"l2"`` or ``"cosine"``.
    """
    return _Search(keys, k, distance)(query)


def inverse_square_weights(distance: NDArray[np.float32]) -> NDArray[np.float32]:
    """Weights 1 / d^2 of (Q, k) distances, each row summing to 1; zeros take all the weight."""
    d = distance.astype(np.float64)
    zero = d == 0
    exact = zero.any(axis=1, keepdims=True)
    raw = np.where(exact, zero, 1.0 / np.where(zero, 1.0, d) ** 2)
    weights: NDArray[np.float32] = (raw / raw.sum(axis=1, keepdims=True)).astype(np.float32)
    return weights


class Retriever:
    """Reads expression for one batch of queries after another from the same reference spots.

    What does not depend on the queries is computed once: for a batch of 16 that is most of it.

    Parameters
    ----------
    keys
        (N, D) projections of the reference spots, on the device to compute on.
    values
        (N, G) expression of the reference spots.
    k, distance
        As for :func:`find_retrieved`.
    """

    def __init__(
        self, keys: Tensor, values: NDArray[np.float32], *, k: int, distance: Distance = "l2"
    ) -> None:
        self._search = _Search(keys, k, distance)
        self._centre = values.mean(axis=0, dtype=np.float64).astype(np.float32)
        self._centred = values - self._centre  # keeps the variance from drowning in rounding
        self._squared = self._centred**2

    def __call__(self, query: Tensor) -> Retrieved:
        """Average the retrieved spots' expression for (Q, D) projections of patches."""
        retrieved = self._search(query)
        n_queries, k = retrieved.indices.shape
        # A sparse product, since gathering (Q, k, G) values would not fit in memory.
        mixing = sparse.csr_array(
            (retrieved.weights.ravel(), retrieved.indices.ravel(), np.arange(n_queries + 1) * k),
            shape=(n_queries, len(self._centred)),
        )
        mean = mixing @ self._centred
        variance = mixing @ self._squared - mean**2
        return Retrieved(
            expression=np.asarray(mean + self._centre, dtype=np.float32),
            spread=np.sqrt(np.maximum(variance, 0)).astype(np.float32),
            similarity=retrieved.cosine.mean(axis=1),
            distance=retrieved.distance.min(axis=1) if k else np.zeros(0, np.float32),
            retrieved=retrieved,
        )


def retrieve(
    query: Tensor,
    keys: Tensor,
    values: NDArray[np.float32],
    *,
    k: int,
    distance: Distance = "l2",
) -> Retrieved:
    """Read expression for (Q, D) queries at once; see :class:`Retriever`."""
    return Retriever(keys, values, k=k, distance=distance)(query)


class Nearest:
    """How near the reference spots are, where nothing is retrieved from them.

    Parameters
    ----------
    keys
        (N, D) of the reference spots.
    k
        How many of the most similar a mean similarity is of.
    """

    def __init__(self, keys: Tensor, k: int) -> None:
        self._keys = keys.float()
        self._unit_keys = functional.normalize(self._keys, dim=1)
        self._k = min(k, len(keys))

    def __call__(self, query: Tensor) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return (Q,) mean cosine of the k most similar, and (Q,) L2 distance to the nearest."""
        similarity, distance = [], []
        for each in torch.split(query.float(), max(1, SIMILARITIES_AT_ONCE // len(self._keys))):
            cosine = functional.normalize(each, dim=1) @ self._unit_keys.T
            similarity.append(cosine.topk(self._k, dim=1).values.mean(dim=1))
            distance.append(torch.cdist(each, self._keys).amin(dim=1))
        found = (torch.cat(each).cpu().numpy() for each in (similarity, distance))
        return next(found), next(found)


class _Search:
    """Finds the most similar of the same reference spots, query after query."""

    def __init__(self, keys: Tensor, k: int, distance: Distance) -> None:
        self._keys, self._distance = keys.float(), distance
        self._unit_keys = functional.normalize(self._keys, dim=1)
        self._k = min(k, len(keys))

    def __call__(self, query: Tensor) -> RetrievedSpots:
        k = self._k
        at_once = min(
            SIMILARITIES_AT_ONCE // len(self._keys),
            DIFFERENCES_AT_ONCE // (k * self._keys.shape[1]),
        )
        blocks = torch.split(query.float(), max(1, at_once))
        parts = [
            _votes_of(each, self._keys, self._unit_keys, k, self._distance)
            for each in blocks
            if len(each)
        ]
        if not parts:
            empty = np.zeros((0, k), dtype=np.float32)
            return RetrievedSpots(empty.astype(np.int64), empty, empty, empty)
        indices, cosine, separation = (
            torch.cat(each).cpu().numpy() for each in zip(*parts, strict=True)
        )
        return RetrievedSpots(indices, inverse_square_weights(separation), cosine, separation)


def _votes_of(
    query: Tensor, keys: Tensor, unit_keys: Tensor, k: int, distance: Distance
) -> tuple[Tensor, Tensor, Tensor]:
    unit_query = functional.normalize(query, dim=1)
    cosine, indices = _top_k(unit_query @ unit_keys.T, k)
    if distance == "cosine":
        # |a - b|^2 / 2 = 1 - cos for unit vectors, and is exactly 0 for equal ones
        gap = (unit_query[:, None] - unit_keys[indices]).square().sum(-1) / 2
    else:
        difference = query[:, None] - keys[indices]
        gap = difference.abs().sum(-1) if distance == "l1" else difference.square().sum(-1).sqrt()
    return indices, cosine, gap


def _top_k(similarity: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Highest k of each row, the lower column first among equals, which topk does not promise.

    Equal is what differs by rounding only: a product of matrices may round the same sum otherwise
    from one column to the next, and does so on some processors.
    """
    similarity = similarity.round(decimals=DIGITS)
    values, indices = similarity.topk(k, dim=1)
    last = values[:, -1:]
    tied = ((similarity >= last).sum(1) > k) | (values[:, 1:] == values[:, :-1]).any(1)
    if tied.any():
        order = similarity[tied].argsort(dim=1, descending=True, stable=True)[:, :k]
        indices[tied] = order
        values[tied] = similarity[tied].gather(1, order)
    return values, indices
