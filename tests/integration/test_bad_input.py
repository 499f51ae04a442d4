"""Whatever is wrong with what a person gives: one sentence, exit code 2, nothing half-written."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from support import widget_kit as kit
from support.shell_kit import files_under, shell

LEGACY_HEADER = "x\ty\tnew_x\tnew_y\tpixel_x\tpixel_y\tselected\n"
SELECTION = LEGACY_HEADER + "5\t6\t5.1\t6.1\t400\t400\t1\n6\t6\t6.1\t6.1\t600\t400\t1\n"
XY = "barcode,x,y\na,400,400\nb,600,400\n"
COUNTS = "\tFASN\tGNAS\n5x6\t3\t0\n6x6\t1\t2\n"


@pytest.fixture
def bench(tmp_path, slide_file, spots_file, tiny_model) -> Path:
    """Return a folder with a slide, spots and a model, all whole, and a place for results."""
    folder = tmp_path / "inputs"
    folder.mkdir()
    shutil.copy(slide_file, folder / "slide.ome.tif")
    shutil.copy(spots_file, folder / "spots.h5ad")
    shutil.copytree(tiny_model, folder / "model")
    (folder / "out").mkdir()
    return folder


def refused(bench: Path, *sentence: str, out: Path | None = None, **changes: object) -> str:
    """Predict with something wrong; check all that must hold for every bad input."""
    options: dict[str, object] = {
        "slide": bench / "slide.ome.tif",
        "spots": bench / "spots.h5ad",
        "model": bench / "model",
        "out": out or bench / "out" / "result.h5ad",
        **changes,
    }
    before = files_under(bench)
    done = shell(
        "predict",
        *(
            each
            for name, value in options.items()
            if value is not None
            for each in (f"--{name.replace('_', '-')}", value)
        ),
    )
    assert done.code == 2, done
    assert done.out == ""
    assert done.err.count("\n") == 1, done.err
    assert done.err.rstrip()[-1] in ".?"
    assert "Traceback" not in done.err
    for part in sentence:
        assert part in done.err
    assert files_under(bench) == before
    return done.err


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def changed_spots(bench: Path, change: Callable[[ad.AnnData], None]) -> Path:
    spots = kit.spots()
    change(spots)
    spots.write_h5ad(bench / "changed.h5ad")
    return bench / "changed.h5ad"


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ("slide", "There is no file"),
        ("spots", "There is no file or folder"),
        ("model", "There is no model folder"),
    ],
)
def test_missing_file(bench, option, sentence):
    refused(bench, sentence, "nowhere", **{option: bench / "nowhere"})


def test_folder_instead_of_a_slide(bench):
    refused(bench, "is a folder", slide=bench / "model")


@pytest.mark.parametrize("kept", [0.999, 0.5, 0.01], ids=["end", "half", "nearly all"])
def test_truncated_tiff(bench, kept):
    whole = (bench / "slide.ome.tif").read_bytes()
    (bench / "cut.tif").write_bytes(whole[: int(len(whole) * kept)])
    refused(bench, "cut.tif", slide=bench / "cut.tif")


def test_truncated_jpeg(bench):
    Image.effect_noise((1600, 1200), 60).convert("RGB").save(bench / "whole.jpg")
    whole = (bench / "whole.jpg").read_bytes()
    (bench / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    refused(bench, "cut.jpg", slide=bench / "cut.jpg", um_per_px=0.5)


def test_text_renamed_svs(bench):
    slide = write(bench / "notes.svs", "These are my notes.\n" * 40)
    refused(bench, "notes.svs is not a slide", "contains text", slide=slide)


def test_empty_file(bench):
    refused(bench, "empty.svs is empty", slide=write(bench / "empty.svs", ""))


def test_slide_without_scale_and_spots_that_do_not_tell_it(bench):
    slide = kit.write_slide(bench / "noscale.ome.tif", um_per_px=None)
    said = refused(bench, "noscale.ome.tif does not say", slide=slide)
    assert "--um-per-px" in said
    refused(bench, "noscale.ome.tif does not say", slide=slide, spots=None, grid=100)


def test_scale_that_is_none(bench):
    refused(bench, "-0.5 is no scale", um_per_px=-0.5)


def test_spots_outside_the_slide(bench):
    def shift(spots: ad.AnnData) -> None:
        spots.obsm["spatial"][:2] += 5000

    spots = changed_spots(bench, shift)
    refused(bench, "2 of 63 spots lie outside", "spot0", "another resolution", spots=spots)


def test_duplicate_barcodes_in_h5ad(bench):
    spots = kit.spots()
    spots.obs_names = ["same", "same", *spots.obs_names[2:]]
    spots.write_h5ad(bench / "twice.h5ad")
    refused(bench, "the spot same more than once", spots=bench / "twice.h5ad")


def test_duplicate_barcodes_in_a_table(bench):
    spots = write(bench / "xy.csv", XY + "a,800,400\n")
    refused(bench, "xy.csv", "the spot a more than once", spots=spots)


@pytest.mark.parametrize(
    ("value", "what"),
    [("-3", "-3, which is negative"), ("1.5", "1.5, which is not a whole number")],
    ids=["negative", "not whole"],
)
def test_counts_that_are_none(bench, value, what):
    spots = write(bench / "S_selection.tsv", SELECTION)
    write(bench / "S.tsv", COUNTS.replace("\t3\t", f"\t{value}\t"))
    refused(bench, "FASN in spot 5x6", what, spots=spots)


def test_negative_counts_in_h5ad(bench):
    def spoil(spots: ad.AnnData) -> None:
        spots.X[4, 1] = -2

    refused(bench, "GNAS in spot spot4 is -2", spots=changed_spots(bench, spoil))


def test_counts_that_are_no_numbers(bench):
    spots = write(bench / "S_selection.tsv", SELECTION)
    write(bench / "S.tsv", COUNTS.replace("\t3\t", "\tmany\t"))
    refused(bench, "line 2", "'many', which is no number", spots=spots)


@pytest.mark.parametrize("file", ["weights.safetensors", "bank.h5ad", "config.json", "README.md"])
def test_model_folder_with_one_byte_changed(bench, file):
    path = bench / "model" / file
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    refused(bench, file, "was changed")


def test_folder_that_is_no_model(bench):
    refused(bench, "is no model folder", model=bench / "out")


def test_gene_that_the_model_lacks(bench):
    refused(bench, "gene FASN2", "did you mean FASN", genes="GNAS,FASN2")
    refused(bench, "names no gene", genes=" , ")


def test_coordinates_that_are_nan(bench):
    def lose(spots: ad.AnnData) -> None:
        spots.obsm["spatial"][7, 0] = np.nan

    refused(bench, "no coordinates for the spot spot7", spots=changed_spots(bench, lose))
    table = write(bench / "xy.csv", XY.replace("600", "nan"))
    refused(bench, "xy.csv, line 3", "'nan', which is no number", spots=table)


def test_zero_spots(bench):
    refused(bench, "has no spots", spots=write(bench / "xy.csv", "x,y\n"))
    spots = kit.spots()[:0].copy()
    spots.write_h5ad(bench / "none.h5ad")
    refused(bench, "has no spots", spots=bench / "none.h5ad")


def test_no_tissue(bench):
    Image.fromarray(np.full((600, 800, 3), 243, np.uint8)).save(bench / "glass.png")
    arguments = {"slide": bench / "glass.png", "spots": None, "grid": 100, "um_per_px": 0.5}
    refused(bench, "No tissue was found on glass.png", **arguments)


@pytest.mark.parametrize("pitch", ["0", "-5", "nan"])
def test_grid_that_is_none(bench, pitch):
    refused(bench, "--grid is", spots=None, grid=pitch)


def test_device_that_is_not_there(bench):
    refused(bench, "tpu", device="tpu")


def test_output_that_would_overwrite_the_input(bench):
    before = (bench / "spots.h5ad").read_bytes()
    refused(bench, "would overwrite --spots", out=bench / "spots.h5ad")
    assert (bench / "spots.h5ad").read_bytes() == before


def test_output_into_no_folder_or_of_another_kind(bench):
    refused(bench, "does not exist", out=bench / "nowhere" / "result.h5ad")
    refused(bench, "must be the name of an .h5ad file", out=bench / "result.csv")


def test_a_result_from_before_outlives_a_run_that_fails(bench):
    before = bench / "out" / "result.h5ad"
    before.write_bytes(b"yesterday's result")
    refused(bench, "FASN2", genes="FASN2")
    assert before.read_bytes() == b"yesterday's result"


@pytest.fixture
def mounted(tmp_path) -> Iterator[Callable[[str], Path]]:
    """Return a function that mounts a small disk, for those who may."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def mount(options: str) -> Path:
        if shutil.which("mount") is None or not hasattr(os, "geteuid") or os.geteuid() != 0:
            pytest.skip("only root can mount a small disk")
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"mounting a small disk is not allowed here: {done.stderr.strip()}")
        return folder

    yield mount
    subprocess.run(["umount", str(folder)], capture_output=True, check=False)


def test_disk_full(bench, mounted):
    disk = mounted("size=64k")
    refused(bench, "The disk is full", out=disk / "result.h5ad")
    assert files_under(disk) == set()


def training(bench: Path, out: Path) -> tuple[object, ...]:
    table = pd.DataFrame(
        {"section": ["S"], "patient": ["P"], "slide": ["slide.ome.tif"], "spots": ["spots.h5ad"]}
    )
    table.to_csv(bench / "cohort.csv", index=False)
    genes = write(bench / "genes.txt", "FASN\nGNAS\n")
    cohort = ("--cohort", bench / "cohort.csv", "--genes", genes, "--out", out)
    quick = ("--preset", "paper", "--patch-px", 32, "--um-per-px", 1, "--epochs", 1)
    return ("train", *cohort, *quick, "--from-scratch", "--freeze-encoder")


def test_disk_full_while_a_model_is_saved(bench, mounted):
    disk = mounted("size=1m")
    done = shell(*training(bench, disk / "model"))
    assert (done.code, done.out) == (2, "")
    assert "The disk is full" in done.err
    assert files_under(disk) == set()


def test_read_only_folder(bench, mounted):
    if os.geteuid() == 0:  # root may write where the rights say no, but not on a read-only disk
        folder = mounted("size=64k,ro")
    else:
        folder = bench / "closed"
        folder.mkdir(mode=0o555)
    refused(bench, "read-only", out=folder / "result.h5ad")
    done = shell(*training(bench, folder / "model"))
    assert done.code == 2
    assert "read-only" in done.err
    done = shell("demo", "--out", folder / "demo")
    assert done.code == 2
    assert done.err.count("\n") == 1


def test_model_is_not_saved_over_other_files(bench):
    done = shell(*training(bench, bench / "out"))
    assert done.code == 0  # an empty folder may be used
    (bench / "mine").mkdir()
    notes = write(bench / "mine" / "notes.txt", "precious")
    done = shell(*training(bench, bench / "mine"))
    assert done.code == 2
    assert "holds other files than a model" in done.err
    assert notes.read_text() == "precious"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "The gene list is empty"),
        ("FASN\nFASN\n", "FASN stands more than once"),
        ("FASN\nNOSUCH\n", "NOSUCH"),
    ],
    ids=["empty", "gene twice", "gene nobody measured"],
)
def test_gene_list_that_cannot_be_used(bench, text, sentence):
    arguments = training(bench, bench / "new")
    write(bench / "genes.txt", text)
    done = shell(*arguments)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert sentence in done.err
    assert not (bench / "new").exists()


def test_cohort_with_a_slide_that_is_not_there(bench):
    arguments = training(bench, bench / "new")
    table = bench / "cohort.csv"
    table.write_text(table.read_text().replace("slide.ome.tif", "gone.tif"))
    done = shell(*arguments)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "line 2 (section S): there is no slide" in done.err


def test_weights_that_nobody_has(bench, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(bench / "torch"))
    arguments = [each for each in training(bench, bench / "new") if each != "--from-scratch"]
    done = shell(*arguments)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "densenet121-a639ec97.pth" in done.err
    assert "--weights" in done.err


@pytest.mark.parametrize("name", ["photo.h5ad", "photo.csv", "photo.tsv.gz", "photo.svs"])
def test_info_on_bytes_of_no_kind(bench, name):
    (bench / name).write_bytes(np.random.default_rng(0).bytes(4000))
    done = shell("info", bench / name, "--json")
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert name in done.err
