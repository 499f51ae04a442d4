"""Inner layers are maps over the picture, of DenseNet and of what timm has."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from napari_mclstexp.errors import ModelError
from napari_mclstexp.model import EncoderConfig, InnerLayers
from napari_mclstexp.model.image_encoder import ImageEncoder
from napari_mclstexp.model.inner_layers import inner_layers


def encoder_named(name: str) -> ImageEncoder:
    torch.manual_seed(0)
    return ImageEncoder(EncoderConfig(name=name)).eval()


@pytest.mark.parametrize(
    ("name", "channels", "strides"),
    [
        ("densenet121", (256, 512, 1024, 1024), (4, 8, 16, 32)),
        ("timm:test_resnet", (32, 32, 48, 192, 96, 96), (2, 4, 8, 16, 32, 32)),
    ],
)
def test_layers_have_channels_and_strides_and_the_last_is_what_features_are_made_of(
    name, channels, strides
):
    encoder = encoder_named(name)
    layers = InnerLayers(encoder, inner_layers(name))
    assert (layers.channels, layers.strides) == (channels, strides)
    images = torch.rand(2, 3, 64, 96)
    with torch.inference_mode():
        maps = layers(images)
        features = encoder(images)
    assert [each.shape for each in maps] == [
        (2, c, 64 // stride, 96 // stride) for c, stride in zip(channels, strides, strict=True)
    ]
    pooled = functional.adaptive_avg_pool2d(maps[-1], 1).flatten(1)
    torch.testing.assert_close(pooled, features)


def test_some_layers_come_in_the_order_asked_for_and_the_encoder_stays_as_it_is():
    encoder = encoder_named("densenet121").train()
    layers = InnerLayers(encoder, ("block2", "block1"))
    assert layers.channels == (512, 256)
    assert encoder.training
    copy = layers.for_inference(torch.device("cpu"), torch.bfloat16, torch.channels_last)
    assert next(encoder.model.parameters()).dtype == torch.float32
    with torch.inference_mode():
        assert {each.dtype for each in copy(torch.rand(1, 3, 32, 32))} == {torch.bfloat16}


def test_what_has_no_such_layer_is_refused_in_a_sentence():
    with pytest.raises(ModelError, match=r"has no layer 'stage9'; its layers are stage1, .*last"):
        InnerLayers(encoder_named("timm:test_resnet"), ("stage9",))
    with pytest.raises(ModelError, match="twice"):
        InnerLayers(encoder_named("timm:test_resnet"), ("last", "last"))
    with pytest.raises(ModelError, match=r"vit_tiny.* cannot make a feature map"):
        inner_layers("timm:vit_tiny_patch16_224")
