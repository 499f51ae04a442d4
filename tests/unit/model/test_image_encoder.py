"""The image encoder owns all that decides its features: statistics, views, arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_mclstexp.model import EncoderConfig
from napari_mclstexp.model.image_encoder import ImageEncoder


@pytest.fixture
def encoder() -> ImageEncoder:
    torch.manual_seed(0)
    return ImageEncoder(EncoderConfig(views=8)).eval()


def test_views_average_the_features_of_quarter_turns_and_mirrors(encoder):
    encoder.double()
    x = torch.rand(1, 3, 32, 32, dtype=torch.float64)
    normal = (x - encoder.mean) / encoder.std
    turns = [np.rot90(normal.numpy(), n, (2, 3)) for n in range(4)]
    views = turns + [turn[..., ::-1] for turn in turns]
    expected = sum(encoder.model(torch.from_numpy(view.copy())) for view in views) / 8
    torch.testing.assert_close(encoder(x), expected)
    torch.testing.assert_close(encoder(x.rot90(1, (-2, -1))), expected)


def test_only_the_backbone_of_a_copy_for_inference_changes_its_arithmetic(encoder):
    encoder.train()
    copy = encoder.for_inference(torch.device("cpu"), torch.bfloat16, torch.channels_last)
    assert not copy.training
    assert copy.mean.dtype == copy.std.dtype == torch.float32
    weights = list(copy.model.parameters())
    assert {each.dtype for each in weights} == {torch.bfloat16}
    kernels = [each for each in weights if each.ndim == 4]
    assert all(each.is_contiguous(memory_format=torch.channels_last) for each in kernels)
    with torch.inference_mode():
        assert copy(torch.rand(2, 3, 32, 32)).dtype == torch.float32
    assert encoder.training
    assert {each.dtype for each in encoder.parameters()} == {torch.float32}


def test_a_copy_for_inference_gives_the_same_features(encoder):
    x = torch.rand(2, 3, 32, 32)
    copy = encoder.for_inference(torch.device("cpu"), torch.float32, torch.contiguous_format)
    with torch.inference_mode():
        torch.testing.assert_close(copy(x), encoder(x))


def test_what_the_configuration_holds_is_not_saved_with_the_weights(encoder):
    assert all(name.startswith("model.0.") for name in encoder.state_dict())
