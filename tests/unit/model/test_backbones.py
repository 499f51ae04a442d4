"""Encoder weights come from local files only, whole and fitting, or with a sentence."""

from __future__ import annotations

import pickle
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from napari_mclstexp.errors import ModelError
from napari_mclstexp.model.backbones import (
    DENSENET_FILE,
    build_backbone,
    find_imagenet_weights,
    input_stats,
    load_backbone_weights,
    read_tensors,
)
from support.places import SHARED

LITE0 = "timm:tf_efficientnet_lite0"
LITE0_WEIGHTS = SHARED / "weights/tf_efficientnet_lite0.safetensors"


@pytest.fixture(scope="module")
def densenet():
    return build_backbone("densenet121")[0].eval()


def test_torchvisions_own_file_loads_with_its_old_names(densenet, tmp_path):
    from torchvision.models import densenet121

    source = densenet121(weights=None).eval()
    old = {
        key.replace("norm1.", "norm.1.").replace("conv2.", "conv.2."): value
        for key, value in source.state_dict().items()
    }
    torch.save(old, tmp_path / DENSENET_FILE)
    load_backbone_weights(densenet, tmp_path / DENSENET_FILE)
    x = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        expected = source.classifier(densenet(x))
        torch.testing.assert_close(source(x), expected)


@pytest.mark.skipif(not LITE0_WEIGHTS.is_file(), reason=f"{LITE0_WEIGHTS} is not there")
def test_efficientnet_weights_fit_and_tell_patches_apart():
    encoder = build_backbone(LITE0)[0].eval()
    load_backbone_weights(encoder, LITE0_WEIGHTS)
    with torch.inference_mode():
        features = encoder(torch.stack([torch.zeros(3, 64, 64), torch.rand(3, 64, 64)]))
    assert features.shape == (2, 1280)
    assert not torch.allclose(features[0], features[1])
    assert input_stats(LITE0) == ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


def test_weights_of_another_encoder_are_refused(densenet, tmp_path):
    save_file({"conv_stem.weight": torch.zeros(3)}, tmp_path / "other.safetensors")
    with pytest.raises(ModelError, match=r"are missing, 0\.conv0\.weight the first"):
        load_backbone_weights(densenet, tmp_path / "other.safetensors")


def test_weights_of_another_size_are_refused(densenet, tmp_path):
    state = {k: v.clone() for k, v in densenet.state_dict().items()}
    state["0.conv0.weight"] = torch.zeros(64, 1, 7, 7)
    save_file(state, tmp_path / "grey.safetensors")
    with pytest.raises(ModelError, match=r"0\.conv0\.weight is \(64, 1, 7, 7\)"):
        load_backbone_weights(densenet, tmp_path / "grey.safetensors")


class Trap:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self):
        return (Path.touch, (Path(self.path),))


def test_a_file_that_carries_code_is_refused_and_runs_nothing(tmp_path):
    sprung = tmp_path / "sprung"
    (tmp_path / "evil.pth").write_bytes(pickle.dumps(Trap(str(sprung))))
    torch.save({"weight": Trap(str(sprung))}, tmp_path / "evil2.pth")
    for name in ("evil.pth", "evil2.pth"):
        with pytest.raises(ModelError, match="not a file of plain tensors"):
            read_tensors(tmp_path / name)
    assert not sprung.exists()


def test_a_missing_or_damaged_file_is_named(tmp_path):
    with pytest.raises(ModelError, match="no weights file"):
        read_tensors(tmp_path / "gone.pth")
    (tmp_path / "torn.safetensors").write_bytes(b"\x10\0\0\0")
    with pytest.raises(ModelError, match=r"torn\.safetensors"):
        read_tensors(tmp_path / "torn.safetensors")


@pytest.mark.parametrize("name", ["densenet121", LITE0])
def test_missing_imagenet_weights_say_within_seconds_which_file_to_put_where(
    name, tmp_path, monkeypatch
):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    start = time.monotonic()
    with pytest.raises(ModelError, match="--weights") as caught:
        find_imagenet_weights(name)
    assert time.monotonic() - start < 5
    if name == "densenet121":
        assert DENSENET_FILE in str(caught.value)
        assert str(tmp_path) in str(caught.value)


def test_imagenet_weights_that_are_there_are_found(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    path = tmp_path / "hub" / "checkpoints" / DENSENET_FILE
    path.parent.mkdir(parents=True)
    path.touch()
    assert find_imagenet_weights("densenet121") == path


@pytest.mark.parametrize("name", ["resnet", "timm:no_such_net"])
def test_unknown_encoders_are_refused(name):
    with pytest.raises(ModelError, match=name.removeprefix("timm:")):
        build_backbone(name)
