"""Every command does its work where no socket can be opened, and no model leads to the network."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import click
import pytest
import torch
import typer

from napari_mclstexp.cli.app import app
from support import hostile_kit, hostile_texts
from support.closed_sockets.sitecustomize import close_sockets
from support.cohort_fixtures import QUICK
from support.places import TESTS
from support.public_data_kit import her2st
from support.reference_checkpoint import published_state
from support.shell_kit import shell


@pytest.fixture
def tries(monkeypatch, tmp_path) -> Callable[[], str]:
    """Close all sockets, those of processes started here too; return what says who tried."""
    log = tmp_path / "tries.txt"
    ours = str(TESTS / "support" / "closed_sockets")
    path = os.pathsep.join([ours, os.environ.get("PYTHONPATH", "")])
    monkeypatch.setenv("PYTHONPATH", path)
    monkeypatch.setenv("CLOSED_SOCKETS", str(log))
    monkeypatch.setenv("NAPARI_MCLSTEXP_DATA", str(tmp_path / "shelf"))
    close_sockets(monkeypatch.setattr)
    return lambda: log.read_text() if log.exists() else ""


def commands_of(group: click.Group, before: str = "") -> set[str]:
    """Return all commands of the shell, those of groups as "models list"."""
    found: set[str] = set()
    for name, each in group.commands.items():
        inner = hasattr(each, "commands")
        found |= commands_of(each, f"{name} ") if inner else {before + name}
    return found


@pytest.mark.slow
def test_every_command_works_with_all_sockets_closed(tries, tmp_path, tiny_model, cohort):
    bench = tmp_path / "bench"
    bench.mkdir()
    hostile_kit.write_bench(bench, tiny_model)
    (bench / "slides.csv").write_text("slide,spots\nslide.ome.tif,spots.h5ad\n")
    learn = ("--cohort", cohort, "--genes", cohort.parent / "genes.txt", *QUICK)
    on_slide = ("--slide", bench / "slide.ome.tif", "--model", bench / "model")
    result = bench / "r.h5ad"
    hostile_kit.picture(bench / "onto.png", (1600, 1200))
    torch.save(published_state(n_genes=3, rows=64), bench / "c.pt")
    data = her2st(bench / "data", "as packed")
    commands: list[tuple[object, ...]] = [
        ("predict", *on_slide, "--spots", bench / "spots.h5ad", "--out", result),
        *(("info", bench / name) for name in ("slide.ome.tif", "spots.h5ad", "model", "r.h5ad")),
        ("predict-cohort", "--slides", bench / "slides.csv", "--model", bench / "model",
         "--out", bench / "c", "--processes", 1),
        ("check", cohort),
        ("train", *learn, "--epochs", 1, "--out", bench / "trained"),
        ("evaluate", *learn, "--epochs", 1, "--no-heads", "--out", bench / "e"),
        ("domains", result, "--out", bench / "d.h5ad", "--k", 2),
        ("signature", result, "--out", bench / "s.h5ad", "--genes", "FASN,GNAS",
         "--how", "z"),
        ("regions", result, "--geojson", bench / "regions.geojson", "--out", bench / "r.csv"),
        *(("export", bench / "d.h5ad", "--to", kind, "--gene", "FASN", "--out", bench / f"x.{kind}")
          for kind in ("geojson", "csv", "h5ad", "zarr")),
        ("export", result, "--to", "figure", "--gene", "FASN", "--out", bench / "x.png"),
        ("similar", result, "--spot", "spot1", "--out", bench / "places.csv"),
        ("register", bench / "points.csv", "--slide", bench / "slide.ome.tif", "--onto",
         bench / "onto.png", "--onto-um-per-px", 1, "--out", bench / "pairs.csv"),
        ("import-checkpoint", bench / "c.pt", *learn[:4], "--out", bench / "imported"),
        ("recipe", "her2st", "--data", data, "--out", bench / "t",
         "--genes", _written(bench / "list.txt", "A\nC\n"), "--no-train"),
        ("models", "build", "her2st", "--data", data, "--genes", bench / "list.txt",
         "--out", bench / "built", "--from-scratch", "--patch-px", 32, "--epochs", 1),
        ("models", "list"),
        ("models", "add", bench / "model", "--as", "tiny"),
        ("doctor", "--model", "demo"),
        ("demo", "--out", bench / "demo"),
    ]  # fmt: skip
    every = commands_of(typer.main.get_command(app))
    tried = {" ".join(map(str, each[: 2 if each[0] == "models" else 1])) for each in commands}
    assert tried == every - {"models fetch"}
    for command in commands:
        done = shell(*command)
        assert done.code == 0, (command, done.err)
    assert tries() == ""
    refused = shell("models", "fetch", "densenet121", "--yes")  # the one that is asked to
    assert (refused.code, refused.err.count("\n")) == (2, 1)
    assert tries() != ""


@pytest.mark.parametrize(
    "name", [name for name in hostile_texts.MODELS if name.startswith("an encoder of")]
)
def test_a_model_that_names_the_network_is_refused_at_once(tries, tmp_path, tiny_model, name):
    (tmp_path / "model").symlink_to(tiny_model)
    bad = hostile_texts.MODELS[name](tmp_path)
    done = shell("info", bad)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "names no encoder" in done.err
    assert tries() == ""


def test_libraries_are_told_to_stay_offline():
    shell("--version")
    assert os.environ["HF_HUB_OFFLINE"] == "1"
    assert os.environ["TRANSFORMERS_OFFLINE"] == "1"


def _written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path
