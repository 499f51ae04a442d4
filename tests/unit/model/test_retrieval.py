"""Retrieval against a plain loop, and the cases that formulas forget."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_mclstexp.model import retrieval
from napari_mclstexp.model.retrieval import find_retrieved, retrieve


def plain_loop(query, keys, values, k, distance):
    """One query at a time, in double precision, as the paper says it."""
    out, spread, chosen, weights = [], [], [], []
    for q in query:
        cosine = [float(q @ key / np.linalg.norm(q) / np.linalg.norm(key)) for key in keys]
        order = sorted(range(len(keys)), key=lambda i: (-cosine[i], i))[:k]
        d = {
            "l1": [np.abs(q - keys[i]).sum() for i in order],
            "l2": [np.sqrt(((q - keys[i]) ** 2).sum()) for i in order],
            "cosine": [1 - cosine[i] for i in order],
        }[distance]
        w = np.array([1 / each**2 for each in d])
        w /= w.sum()
        mean = (w[:, None] * values[order]).sum(0)
        out.append(mean)
        spread.append(np.sqrt((w[:, None] * (values[order] - mean) ** 2).sum(0)))
        chosen.append(order)
        weights.append(w)
    return np.array(out), np.array(spread), np.array(chosen), np.array(weights)


@pytest.fixture
def case():
    rng = np.random.default_rng(0)
    return (
        rng.normal(size=(7, 16)).astype(np.float32),
        rng.normal(size=(40, 16)).astype(np.float32),
        rng.gamma(2.0, size=(40, 5)).astype(np.float32),
    )


@pytest.mark.parametrize("distance", ["l1", "l2", "cosine"])
@pytest.mark.parametrize("block", [1, 10**9], ids=["a query at a time", "all at once"])
def test_retrieval_is_the_plain_loop(case, distance, block, monkeypatch):
    query, keys, values = case
    monkeypatch.setattr(retrieval, "SIMILARITIES_AT_ONCE", block)
    found = retrieve(
        torch.from_numpy(query), torch.from_numpy(keys), values, k=6, distance=distance
    )
    mean, spread, chosen, weights = plain_loop(
        query.astype(float), keys.astype(float), values.astype(float), 6, distance
    )
    np.testing.assert_array_equal(found.retrieved.indices, chosen)
    np.testing.assert_allclose(found.retrieved.weights, weights, rtol=1e-4)
    np.testing.assert_allclose(found.expression, mean, rtol=1e-4)
    np.testing.assert_allclose(found.spread, spread, rtol=1e-3, atol=1e-5)


def brute_force(query, keys, k):
    """Every cosine of every query, sorted; of what is equal to six digits, the lower row first."""
    unit = [each / np.linalg.norm(each, axis=1, keepdims=True) for each in (query, keys)]
    cosine = np.round(unit[0].astype(float) @ unit[1].astype(float).T, 6)
    return np.argsort(-cosine, axis=1, kind="stable")[:, :k]


@pytest.mark.parametrize("block", [64, 1000, 5000])
@pytest.mark.parametrize("k", [1, 100, 700])
def test_blocks_of_references_find_what_brute_force_finds(monkeypatch, block, k):
    random = np.random.default_rng(2)
    # Cosines are eighths without rounding: thousands of ties, within blocks and between them.
    keys = random.choice([-1, 1], (5000, 16)).astype(np.float32)
    keys *= random.choice([1, 2, 4], (5000, 1))
    query = random.choice([-1, 1], (40, 16)).astype(np.float32)
    monkeypatch.setattr(retrieval, "KEYS_AT_ONCE", block)
    monkeypatch.setattr(retrieval, "SIMILARITIES_AT_ONCE", 7 * block)
    found = find_retrieved(torch.from_numpy(query), torch.from_numpy(keys), k=k)
    np.testing.assert_array_equal(found.indices, brute_force(query, keys, k))
    smooth = random.normal(size=(5000, 32)).astype(np.float32)
    query = random.normal(size=(40, 32)).astype(np.float32)
    found = find_retrieved(torch.from_numpy(query), torch.from_numpy(smooth), k=k)
    expected = brute_force(query, smooth, k)
    # A cosine halfway between two of the sixth digit may round either way, in 32 bits or in 64.
    assert (found.indices == expected).mean() > 0.99
    assert np.mean([set(a) == set(b) for a, b in zip(found.indices, expected, strict=True)]) > 0.9


def test_expression_of_a_large_bank_is_read_a_few_rows_at_a_time(case, monkeypatch):
    query, keys, values = (torch.from_numpy(each) for each in case)
    whole = retrieve(query, keys, values.numpy(), k=6)
    monkeypatch.setattr(retrieval, "KEPT_BYTES", 300)  # two queries at once
    found = retrieve(query, keys, values.numpy(), k=6)
    np.testing.assert_array_equal(found.expression, whole.expression)
    np.testing.assert_array_equal(found.spread, whole.spread)


@pytest.mark.parametrize("block", [7, 1000])
def test_nearness_is_that_of_brute_force(case, monkeypatch, block):
    query, keys, _ = case
    monkeypatch.setattr(retrieval, "KEYS_AT_ONCE", block)
    near = retrieval.Nearest(torch.from_numpy(keys), 10)
    similarity, distance = near(torch.from_numpy(query))
    unit = [each / np.linalg.norm(each, axis=1, keepdims=True) for each in (query, keys)]
    best = np.sort(unit[0] @ unit[1].T, axis=1)[:, -10:].mean(axis=1)
    np.testing.assert_allclose(similarity, best, atol=1e-6)
    away = np.linalg.norm(query[:, None] - keys, axis=2).min(axis=1)
    np.testing.assert_allclose(distance, away, rtol=1e-5)


def test_weights_by_hand():
    query = torch.tensor([[1.0, 0.0]])
    keys = torch.tensor([[2.0, 0.0], [4.0, 0.0], [-1.0, 0.0]])
    values = np.array([[10.0], [20.0], [1000.0]], dtype=np.float32)
    found = retrieve(query, keys, values, k=2, distance="l2")
    # distances 1 and 3, weights 1 and 1/9, mean (10 + 20/9) / (10/9) = 11
    assert found.expression[0, 0] == pytest.approx(11.0)
    assert found.retrieved.weights[0] == pytest.approx([0.9, 0.1])
    assert found.distance[0] == pytest.approx(1.0)


def test_distances_are_between_projections_that_are_not_normalised():
    """Two keys in the same direction are equally similar, and yet not equally far."""
    query = torch.tensor([[1.0, 0.0]])
    keys = torch.tensor([[3.0, 0.0], [2.0, 0.0]])
    l2 = find_retrieved(query, keys, k=2, distance="l2")
    assert l2.weights[0] == pytest.approx([0.2, 0.8])


@pytest.mark.parametrize("distance", ["l1", "l2", "cosine"])
def test_a_reference_at_distance_zero_takes_all_the_weight(case, distance):
    _, keys, values = case
    twice = np.concatenate([keys, keys[3:4]])
    found = retrieve(
        torch.from_numpy(keys[3:4]),
        torch.from_numpy(twice),
        np.concatenate([values, values[3:4] + 2]),
        k=5,
        distance=distance,
    )
    assert found.retrieved.weights[0, :2] == pytest.approx([0.5, 0.5])
    np.testing.assert_allclose(found.expression[0], values[3] + 1, rtol=1e-5)


def test_no_more_than_all_references_vote(case):
    query, keys, values = case
    found = retrieve(torch.from_numpy(query), torch.from_numpy(keys), values, k=500)
    assert found.retrieved.indices.shape == (7, 40)
    assert found.similarity.shape == (7,)


def test_of_equally_similar_references_the_first_vote():
    keys = torch.ones(50, 4)
    retrieved = find_retrieved(torch.tensor([[1.0, 2.0, 3.0, 4.0]]), keys, k=7)
    assert retrieved.indices[0].tolist() == [0, 1, 2, 3, 4, 5, 6]


def test_no_queries_give_no_expression(case):
    _, keys, values = case
    found = retrieve(torch.zeros(0, 16), torch.from_numpy(keys), values, k=5)
    assert found.expression.shape == (0, 5)
