"""What is on the shelf is known by its content."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_mclstexp.errors import OutputError
from napari_mclstexp.library.catalogue import Catalogue
from napari_mclstexp.library.shelf import Shelf, user_shelf
from support.http_kit import entry, facts, read

NET = read(entry("encoder", "net", facts("net-1.pth", b"one"), facts("net.safetensors", b"two")))
TWO = read(entry("dataset", "two", facts("a/x", b"first"), facts("b", b"second")))
CATALOGUE = Catalogue(format=1, entries=(NET, TWO))


@pytest.fixture
def shelf(tmp_path) -> Shelf:
    (tmp_path / "torch").mkdir()
    made = Shelf(tmp_path / "shelf", (tmp_path / "torch",))
    for folder in (made.weights, made.datasets / "two" / "a"):
        folder.mkdir(parents=True)
    return made


def test_any_one_file_is_enough_for_an_encoder(shelf):
    assert shelf.held(NET).state == "not here"
    (shelf.weights / "net.safetensors").write_bytes(b"twO")
    assert shelf.held(NET).state == "damaged"
    (shelf.weights / "net.safetensors").write_bytes(b"two")
    assert shelf.held(NET).state == "here"


def test_what_torch_keeps_counts_too(shelf):
    (shelf.elsewhere[0] / "net-1.pth").write_bytes(b"one")
    assert shelf.held(NET).here == {"net-1.pth": shelf.elsewhere[0] / "net-1.pth"}


def test_a_data_set_needs_all_its_files(shelf):
    folder = shelf.datasets / "two"
    (folder / "a" / "x").write_bytes(b"first")
    assert (shelf.held(TWO).state, shelf.held(TWO).complete) == ("in part", False)
    assert [each.path for each in shelf.held(TWO).lacking] == ["b"]
    (folder / "b").write_bytes(b"second")
    assert shelf.held(TWO).state == "here"


@pytest.mark.parametrize(
    ("encoder", "file"), [("net", "net-1.pth"), ("timm:big_net", "big_net.safetensors")]
)
def test_weights_are_found_by_the_names_they_have(shelf, encoder, file):
    assert shelf.find_weights(encoder, CATALOGUE) is None
    (shelf.weights / file).touch()
    assert shelf.find_weights(encoder, CATALOGUE) == shelf.weights / file


def test_the_place_can_be_chosen(tmp_path, monkeypatch):
    monkeypatch.setenv("NAPARI_MCLSTEXP_DATA", str(tmp_path / "own"))
    assert user_shelf().root == tmp_path / "own"
    monkeypatch.delenv("NAPARI_MCLSTEXP_DATA")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert user_shelf().root == tmp_path / "data" / "napari-mclstexp"
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "t"))
    assert user_shelf().elsewhere == (tmp_path / "t" / "hub" / "checkpoints",)


def test_a_shelf_that_cannot_be_made_is_told(tmp_path):
    Path(tmp_path / "file").touch()
    shelf = Shelf(tmp_path / "file" / "shelf")
    with pytest.raises(OutputError, match="NAPARI_MCLSTEXP_DATA"):
        shelf.make(shelf.weights)
