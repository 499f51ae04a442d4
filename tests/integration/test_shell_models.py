"""`models` in the shell, and that nothing else of the program opens a socket."""

from __future__ import annotations

import json
import shutil
import socket

import pytest

from napari_mclstexp.library.catalogue import VARIABLE
from napari_mclstexp.model import read_card
from support.http_kit import closed_port, content, entry, facts, serving, write_catalogue
from support.public_data_kit import her2st
from support.shell_kit import files_under, shell

WEIGHTS = content(0, 50_000)


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """Return an empty shelf, on which a test finds nothing of other tests or of the person."""
    monkeypatch.setenv("NAPARI_MCLSTEXP_DATA", str(tmp_path / "shelf"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return tmp_path / "shelf"


@pytest.fixture
def catalogue(tmp_path, monkeypatch):
    """Return a function that makes a catalogue whose one encoder has this address."""

    def make(address: str) -> None:
        net = entry("encoder", "net", facts("net.pth", WEIGHTS, address))
        monkeypatch.setenv(VARIABLE, str(write_catalogue(tmp_path / "catalogue.json", net)))

    return make


@pytest.fixture
def no_sockets(monkeypatch):
    """Fail wherever a connection to another machine, or to this one, is begun."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def test_the_list_says_what_is_here_to_people_and_machines(shelf, tiny_model):
    said = shell("models", "list")
    assert (said.code, said.err) == (0, "")
    assert "densenet121                 not here  32 MB" in said.out
    assert "her2st-small  not here  24 MB" in said.out
    assert shell("models", "add", tiny_model).code == 0
    document = json.loads(shell("models", "list", "--json").out)
    assert document["folder"] == str(shelf)
    assert document["models"] == [
        {"path": str(shelf / "models" / "tiny"), "name": "Tiny", "n_genes": 4}
    ]
    assert {each["name"]: each["state"] for each in document["catalogue"]}["densenet121"] == (
        "not here"
    )
    assert [each["name"] for each in document["buildable"]] == ["her2st"]


def test_fetch_asks_first_and_says_what_it_would_do(shelf, catalogue):
    with serving(**{"net.pth": WEIGHTS}) as server:
        catalogue(server.address)
        asked = shell("models", "fetch", "net")  # nobody is at this terminal
        assert (asked.code, asked.err.count("\n")) == (2, 1)
        for word in ("a test", "127.0.0.1", "50 kB", "licence: MIT", str(shelf), "--yes"):
            assert word in asked.err
        assert server.ranges == []
        assert not shelf.exists()
        done = shell("models", "fetch", "net", "--yes", "--json")
        assert (done.code, done.err) == (0, "")
        (fetched,) = json.loads(done.out)["fetched"]
        assert fetched["path"] == str(shelf / "weights" / "net.pth")
        assert shell("models", "fetch", "net").code == 0  # it is here: nothing to ask
        assert len(server.ranges) == 1
    assert "net  here" in shell("models", "list").out


def test_a_models_name_fetches_all_that_it_is_built_from(shelf, tmp_path, monkeypatch):
    with serving(**{"net.pth": WEIGHTS, "slide.jpg": WEIGHTS}) as server:
        catalogue = write_catalogue(
            tmp_path / "catalogue.json",
            entry("encoder", "densenet121", facts("net.pth", WEIGHTS, server.address)),
            entry("encoder", "other", facts("other.pth", WEIGHTS, server.address)),
            entry("dataset", "her2st-small", facts("a/slide.jpg", WEIGHTS, server.address)),
        )
        monkeypatch.setenv(VARIABLE, str(catalogue))
        done = shell("models", "fetch", "her2st", "--yes")
    assert done.code == 0, done.err
    assert "densenet121 (Title of densenet121; a test; licence: MIT)" in done.out
    files = {path for path in files_under(shelf) if "." in path}
    assert files == {"weights/net.pth", "datasets/her2st-small/a/slide.jpg"}


def test_without_a_network_one_line_says_which_file_to_put_where(shelf, catalogue):
    catalogue(closed_port())
    failed = shell("models", "fetch", "net", "--yes")
    assert (failed.code, failed.out, failed.err.count("\n")) == (2, "", 1)
    assert f"put net.pth (50,000 bytes, SHA-256 {facts('', WEIGHTS)['sha256']})" in failed.err
    assert str(shelf / "weights") in failed.err
    unknown = shell("models", "fetch", "nett", "--yes")
    assert unknown.err == "Nothing is called 'nett' in the catalogue; there are net.\n"


@pytest.mark.slow
def test_a_model_is_built_from_a_folder_of_the_data_or_the_ways_to_have_them_are_told(
    shelf, tmp_path
):
    told = shell("models", "build", "her2st")
    assert (told.code, told.err.count("\n")) == (2, 1)
    assert "models fetch her2st`" in told.err
    assert "--data DIR" in told.err
    genes = tmp_path / "genes.txt"
    genes.write_text("A\nC\n")
    data = her2st(tmp_path / "d", "as in the repository")
    options = ("--from-scratch", "--patch-px", 32, "--epochs", 1, "--genes", genes, "--json")
    done = shell("models", "build", "her2st", "--data", data, *options)
    assert done.code == 0, done.err
    assert json.loads(done.out)["path"] == str(shelf / "models" / "her2st")
    assert files_under(shelf / "cohorts") >= {"her2st/cohort.csv", "her2st/genes.txt"}
    assert read_card(shelf / "models" / "her2st").settings["freeze_encoder"]
    listed = json.loads(shell("models", "list", "--json").out)
    assert listed["models"][0]["name"] == "HER2+ breast cancer (her2st)"
    assert listed["buildable"] == []


@pytest.mark.slow
def test_only_fetch_opens_a_socket(
    shelf, catalogue, no_sockets, tmp_path, tiny_model, slide_file, spots_file
):
    catalogue(closed_port())
    with pytest.raises(AssertionError, match="a socket was opened"):
        shell("models", "fetch", "net", "--yes")
    out = tmp_path / "out.h5ad"
    shutil.copytree(tiny_model, tmp_path / "mine")
    for command in (
        ("models", "list"),
        ("models", "add", tmp_path / "mine"),
        ("info", "mine"),
        ("info", slide_file),
        ("predict", "--slide", slide_file, "--spots", spots_file, "--model", "mine",
         "--out", out),
        ("domains", out, "--k", "2", "--out", tmp_path / "domains.h5ad"),
        ("export", out, "--to", "csv", "--out", tmp_path / "out.csv"),
    ):  # fmt: skip
        assert shell(*command).code == 0, command
    # Weights that are missing are not fetched on the way, nor are data.
    cohort = tmp_path / "cohort.csv"
    cohort.write_text(f"section,patient,slide,spots,counts\none,A,{slide_file},{spots_file},\n")
    options = ("--cohort", cohort, "--hvg", 3, "--patch-px", 32, "--um-per-px", 1)
    trained = shell("train", *options, "--out", tmp_path / "trained")
    assert "models fetch" in trained.err or "--weights" in trained.err
    assert "models fetch" in shell("models", "build", "her2st").err
