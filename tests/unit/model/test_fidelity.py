"""The network against an independent numpy version, written from the paper's equations."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from napari_mclstexp.errors import ModelError
from napari_mclstexp.model.config import ModelConfig, PositionsConfig
from napari_mclstexp.model.loss import contrastive_loss, ranking_loss
from napari_mclstexp.model.mclstexp import MclSTExp
from napari_mclstexp.model.projection import ProjectionHead
from napari_mclstexp.model.spot_encoder import AttentionBlock
from support.numpy_reference import (
    HEADS,
    WIDTH,
    attention_block,
    numpy_of,
    projection_head,
    softmax,
)

G, S = 6, 5


def randomised(module: torch.nn.Module) -> torch.nn.Module:
    generator = torch.Generator().manual_seed(1)
    for parameter in module.parameters():  # norms too, which start as the identity
        parameter.data = torch.randn(parameter.shape, generator=generator) * 0.5
    return module.double().eval()


@pytest.fixture
def spots() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(S, G))


def test_attention_block_is_the_papers(spots):
    block = randomised(AttentionBlock(G, HEADS, WIDTH, dropout=0.1))
    ours = block(torch.from_numpy(spots)).detach().numpy()
    np.testing.assert_allclose(ours, attention_block(spots, numpy_of(block)), atol=1e-10)


def test_projection_head_is_the_papers():
    head = randomised(ProjectionHead(7, 256, dropout=0.1))
    x = np.random.default_rng(2).normal(size=(S, 7))
    ours = head(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(ours, projection_head(x, numpy_of(head)), atol=1e-10)


@pytest.fixture(scope="module")
def network() -> MclSTExp:
    config = ModelConfig(
        name="tiny",
        genes=tuple("ABCDEF"),
        um_per_px=1.0,
        patch_px=32,
        positions=PositionsConfig(n_rows=4, n_cols=9),
    )
    return randomised(MclSTExp(config))


def test_spot_side_adds_column_and_row_embeddings_then_two_blocks_then_the_head(network, spots):
    rows, cols = np.array([0, 3, 1, 1, 2]), np.array([8, 0, 4, 5, 4])
    ours = network.encode_spots(
        torch.from_numpy(spots), torch.from_numpy(rows), torch.from_numpy(cols)
    )
    w = numpy_of(network)
    x = spots + w["x_embed.weight"][cols] + w["y_embed.weight"][rows]
    for layer in ("spot_encoder.0.", "spot_encoder.1."):
        x = attention_block(x, w, layer)
    head = {
        k.removeprefix("spot_projection."): v
        for k, v in w.items()
        if k.startswith("spot_projection.")
    }
    np.testing.assert_allclose(ours.detach().numpy(), projection_head(x, head), atol=1e-9)


@pytest.mark.parametrize(
    ("row", "col", "words"),
    [(4, 0, "array row 4"), (0, 9, "array column 9"), (-1, 0, "array row -1")],
)
def test_positions_outside_the_table_are_named(network, row, col, words):
    one = torch.zeros(1, G, dtype=torch.float64)
    with pytest.raises(ModelError, match=words):
        network.encode_spots(one, torch.tensor([row]), torch.tensor([col]))


def test_neighbours_in_the_sequence_change_a_spots_code(network, spots):
    x, rows, cols = torch.from_numpy(spots), torch.arange(4), torch.arange(4)
    together = network.encode_spots(x[:4], rows, cols)
    alone = network.encode_spots(x[:1], rows[:1], cols[:1])
    assert not torch.allclose(together[:1], alone)


def numpy_loss(spots, images, temperature):
    logits = spots @ images.T / temperature
    by_spot = -np.log(np.diag(softmax(logits))).mean()
    by_image = -np.log(np.diag(softmax(logits.T))).mean()
    return (by_spot + by_image) / 2


@pytest.mark.parametrize("temperature", [1.0, 0.25])
def test_loss_is_the_symmetric_cross_entropy_with_pairs_on_the_diagonal(temperature):
    rng = np.random.default_rng(3)
    spots, images = rng.normal(size=(4, 3)), rng.normal(size=(4, 3))
    ours = contrastive_loss(torch.from_numpy(spots), torch.from_numpy(images), temperature)
    assert ours.item() == pytest.approx(numpy_loss(spots, images, temperature), abs=1e-12)


def test_loss_of_two_orthogonal_pairs_by_hand():
    eye = torch.eye(2, dtype=torch.float64)
    # Each row of logits is (1, 0): the loss is ln(1 + e^-1) on both sides.
    assert contrastive_loss(eye, eye).item() == pytest.approx(math.log(1 + math.exp(-1)))


def test_gradient_of_the_loss_is_the_one_derived_by_hand():
    rng = np.random.default_rng(4)
    a, b, t = rng.normal(size=(5, 3)), rng.normal(size=(5, 3)), 0.7
    spots = torch.from_numpy(a).requires_grad_()
    images = torch.from_numpy(b).requires_grad_()
    contrastive_loss(spots, images, t).backward()
    logits, eye, n = a @ b.T / t, np.eye(5), 5
    # d loss / d logits = ((P_rows - I) + (P_columns - I)) / 2n
    slope = ((softmax(logits) - eye) + (softmax(logits.T).T - eye)) / (2 * n)
    np.testing.assert_allclose(spots.grad.numpy(), slope @ b / t, atol=1e-12)
    np.testing.assert_allclose(images.grad.numpy(), slope.T @ a / t, atol=1e-12)


def test_densenet_features_are_1024_pooled_values(network):
    with torch.inference_mode():
        features = network.image_encoder(torch.rand(2, 3, 32, 32, dtype=torch.float64))
    assert features.shape == (2, 1024)


def test_ranking_loss_of_three_spots_by_hand():
    # Less the mean, expression is (2, 1), (1, -1), (-3, 0): cosines 1/sqrt(10) of the first two,
    # -2/sqrt(5) of first and last, -1/sqrt(2) of the others.
    expression = torch.tensor([[6.0, 4.0], [5.0, 2.0], [1.0, 3.0]], dtype=torch.float64)
    images = torch.tensor([[2.0, 0.0], [0.0, 3.0], [-1.0, 0.0]], dtype=torch.float64)
    near, far, across = 1 / math.sqrt(10), -2 / math.sqrt(5), -1 / math.sqrt(2)
    # Cosines of images: 0 of the first two, -1 of first and last, 0 of the others.
    pairs = (
        (near - far, -1 - 0),  # anchor 0: spot 1 is more alike than spot 2, and looks so
        (near - across, 0 - 0),  # anchor 1: spot 0 more than spot 2
        (across - far, -1 - 0),  # anchor 2: spot 1 more than spot 0
    )
    weights = sum(weight for weight, _ in pairs)
    by_hand = sum(weight * math.log1p(math.exp(apart)) for weight, apart in pairs) / weights
    assert ranking_loss(images, expression).item() == pytest.approx(by_hand, abs=1e-12)
    turned = images.clone()
    turned[1] = -turned[1]  # similarities stay, so does the loss: it reads cosines only
    assert ranking_loss(turned, 5 * expression).item() == pytest.approx(by_hand, abs=1e-12)
    wrong = images[[2, 1, 0]] * torch.tensor([[1.0, 1.0], [1.0, 1.0], [-1.0, 1.0]])
    assert ranking_loss(wrong, expression).item() > by_hand  # the last now looks like the first


@pytest.mark.parametrize("n", [1, 2])
def test_ranking_loss_without_a_pair_is_zero_and_has_a_gradient(n):
    images = torch.ones(n, 2, requires_grad=True)
    loss = ranking_loss(images, torch.eye(2)[:n])
    loss.backward()
    assert loss.item() == 0
    assert torch.isfinite(images.grad).all()
