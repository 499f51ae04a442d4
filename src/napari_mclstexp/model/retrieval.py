"""Expression from the nearest reference spots (paper section 2.5): exact, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor
from torch.nn import functional

from .config import Distance

SIMILARITIES_AT_ONCE = 2**24  # 64 MiB of float32
DIFFERENCES_AT_ONCE = 2**23  # 32 MiB of float32
KEYS_AT_ONCE = 2**16  # reference spots of a block
KEPT_BYTES = 2**28  # of expression that is prepared once a run; of more, the retrieved rows only
DIGITS = 6  # of a cosine in 32 bits; the rest is rounding
SLACK = 2e-7  # of a cosine in 32 bits: more than its last bit


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
        self._values = values
        self._centre = values.mean(axis=0, dtype=np.float64).astype(np.float32)
        self._kept: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None
        if values.nbytes <= KEPT_BYTES:
            self._kept = self._prepared(values)

    def __call__(self, query: Tensor) -> Retrieved:
        """Average the retrieved spots' expression for (Q, D) projections of patches."""
        retrieved = self._search(query)
        n_queries, k = retrieved.indices.shape
        at_once = n_queries if self._kept is not None else self._queries_at_once(k)
        parts = [
            self._mixed(retrieved.indices[i : i + at_once], retrieved.weights[i : i + at_once])
            for i in range(0, n_queries, max(1, at_once))
        ] or [self._mixed(retrieved.indices, retrieved.weights)]
        expression, spread = (np.concatenate(each) for each in zip(*parts, strict=True))
        return Retrieved(
            expression=expression,
            spread=spread,
            similarity=retrieved.cosine.mean(axis=1),
            distance=retrieved.distance.min(axis=1) if k else np.zeros(0, np.float32),
            retrieved=retrieved,
        )

    def _queries_at_once(self, k: int) -> int:
        return max(1, int(KEPT_BYTES // max(1, 4 * k * self._values.shape[1])))

    def _prepared(
        self, values: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        centred = values - self._centre  # keeps the variance from drowning in rounding
        return centred, centred**2

    def _mixed(
        self, indices: NDArray[np.int64], weights: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return (Q, G) weighted mean and standard deviation of (Q, k) reference spots."""
        if self._kept is not None:
            centred, squared = self._kept
        else:
            rows, places = np.unique(indices, return_inverse=True)
            indices = places.reshape(indices.shape)
            centred, squared = self._prepared(self._values[rows])
        n_queries, k = indices.shape
        # A sparse product, since gathering (Q, k, G) values would not fit in memory.
        mixing = sparse.csr_array(
            (weights.ravel(), indices.ravel(), np.arange(n_queries + 1) * k),
            shape=(n_queries, len(centred)),
        )
        mean = mixing @ centred
        variance = mixing @ squared - mean**2
        return (
            np.asarray(mean + self._centre, dtype=np.float32),
            np.sqrt(np.maximum(variance, 0)).astype(np.float32),
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
        self._keys, self._k = _Keys(keys), min(k, len(keys))

    def __call__(self, query: Tensor) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return (Q,) mean cosine of the k most similar, and (Q,) L2 distance to the nearest."""
        similarity, distance = [], []
        for each in torch.split(query.float(), self._keys.queries_at_once):
            best = each.new_empty(len(each), 0)
            nearest = each.new_full((len(each),), torch.inf)
            for start, cosine in self._keys.cosines(each):
                best = torch.cat([best, cosine.topk(min(self._k, cosine.shape[1])).values], dim=1)
                best = best.topk(min(self._k, best.shape[1])).values
                block = self._keys.block(start)
                nearest = torch.minimum(nearest, torch.cdist(each, block).amin(dim=1))
            similarity.append(best.mean(dim=1))
            distance.append(nearest)
        found = (torch.cat(each).cpu().numpy() for each in (similarity, distance))
        return next(found), next(found)


class _Keys:
    """The reference spots' projections, and their cosines to queries a block at a time."""

    def __init__(self, keys: Tensor) -> None:
        self.projections = keys.float()
        length = torch.linalg.vector_norm(self.projections, dim=1)
        self._over_length = 1 / length.clamp_min(torch.finfo(torch.float32).tiny)

    def __len__(self) -> int:
        return len(self.projections)

    @property
    def queries_at_once(self) -> int:
        """How many queries make a block of `SIMILARITIES_AT_ONCE`."""
        return max(1, int(SIMILARITIES_AT_ONCE // max(1, min(len(self), KEYS_AT_ONCE))))

    def block(self, start: int) -> Tensor:
        """Return the projections of a block."""
        return self.projections[start : start + KEYS_AT_ONCE]

    def cosines(self, query: Tensor) -> Iterator[tuple[int, Tensor]]:
        """Yield the first row of each block, and the (Q, b) cosines to it."""
        unit_query = functional.normalize(query, dim=1)
        for start in range(0, len(self), KEYS_AT_ONCE):
            cosine = unit_query @ self.block(start).T
            yield start, cosine.mul_(self._over_length[start : start + KEYS_AT_ONCE])


class _Search:
    """Finds the most similar of the same reference spots, query after query."""

    def __init__(self, keys: Tensor, k: int, distance: Distance) -> None:
        self._keys, self._distance = _Keys(keys), distance
        self._k = min(k, len(keys))

    def __call__(self, query: Tensor) -> RetrievedSpots:
        k = self._k
        blocks = torch.split(query.float(), self._keys.queries_at_once)
        parts = [self._votes_of(each) for each in blocks if len(each)]
        if not parts:
            empty = np.zeros((0, k), dtype=np.float32)
            return RetrievedSpots(empty.astype(np.int64), empty, empty, empty)
        indices, cosine, separation = (
            torch.cat(each).cpu().numpy() for each in zip(*parts, strict=True)
        )
        return RetrievedSpots(indices, inverse_square_weights(separation), cosine, separation)

    def _votes_of(self, query: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        cosine = query.new_empty(len(query), 0)
        indices = torch.empty_like(cosine, dtype=torch.int64)
        for start, block in self._keys.cosines(query):
            cosine, indices = _merged(cosine, indices, block, start, self._k)
        keys = self._keys.projections
        at_once = max(1, DIFFERENCES_AT_ONCE // max(1, self._k * keys.shape[1]))
        gaps = [
            _gap(some, keys[which], self._distance)
            for some, which in zip(
                torch.split(query, at_once), torch.split(indices, at_once), strict=True
            )
        ]
        return indices, cosine, torch.cat(gaps)


def _gap(query: Tensor, keys: Tensor, distance: Distance) -> Tensor:
    """(Q, k) distances of (Q, D) queries to their (Q, k, D) reference spots."""
    if distance == "cosine":
        # |a - b|^2 / 2 = 1 - cos for unit vectors, and is exactly 0 for equal ones
        unit = functional.normalize(query, dim=1)[:, None] - functional.normalize(keys, dim=2)
        return unit.square().sum(-1) / 2
    difference = query[:, None] - keys
    return difference.abs().sum(-1) if distance == "l1" else difference.square().sum(-1).sqrt()


def _merged(
    cosine: Tensor, indices: Tensor, block: Tensor, start: int, k: int
) -> tuple[Tensor, Tensor]:
    """Return the k most similar of those found so far and of the next block, the best first.

    Of equals the lower row comes first. Equal is what differs by rounding only: a product of
    matrices may round the same sum otherwise from one column to the next, and does so on some
    processors.

    Parameters
    ----------
    cosine, indices
        (Q, up to k) found in earlier blocks.
    block, start
        (Q, b) cosines to the next reference spots, and the row of the first of these.
    """
    if cosine.shape[1] < k:
        rounded = block.round(decimals=DIGITS)
        let_in = rounded >= rounded.topk(min(k, block.shape[1])).values[:, -1:]
    else:  # only what is more similar than the last so far: a tie is won by the lower row
        let_in = block > cosine[:, -1:] + 0.5 * 10**-DIGITS - SLACK
    query, column = let_in.nonzero(as_tuple=True)  # in the order of the rows
    if not len(query):
        return cosine, indices
    count = torch.bincount(query, minlength=len(block))
    place = torch.arange(len(query), device=query.device) - (count.cumsum(0) - count)[query]
    found = cosine.new_full((len(block), int(count.max())), -torch.inf)
    rows = torch.zeros_like(found, dtype=torch.int64)
    found[query, place] = block[query, column].round(decimals=DIGITS)
    rows[query, place] = column + start
    cosine, indices = torch.cat([cosine, found], dim=1), torch.cat([indices, rows], dim=1)
    cosine, order = cosine.sort(dim=1, descending=True, stable=True)
    return cosine[:, :k], indices.gather(1, order[:, :k])
