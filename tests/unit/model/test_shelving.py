"""What a person has as files goes to the shelf whole, recognised, or is refused with a sentence."""

from __future__ import annotations

import json
import shutil

import pytest
import torch
from safetensors.torch import save_file

from napari_mclstexp.errors import LibraryError, ModelError
from napari_mclstexp.library.catalogue import Catalogue, read_catalogue
from napari_mclstexp.library.shelf import Shelf
from napari_mclstexp.model import load_model
from napari_mclstexp.model.backbones import (
    build_backbone,
    find_imagenet_weights,
    load_backbone_weights,
)
from napari_mclstexp.model.shelving import add_to_shelf
from napari_mclstexp.session.recent_files import RecentFolders
from napari_mclstexp.widgets.predict.model_choices import choices
from support.http_kit import entry, facts, read
from support.places import SHARED
from support.shell_kit import files_under

DENSENET = SHARED / "weights" / "densenet121_imagenet.safetensors"
TWO = read(entry("dataset", "two", facts("a/x", b"first"), facts("b", b"second")))
NET = read(entry("encoder", "net", facts("net.pth", b"weights")))
CATALOGUE = Catalogue(format=1, entries=(NET, TWO))


@pytest.fixture
def shelf(tmp_path, monkeypatch) -> Shelf:
    monkeypatch.setenv("NAPARI_MCLSTEXP_DATA", str(tmp_path / "shelf"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return Shelf(tmp_path / "shelf")


def test_a_model_is_copied_whole_and_offered_first(shelf, tmp_path, tiny_model):
    added = add_to_shelf(tiny_model, shelf, CATALOGUE)
    assert (added.kind, added.path) == ("model", shelf.models / "tiny")
    assert load_model(added.path).id == load_model(tiny_model).id
    assert add_to_shelf(tiny_model, shelf, CATALOGUE) == added
    offered = choices(RecentFolders(tmp_path / "none.json"), tiny_model)
    assert [each.label for each in offered] == ["Tiny", "Built-in demo", "tiny"]


def test_another_model_of_that_name_is_not_replaced(shelf, tmp_path, tiny_model):
    add_to_shelf(tiny_model, shelf, CATALOGUE)
    other = tmp_path / "other" / "tiny"
    shutil.copytree(tiny_model, other)
    checksums = json.loads((other / "checksums.json").read_text())
    (other / "checksums.json").write_text(json.dumps({**checksums, "former_ids": ["x"]}))
    with pytest.raises(LibraryError, match="Another model tiny is on the shelf"):
        add_to_shelf(other, shelf, CATALOGUE)
    assert add_to_shelf(other, shelf, CATALOGUE, "tiny 2").path == shelf.models / "tiny 2"
    with pytest.raises(LibraryError, match="cannot be the name of a folder"):
        add_to_shelf(other, shelf, CATALOGUE, "../out")


def test_a_damaged_model_is_refused_and_nothing_is_left(shelf, tmp_path, tiny_model):
    shutil.copytree(tiny_model, tmp_path / "broken")
    (tmp_path / "broken" / "weights.safetensors").write_bytes(b"")
    with pytest.raises(ModelError, match=r"weights\.safetensors was changed"):
        add_to_shelf(tmp_path / "broken", shelf, CATALOGUE)
    assert not shelf.root.exists()


def test_a_data_set_is_recognised_whatever_its_files_are_called(shelf, tmp_path):
    data = tmp_path / "download"
    data.mkdir()
    (data / "one").write_bytes(b"first")
    with pytest.raises(LibraryError, match=r"holds 1 of the 2 files of two; b \(6 bytes"):
        add_to_shelf(data, shelf, CATALOGUE)
    (data / "two").write_bytes(b"second")
    added = add_to_shelf(data, shelf, CATALOGUE)
    assert (added.kind, added.name) == ("dataset", "two")
    assert files_under(added.path) == {"a", "a/x", "b"}
    with pytest.raises(LibraryError, match="is no model folder and holds no file of a data set"):
        add_to_shelf(data, shelf, read_catalogue())


def test_weights_are_recognised_by_their_checksum_or_by_the_encoder_they_fit(shelf, tmp_path):
    known = tmp_path / "any name.bin"
    known.write_bytes(b"weights")
    assert add_to_shelf(known, shelf, CATALOGUE).path == shelf.weights / "net.pth"
    own = tmp_path / "own.safetensors"
    save_file({k: v.contiguous() for k, v in build_backbone("densenet121")[0].state_dict().items()},
              own)  # fmt: skip
    with pytest.raises(LibraryError, match=r"none of the files of the catalogue .*--as densenet"):
        add_to_shelf(own, shelf, CATALOGUE)
    with pytest.raises(ModelError, match="does not hold the encoder's weights"):
        add_to_shelf(own, shelf, CATALOGUE, "timm:tf_efficientnet_lite0")
    added = add_to_shelf(own, shelf, CATALOGUE, "densenet121")
    assert added.path == shelf.weights / "densenet121.safetensors"
    assert find_imagenet_weights("densenet121-unrectified") == added.path


def test_a_missing_encoder_is_told_with_the_command_that_fetches_it(shelf):
    for name in ("densenet121", "timm:tf_efficientnet_lite0"):
        with pytest.raises(ModelError, match=f"models fetch {name}`"):
            find_imagenet_weights(name)
    with pytest.raises(ModelError) as caught:
        find_imagenet_weights("timm:resnet18")
    assert "fetch" not in str(caught.value)


@pytest.mark.realdata
@pytest.mark.skipif(not DENSENET.is_file(), reason=f"{DENSENET} is not there")
def test_torchvisions_keys_without_their_prefix_are_read(shelf):
    path = add_to_shelf(DENSENET, shelf, read_catalogue()).path
    assert find_imagenet_weights("densenet121") == path
    encoder = build_backbone("densenet121")[0].eval()
    load_backbone_weights(encoder, path)
    with torch.inference_mode():
        features = encoder(torch.stack([torch.zeros(3, 64, 64), torch.rand(3, 64, 64)]))
    assert features.isfinite().all()
    assert not torch.allclose(features[0], features[1])
