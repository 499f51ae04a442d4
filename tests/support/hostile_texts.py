"""Models, weights, regions, gene lists, tables and options that are wrong, each in its own way."""

from __future__ import annotations

import io
import json
import os
import pickle
import shutil
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from safetensors.numpy import load_file, save_file

from napari_mclstexp.files import sha256
from support.hostile_slides import text

Make = Callable[[Path], Path]
# Their models' folder is signed anew, as one who means ill would do.
_SIGNED = ("config.json", "weights.safetensors", "bank.h5ad", "README.md")


def model(change: Callable[[Path], None], *, sign: bool = True) -> Make:
    """The tiny model, changed, with the checksums of what it is now."""

    def write(folder: Path) -> Path:
        path = folder / "bad model"
        shutil.copytree(folder / "model", path)
        change(path)
        if sign:
            sums = {name: sha256(path / name) for name in _SIGNED}
            (path / "checksums.json").write_text(json.dumps(sums))
        return path

    return write


def _config(**said: object) -> Make:
    def change(path: Path) -> None:
        config: dict[str, Any] = json.loads((path / "config.json").read_text())
        for name, value in said.items():
            part, _, key = name.partition("__")
            config[part] = {**config[part], key: value} if key else value
        (path / "config.json").write_text(json.dumps(config))

    return model(change)


def _config_text(content: str) -> Make:
    return model(lambda path: (path / "config.json").write_text(content) and None)


def _weights(change: Callable[[dict[str, Any]], None]) -> Make:
    def spoil(path: Path) -> None:
        state = load_file(path / "weights.safetensors")
        change(state)
        save_file(state, path / "weights.safetensors")

    return model(spoil)


def _nan(state: dict[str, Any]) -> None:
    name = next(name for name in state if name.endswith("image_projection.projection.weight"))
    state[name] = state[name].copy()
    state[name].flat[3] = np.nan


def _bank(change: Callable[[Any], None]) -> Make:
    def spoil(path: Path) -> None:
        with h5py.File(path / "bank.h5ad", "r+") as file:
            change(file)

    return model(spoil)


def _bank_value(name: str, value: float) -> Make:
    def change(file: Any) -> None:
        values = np.asarray(file[name])
        values.flat[2] = value
        file[name][...] = values

    return _bank(change)


def _sparse_bank(file: Any) -> None:
    rows, columns = file["X"].shape
    del file["X"]
    group = file.create_group("X")
    group.attrs["encoding-type"], group.attrs["encoding-version"] = "csr_matrix", "0.1.0"
    group.attrs["shape"] = (rows, columns)
    group["data"] = np.ones(rows, np.float32)
    group["indices"] = np.full(rows, columns + 50_000, np.int32)
    group["indptr"] = np.arange(rows + 1, dtype=np.int32)


def _elsewhere(name: str) -> Make:
    def change(path: Path) -> None:
        (path / name).rename(path.parent / name)
        (path / name).symlink_to(path.parent / name)

    return model(change)


def _pipe(name: str) -> Make:
    def change(path: Path) -> None:
        (path / name).unlink()
        os.mkfifo(path / name)

    return model(change, sign=False)


MODELS: dict[str, Make] = {
    "an encoder of the network": _config(encoder__name="timm:hf-hub:someone/something"),
    "an encoder of a folder": _config(encoder__name="timm:local-dir:/etc"),
    "an encoder nobody knows": _config(encoder__name="timm:nonsuch"),
    "another encoder": _config(encoder__name="vgg"),
    "an encoder without deviation": _config(encoder__std=[0, 0.2, 0.2]),
    "a later format": _config(format=9),
    "a format in words": _config(format="one"),
    "a format that is a list": _config(format=[1]),
    "a million layers": _config(layers=1_000_000),
    "900 layers": _config(layers=900),
    "a million heads": _config(heads=1_000_000),
    "another head": _config(heads=7),
    "10^9 rows": _config(positions__n_rows=10**9),
    "900,000 columns": _config(positions__n_cols=900_000),
    "patches of 10^9 px": _config(patch_px=10**9),
    "a projection of 60,000": _config(projection_dim=60_000),
    "k below 1": _config(retrieval__k=0),
    "a scale that is NaN": _config(um_per_px=float("nan")),
    "a scale that is infinite": _config(um_per_px=float("inf")),
    "a scale of 400 digits": _config(um_per_px=10**400),
    "a scale in words": _config(um_per_px="fine"),
    "no genes": _config(genes=[]),
    "a gene twice": _config(genes=["FASN", "FASN", "GNAS", "CD74"]),
    "other genes": _config(genes=["A", "B", "C", "D"]),
    "a gene of 1,000 letters": _config(genes=["F" * 1000, "B", "C", "D"]),
    "more than a configuration says": _config(surprise=1),
    "a configuration that is a list": _config_text("[1]"),
    "a configuration 100,000 deep": _config_text("[" * 100_000),
    "a configuration that is no JSON": _config_text("format = 1"),
    "weights that are NaN": _weights(_nan),
    "weights that are missing": _weights(lambda state: state.popitem() and None),
    "a header of 2^60 bytes": model(
        lambda path: (path / "weights.safetensors").write_bytes(struct.pack("<Q", 2**60)) and None
    ),
    "expression that is NaN": _bank_value("X", np.nan),
    "an embedding that is infinite": _bank_value("obsm/X_mclstexp", np.inf),
    "a bank that reads elsewhere": _bank(_sparse_bank),
    "a bank without names": _bank(lambda file: file["obs"].__delitem__("section")),
    "pictures that are missing": _bank_value("obs/thumbnail_bytes", 10**9),
    "weights that are a link": _elsewhere("weights.safetensors"),
    "a bank that is a link": _elsewhere("bank.h5ad"),
    "a configuration that is a pipe": _pipe("config.json"),
    "checksums that are a pipe": _pipe("checksums.json"),
    "checksums that are a list": model(
        lambda path: (path / "checksums.json").write_text("[]") and None, sign=False
    ),
    "checksums 100,000 deep": model(
        lambda path: (path / "checksums.json").write_text("[" * 100_000) and None, sign=False
    ),
}


class _Runs:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("/tmp/this-must-not-be-there",)


def _torch(value: object) -> bytes:
    content = io.BytesIO()
    torch.save(value, content)
    return content.getvalue()


def _large_zip(folder: Path) -> Path:
    path = folder / "bomb.pth"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("archive/data.pkl", bytes(2**20))
    content = bytearray(path.read_bytes())
    size = content.index(b"PK\x01\x02") + 24  # in the list at the end of the file
    struct.pack_into("<I", content, size, 2**31)
    path.write_bytes(content)
    return path


def _safetensors(header: object, size: int = 16) -> bytes:
    said = json.dumps(header).encode()
    return struct.pack("<Q", len(said)) + said + bytes(size)


_F32 = {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}
WEIGHTS: dict[str, Make] = {
    "a pickle that runs code": text("runs.pth", pickle.dumps(_Runs())),
    "a torch file that runs code": text("runs.pt", _torch({"a": _Runs()})),
    "a number": text("number.pth", _torch(3)),
    "a dictionary of numbers": text("numbers.pth", _torch({"a": 3})),
    "2 GB out of 1 kB": _large_zip,
    "an empty dictionary": text("none.pth", _torch({})),
    "a header of 2^60 bytes": text("long.safetensors", struct.pack("<Q", 2**60) + bytes(100)),
    "a header that is no JSON": text("words.safetensors", struct.pack("<Q", 8) + b"nonsense"),
    "a header that is a list": text("list.safetensors", _safetensors([1])),
    "offsets behind the end": text(
        "end.safetensors", _safetensors({"a": {**_F32, "data_offsets": [0, 2**40]}})
    ),
    "a shape of 2^60": text("shape.safetensors", _safetensors({"a": {**_F32, "shape": [2**60]}})),
    "a tensor of another encoder": text("other.safetensors", _safetensors({"a": _F32})),
}

_RING = [[300, 200], [900, 200], [900, 800], [300, 200]]


def _feature(coordinates: object = None, kind: str = "Polygon", **more: object) -> dict[str, Any]:
    shape = {"type": kind, "coordinates": [_RING] if coordinates is None else coordinates}
    return {"type": "Feature", "geometry": shape, "properties": {"name": "a"}, **more}


def _regions(*features: object) -> Make:
    document = {"type": "FeatureCollection", "features": list(features)}
    return text("bad.geojson", json.dumps(document))


def _named(name: object) -> Make:
    return _regions(_feature(properties={"name": name}))


def _parents(*pairs: tuple[str, str]) -> Make:
    return _regions(
        *(
            _feature(id=own, properties={"name": own, "metadata": {"parent": parent}})
            for own, parent in pairs
        )
    )


REGIONS: dict[str, Make] = {
    "no JSON": text("no.geojson", "regions"),
    "100,000 deep": text("deep.geojson", "[" * 100_000),
    "a number": text("number.geojson", "3"),
    "features in words": text("words.geojson", '{"type": "FeatureCollection", "features": "a"}'),
    "a feature that is a number": _regions(3),
    "no geometry": _regions(_feature(geometry=None)),
    "a point": _regions(_feature([1, 2], "Point")),
    "coordinates in words": _regions(_feature("here")),
    "coordinates of 400 digits": _regions(_feature([[[10**400, 1], [2, 2], [3, 1], [10**400, 1]]])),
    "coordinates that are infinite": _regions(_feature([[[1e999, 1], [2, 2], [3, 1], [1e999, 1]]])),
    "coordinates at 1e300": _regions(_feature([[[1e300, 1], [2, 2], [3, 1], [1e300, 1]]])),
    "coordinates that are objects": _regions(_feature([[{"x": 1}] * 4])),
    "a ring that is open": _regions(_feature([[[1, 1], [2, 2], [3, 1]]])),
    "a polygon of nothing": _regions(_feature([])),
    "a name that is an object": _named({"en": "tumour"}),
    "a name of 10,000 letters": _named("a" * 10_000),
    "a colour in words": _regions(_feature(properties={"color": "red"})),
    "an id twice": _regions(_feature(id="1"), _feature(id="1")),
    "parents in a circle": _parents(("a", "b"), ("b", "a")),
    "2,000 regions in one another": _parents(*((f"{i}", f"{i - 1}") for i in range(2000))),
    "properties that are a list": _regions(_feature(properties=[1])),
}
SETS: dict[str, Make] = {
    "no genes": text("none.gmt", "lipid\tpaper\n"),
    "a name twice": text("twice.gmt", "a\tb\tFASN\na\tb\tGNAS\n"),
    "no name": text("noname.gmt", "\tpaper\tFASN\n"),
    "genes nobody knows": text("other.gmt", "a\tb\tX1\tX2\tX3\n"),
}
GENES: dict[str, Make] = {
    "nothing but remarks": text("remarks.txt", "# none\n\n"),
    "a gene twice": text("twice.txt", "FASN\nFASN\n"),
    "a gene nobody measured": text("other.txt", "NOSUCH\n"),
}
_COHORT = "section,patient,slide,spots,um_per_px\n"
COHORTS: dict[str, Make] = {
    "only a header": text("head.csv", _COHORT),
    "no column of slides": text("noslide.csv", "section,patient,spots\nS,P,spots.h5ad\n"),
    "a column twice": text(
        "twice.csv", "section," + _COHORT + "S,S,P,slide.ome.tif,spots.h5ad,1\n"
    ),
    "a section twice": text("two.csv", _COHORT + "S,P,slide.ome.tif,spots.h5ad,0.5\n" * 2),
    "a slide that is not there": text("gone.csv", _COHORT + "S,P,gone.tif,spots.h5ad,0.5\n"),
    "spots that are no spots": text("swap.csv", _COHORT + "S,P,slide.ome.tif,genes.txt,0.5\n"),
    "a scale in words": text("fine.csv", _COHORT + "S,P,slide.ome.tif,spots.h5ad,fine\n"),
    "a scale of 0": text("zero.csv", _COHORT + "S,P,slide.ome.tif,spots.h5ad,0\n"),
    "a scale that is infinite": text("inf.csv", _COHORT + "S,P,slide.ome.tif,spots.h5ad,inf\n"),
    "a scale of 1e9": text("far.csv", _COHORT + "S,P,slide.ome.tif,spots.h5ad,1e9\n"),
    "100,000 columns": text("wide.csv", _COHORT.strip() + ",c" * 100_000 + "\n"),
    "an open quote": text("quote.csv", _COHORT + '"S,P,slide.ome.tif,spots.h5ad,0.5\n'),
    "a 0 in it": text("null.csv", _COHORT + "S\0,P,slide.ome.tif,spots.h5ad,0.5\n"),
    "a path of 300 letters": text("long.csv", _COHORT + f"S,P,{'n' * 300},spots.h5ad,0.5\n"),
}
LISTS: dict[str, Make] = {
    "no column of slides": text("noslide.csv", "spots\nspots.h5ad\n"),
    "a slide that has no file": text("empty.csv", "slide,spots\n,spots.h5ad\n"),
    "a slide twice": text("twice.csv", "slide,spots\nslide.ome.tif,spots.h5ad\n" * 2),
    "a name that is a path": text("path.csv", "slide,name\nslide.ome.tif,../up\n"),
    "a name of ours": text("ours.csv", "slide,name\nslide.ome.tif,summary\n"),
    "a scale in words": text("fine.csv", "slide,um_per_px\nslide.ome.tif,fine\n"),
    "counts without spots": text("counts.csv", "slide,counts\nslide.ome.tif,matrix.tsv\n"),
    "a column twice": text("column.csv", "slide,slide\na,b\n"),
}
# Numbers that no option takes, by the command that has it.
OPTIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "domains --rounds": ("domains IN", ("0", "1000000000", "two", "1e3")),
    "domains --k": ("domains IN", ("1", "1000000", "-1")),
    "domains --components": ("domains IN", ("0", "1000000000")),
    "domains --smoothing": ("domains IN", ("1", "-0.1", "nan", "inf")),
    "domains --seed": ("domains IN", ("-1", "4294967296", "1" + "0" * 400)),
    "domains --method": ("domains IN", ("guess",)),
    "predict --seed": ("predict --spots", ("-1", "4294967296")),
    "predict --samples": ("predict --spots", ("-1", "1000000000")),
    "predict --interval": ("predict --spots", ("0", "1", "nan")),
    "predict --batch-size": ("predict --spots", ("0", "1000000000")),
    "predict --um-per-px": ("predict --spots", ("0", "nan", "inf", "1e-9", "1e9")),
    "predict --genes": ("predict --spots", (",", "NOSUCH")),
    "predict --device": ("predict --spots", ("tpu",)),
    "predict --backend": ("predict --spots", ("fortran",)),
    "train --epochs": ("train --cohort", ("0", "1000000000", "nan")),
    "train --layers": ("train --cohort", ("-1", "1000000")),
    "train --learning-rate": ("train --cohort", ("0", "inf", "nan", "1e300")),
    "train --seed": ("train --cohort", ("-1", "4294967296")),
    "train --patch-px": ("train --cohort", ("0", "1000000000")),
    "train --encoder": ("train --cohort", ("timm:hf-hub:a/b", "timm:local-dir:/etc", "vgg")),
    "signature --how": ("signature IN", ("guess",)),
    "export --to": ("export --to csv", ("pdf",)),
}
