"""The packaged catalogue can be used, agrees with the files at hand, and a broken one is told."""

from __future__ import annotations

import json

import pytest

from napari_mclstexp.errors import LibraryError
from napari_mclstexp.library.catalogue import VARIABLE, read_catalogue
from napari_mclstexp.library.recognise import recognise_dataset, recognise_weights
from support.http_kit import entry, facts, write_catalogue
from support.places import SHARED


def test_the_packaged_catalogue_says_of_everything_whence_it_comes():
    catalogue = read_catalogue()
    assert [each.name for each in catalogue.entries] == [
        "densenet121",
        "timm:tf_efficientnet_lite0",
        "her2st-small",
    ]
    for each in catalogue.entries:
        assert each.wanted, f"{each.name} cannot be fetched"
        assert all(file.url.startswith("https://") for file in each.wanted)
    assert catalogue.find("densenet121").wanted[0].name == "densenet121-a639ec97.pth"
    assert len(catalogue.find("her2st-small").wanted) == 15


@pytest.mark.realdata
@pytest.mark.skipif(not SHARED.is_dir(), reason=f"{SHARED} is not there")
def test_the_files_at_hand_are_recognised():
    catalogue = read_catalogue()
    for file, name in (
        ("densenet121_imagenet.safetensors", "densenet121"),
        ("tf_efficientnet_lite0.safetensors", "timm:tf_efficientnet_lite0"),
    ):
        assert recognise_weights(SHARED / "weights" / file, catalogue).entry.name == name
    found = recognise_dataset(SHARED / "data" / "her2st", catalogue)
    assert found.entry.name == "her2st-small"
    place = "ST-imgs/C/C5/5714_HE_BT_E1.jpg"
    assert found.files[place].relative_to(SHARED).parts[-2:] == ("C5", "5714_HE_BT_E1.jpg")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"sha256": None}, "either sha256 or sha256_prefix"),
        ({"sha256": "a639ec97"}, r"entries\.0\.files\.0\.sha256"),
        ({"path": "../../.bashrc"}, "path must be a name within"),
        ({"path": "/etc/passwd"}, "path must be a name within"),
        ({"url": "ftp://there"}, r"files\.0\.url"),
    ],
)
def test_a_catalogue_that_cannot_be_used_is_told_with_the_place(
    tmp_path, monkeypatch, change, said
):
    wrong = entry("encoder", "net", {**facts("net.pth", b""), **change})
    path = write_catalogue(tmp_path / "catalogue.json", wrong)
    monkeypatch.setenv(VARIABLE, str(path))
    with pytest.raises(LibraryError, match=said) as caught:
        read_catalogue()
    assert str(path) in str(caught.value)


def test_names_are_told_apart_and_listed(tmp_path, monkeypatch):
    net = entry("encoder", "net", facts("net.pth", b""))
    path = write_catalogue(tmp_path / "catalogue.json", net)
    monkeypatch.setenv(VARIABLE, str(path))
    with pytest.raises(LibraryError, match="'nett' in the catalogue; there are net"):
        read_catalogue().find("nett")
    path.write_text(json.dumps({"format": 1, "entries": [net, net]}))
    with pytest.raises(LibraryError, match="net stands there twice"):
        read_catalogue()
