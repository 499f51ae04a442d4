"""Bad input in every place where the shell takes a file: what is given, and how it is damaged."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from support import widget_kit as kit

Arguments = list[object]

XY = "barcode,x,y\na,400,400\nb,600,400\n"
REGIONS = (
    '{"type": "FeatureCollection", "features": [{"type": "Feature", "id": "1", "geometry": '
    '{"type": "Polygon", "coordinates": [[[300, 200], [900, 200], [900, 800], [300, 200]]]}, '
    '"properties": {"name": "tumour"}}]}'
)
QUICK = ("--preset", "paper", "--patch-px", 32, "--um-per-px", 1, "--epochs", 1, "--from-scratch")


def write_bench(folder: Path, model: Path) -> Path:
    """Write one good file of each kind, and a place for results."""
    kit.write_slide(folder / "slide.ome.tif")
    kit.write_spots(folder / "spots.h5ad")
    kit.write_outs(folder / "outs")
    kit.write_legacy(folder)
    shutil.copytree(model, folder / "model")
    for name, text in {
        "xy.csv": XY,
        "cohort.csv": "section,patient,slide,spots\nS,P,slide.ome.tif,spots.h5ad\n",
        "slides.csv": "slide,spots\nslide.ome.tif,spots.h5ad\n",
        "genes.txt": "FASN\nGNAS\n",
        "points.csv": "x,y,onto_x,onto_y\n0,0,0,0\n900,0,900,0\n0,900,0,900\n",
        "sets.gmt": "lipid\tpaper\tFASN\tGNAS\tCD74\n",
        "regions.geojson": REGIONS,
    }.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "out").mkdir()
    return folder


def _given(*words: object) -> Callable[[Path, Path], Arguments]:
    """Return what makes a command line: BAD stands for the bad file, text with / for a good one."""

    def line(bench: Path, bad: Path) -> Arguments:
        made: Arguments = []
        for word in words:
            if word == "BAD":
                made.append(bad)
            elif isinstance(word, str) and word.startswith("/"):
                made.append(bench / word[1:])
            elif isinstance(word, str) and word.endswith("=BAD"):
                made.append(f"{word[:-3]}{bad}")
            else:
                made.append(word)
        return made

    return line


_PREDICT = ("predict", "--out", "/out/r.h5ad")
_TRAIN = ("train", "--out", "/out/m", *QUICK)

# Everywhere a file goes in, by what the person meant to give there.
PLACES: dict[str, Callable[[Path, Path], Arguments]] = {
    "info": _given("info", "BAD"),
    "predict --slide": _given(
        *_PREDICT, "--slide", "BAD", "--spots", "/xy.csv", "--model", "/model"
    ),
    "predict --spots": _given(
        *_PREDICT, "--slide", "/slide.ome.tif", "--spots", "BAD", "--model", "/model"
    ),
    "predict --counts": _given(
        *(*_PREDICT, "--slide", "/slide.ome.tif", "--spots", "/spots.tsv", "--counts", "BAD"),
        *("--model", "/model"),
    ),
    "predict --model": _given(
        *_PREDICT, "--slide", "/slide.ome.tif", "--spots", "/xy.csv", "--model", "BAD"
    ),
    "predict-cohort --slides": _given(
        "predict-cohort", "--slides", "BAD", "--model", "/model", "--out", "/out/c"
    ),
    "check COHORT": _given("check", "BAD"),
    "check --genes": _given("check", "/cohort.csv", "--genes", "BAD"),
    "train --cohort": _given(*_TRAIN, "--cohort", "BAD", "--genes", "/genes.txt"),
    "train --genes": _given(*_TRAIN, "--cohort", "/cohort.csv", "--genes", "BAD"),
    "train --init-from": _given(
        *("train", "--out", "/out/m", "--cohort", "/cohort.csv", "--genes", "/genes.txt"),
        *("--init-from", "BAD"),
    ),
    "train --weights": _given(
        *("train", "--out", "/out/m", *QUICK[:-1], "--cohort", "/cohort.csv"),
        *("--genes", "/genes.txt", "--weights", "BAD"),
    ),
    "evaluate --cohort": _given(
        "evaluate", "--cohort", "BAD", "--genes", "/genes.txt", "--out", "/out/e"
    ),
    "domains IN": _given("domains", "BAD", "--out", "/out/r.h5ad"),
    "signature IN": _given("signature", "BAD", "--out", "/out/r.h5ad", "--genes", "FASN,GNAS"),
    "signature --gmt": _given("signature", "/spots.h5ad", "--out", "/out/r.h5ad", "--gmt", "BAD"),
    "regions IN": _given("regions", "BAD", "--geojson", "/regions.geojson", "--out", "/out/r.csv"),
    "regions --geojson": _given(
        *("regions", "/spots.h5ad", "--geojson", "BAD", "--out", "/out/r.csv"),
        *("--compare", "tumour,rest"),
    ),
    "export --to csv": _given("export", "BAD", "--to", "csv", "--out", "/out/r.csv"),
    "export --to h5ad": _given("export", "BAD", "--to", "h5ad", "--out", "/out/r.h5ad"),
    "export --to figure": _given(
        "export", "BAD", "--to", "figure", "--gene", "FASN", "--out", "/out/r.png"
    ),
    "similar IN": _given("similar", "BAD", "--out", "/out/r.csv", "--spot", "spot1"),
    "register POINTS": _given(
        *("register", "BAD", "--slide", "/slide.ome.tif", "--onto", "/slide.ome.tif"),
        *("--out", "/out/r.csv"),
    ),
    "register --regions": _given(
        *("register", "/points.csv", "--slide", "/slide.ome.tif", "--onto", "/slide.ome.tif"),
        *("--regions", "BAD", "--out", "/out/r.geojson"),
    ),
    "import-checkpoint FILE": _given(
        *("import-checkpoint", "BAD", "--cohort", "/cohort.csv", "--genes", "/genes.txt"),
        *("--out", "/out/m"),
    ),
    "recipe --data": _given("recipe", "her2st", "--data", "BAD", "--out", "/out/t"),
    "models add": _given("models", "add", "BAD", "--as", "densenet121"),
}
# A folder is what these take, besides a file.
TAKE_FOLDERS = {"info", "predict-cohort --slides", "recipe --data"}


def _bytes(content: bytes, name: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(content)
        return path

    return write


def _fifo(folder: Path) -> Path:
    os.mkfifo(folder / "pipe")
    return folder / "pipe"


def _loop(folder: Path) -> Path:
    (folder / "circle").symlink_to(folder / "circle")
    return folder / "circle"


def _folder(folder: Path) -> Path:
    (folder / "empty folder").mkdir()
    return folder / "empty folder"


_NOISE = np.random.default_rng(0).bytes(3000)
# Bad in every place, whatever was meant to be there.
NEVER_RIGHT: dict[str, Callable[[Path], Path]] = {
    "nothing": lambda folder: folder / "nowhere",
    "an empty file": _bytes(b"", "empty.h5ad"),
    "noise": _bytes(_NOISE, "noise.h5ad"),
    "noise called csv": _bytes(_NOISE, "noise.csv"),
    "zeros": _bytes(bytes(3000), "zeros.tif"),
    "a pipe": _fifo,
    "a device": lambda folder: Path("/dev/zero"),
    "an empty folder": _folder,
    "a link to itself": _loop,
    "a name of 300 letters": lambda folder: folder / ("n" * 300),
    "a path through a file": lambda folder: folder / "xy.csv" / "inside",
    "a start of HDF5": _bytes(b"\x89HDF\r\n\x1a\n" + _NOISE, "start.h5ad"),
    "a start of a TIFF": _bytes(b"II*\0\x08\0\0\0" + _NOISE, "start.tif"),
    "an old Mac's line ends": _bytes(b"\xff\xfe a,b\r c,d\r", "mac.csv"),
}


def picture(path: Path, size: tuple[int, int] = (64, 48)) -> Path:
    """Write a small picture."""
    Image.effect_noise(size, 60).convert("RGB").save(path)
    return path
