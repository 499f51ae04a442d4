"""What is fuzzed: every reader of files, with whole files of its own to begin with."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from PIL import Image

from napari_mclstexp.errors import SettingsError
from support import hostile_kit, widget_kit

_SMALL_PX = 64


@dataclass(frozen=True)
class Parser:
    """A reader.

    Attributes
    ----------
    ending
        What its files' names end with.
    read
        Reads a file, and looks at what came of it as the program would.
    seeds
        Whole files, as their content.
    weight
        How often it is chosen.
    words
        Whether its files are text, of which words are exchanged rather than bits.
    """

    ending: str
    read: Callable[[Path], object]
    seeds: Callable[[Path], list[bytes]]
    weight: int = 1
    words: bool = False


@cache
def parsers() -> dict[str, Parser]:
    """Return all readers by name."""
    return {
        "tiff": Parser(".tif", _slide, _tiffs, 6),
        "ome-tiff": Parser(".ome.tif", _slide, _ome, 3),
        "aperio": Parser(".svs", _slide, _aperio, 3),
        "jpeg": Parser(".jpg", _slide, _picture("jpeg"), 4),
        "png": Parser(".png", _slide, _picture("png"), 4),
        "h5ad": Parser(".h5ad", _spots, _h5ad, 3),
        "result": Parser(".h5ad", _result, _h5ad, 3),
        "prediction": Parser(".h5ad", _prediction, _h5ad, 1),
        "xy": Parser(".csv", _spots, _texts(hostile_kit.XY), 6, True),
        "packed xy": Parser(".csv.gz", _spots, _packed, 2),
        "legacy": Parser(".tsv", _spots, _legacy(0), 4, True),
        "counts": Parser(".tsv", _counts, _legacy(1), 4, True),
        "positions": Parser(".csv", _in_outs("spatial/tissue_positions.csv"),
                            _of_outs("spatial/tissue_positions.csv"), 3, True),
        "factors": Parser(".json", _in_outs("spatial/scalefactors_json.json"),
                          _of_outs("spatial/scalefactors_json.json"), 3, True),
        "matrix": Parser(".h5", _in_outs("filtered_feature_bc_matrix.h5"),
                         _of_outs("filtered_feature_bc_matrix.h5"), 2),
        "parquet": Parser(".parquet", _in_outs("spatial/tissue_positions.parquet"), _parquet, 3),
        "mtx": Parser(".mtx", _mtx, _texts(_MTX), 5, True),
        "config": Parser(".json", _config, _of_model("config.json"), 4, True),
        "weights": Parser(".safetensors", _tensors, _small_weights, 6),
        "torch": Parser(".pth", _tensors, _small_torch, 4),
        "bank": Parser(".h5ad", _bank, _of_model("bank.h5ad"), 2),
        "geojson": Parser(".geojson", _geojson, _texts(hostile_kit.REGIONS), 8, True),
        "gmt": Parser(".gmt", _gmt, _texts("lipid\tpaper\tFASN\tGNAS\n"), 4, True),
        "genes": Parser(".txt", _genes, _texts("FASN\nGNAS\n# note\n"), 3, True),
        "cohort": Parser(".csv", _cohort, _texts(_COHORT), 5, True),
        "slides": Parser(".csv", _slides, _texts(_SLIDES), 5, True),
        "session": Parser(".json", _session, _session_json, 5, True),
        "features": Parser(".npy", _features, _feature_file, 4),
        "zarray": Parser(".json", _in_zarr("X/.zarray"), _of_zarr("X/.zarray"), 2, True),
        "zattrs": Parser(".json", _in_zarr("obs/.zattrs"), _of_zarr("obs/.zattrs"), 2, True),
    }  # fmt: skip


_MTX = "%%MatrixMarket matrix coordinate integer general\n%\n2 3 2\n1 1 5\n2 3 1\n"
_COHORT = "section,patient,slide,spots,um_per_px\nS,P,a.tif,a.csv,0.5\nT,P,b.tif,b.csv,\n"
_SLIDES = "slide,spots,name,um_per_px,group\na.tif,a.csv,one,0.5,g\nb.tif,,two,,h\n"


def _slide(path: Path) -> object:
    from napari_mclstexp.slides import open_slide

    with open_slide(path) as slide:
        return slide.thumbnail(_SMALL_PX), slide.read_level(0, 0, 0, 40, 40)


def _spots(path: Path) -> object:
    from napari_mclstexp.spots.readers.choose import read_spots
    from napari_mclstexp.spots.schema import SpotMetadata, positions

    found = read_spots(path)
    return positions(found), SpotMetadata.read(found), found.X.sum()


def _result(path: Path) -> object:
    from napari_mclstexp.cli.result_file import opened_result, read_result
    from napari_mclstexp.spots.schema import Provenance, has_positions, positions, read_programs

    with opened_result(path) as (data, x):
        part = None if x is None else x[0:10]
        total = None if part is None else part.sum()
    data = read_result(path)
    xy = positions(data) if has_positions(data) else None
    return total, xy, Provenance.read(data), read_programs(data)


def _prediction(path: Path) -> object:
    from napari_mclstexp.inference.prediction_io import read_prediction
    from napari_mclstexp.spots.schema import holds_prediction

    return holds_prediction(path), read_prediction(path)


def _counts(path: Path) -> object:
    from napari_mclstexp.spots.readers.legacy_st import read_counts

    return read_counts(path)[0].sum()


def _tensors(path: Path) -> object:
    from napari_mclstexp.model.backbones import read_tensors

    return read_tensors(path)


def _bank(path: Path) -> object:
    from napari_mclstexp.model.folder import read_bank

    return read_bank(path)


def _config(path: Path) -> object:
    from napari_mclstexp.model.folder import read_config

    return read_config(path).meant_for


def _geojson(path: Path) -> object:
    from napari_mclstexp.analysis.region_statistics import spots_in
    from napari_mclstexp.export.geojson import read_geojson, to_geojson

    trees = read_geojson(path)
    xy = np.array([[400.0, 300.0], [5.0, 5.0]])
    areas = [(each.shape().area, spots_in(each, xy)) for tree in trees for each in tree.walk()]
    return areas, to_geojson(trees)


def _gmt(path: Path) -> object:
    from napari_mclstexp.analysis.signatures import read_gmt

    return read_gmt(path)


def _genes(path: Path) -> object:
    from napari_mclstexp.cohort.gene_selection import read_gene_list

    return read_gene_list(path)


def _cohort(path: Path) -> object:
    from napari_mclstexp.cohort.checks import check_cohort
    from napari_mclstexp.cohort.table import read_rows

    checked = check_cohort(path)
    try:
        return checked.as_table(), read_rows(path)
    except SettingsError:
        return checked


def _slides(path: Path) -> object:
    from napari_mclstexp.cohort_runs.slide_list import list_slides

    return list_slides(path)


def _session(path: Path) -> object:
    from napari_mclstexp.session.read_session import read_session, slides_in

    folder = path.parent / "session"
    folder.mkdir(exist_ok=True)
    shutil.copy(path, folder / "session.json")
    return read_session(folder), slides_in(folder)


def _features(path: Path) -> object:
    from napari_mclstexp.inference.feature_cache import kept_features

    return kept_features(path, (3, 4))


def _mtx(path: Path) -> object:
    from napari_mclstexp.spots.readers.count_matrix import read_mtx

    folder = path.parent / "mtx"
    folder.mkdir(exist_ok=True)
    (folder / "barcodes.tsv").write_text("a\nb\nc\n")
    (folder / "features.tsv").write_text("E1\tFASN\nE2\tGNAS\n")
    shutil.copy(path, folder / "matrix.mtx")
    return read_mtx(folder).counts.sum()


def _in_outs(name: str) -> Callable[[Path], object]:
    def read(path: Path) -> object:
        outs = path.parent / "outs"
        if not outs.is_dir():
            widget_kit.write_outs(outs)
        kept = (outs / name).read_bytes() if (outs / name).is_file() else None
        shutil.copy(path, outs / name)
        try:
            return _spots(outs)
        finally:
            (outs / name).unlink()
            if kept is not None:
                (outs / name).write_bytes(kept)

    return read


def _in_zarr(name: str) -> Callable[[Path], object]:
    def read(path: Path) -> object:
        folder = path.parent / "whole.zarr"
        if not folder.is_dir():
            _write_zarr(folder)
        kept = (folder / name).read_bytes()
        shutil.copy(path, folder / name)
        try:
            return _result(folder)
        finally:
            (folder / name).write_bytes(kept)

    return read


def _texts(*content: str) -> Callable[[Path], list[bytes]]:
    return lambda _: [each.encode() for each in content]


def _tiffs(folder: Path) -> list[bytes]:
    pixels = np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)
    kinds: list[dict[str, Any]] = [
        {"tile": (16, 16), "compression": "deflate"},
        {"tile": (16, 16), "compression": "lzw", "bigtiff": True},
        {"rowsperstrip": 8},
        {"tile": (32, 32), "compression": "jpeg"},
        {"tile": (16, 16), "planarconfig": "separate"},
        {"rowsperstrip": 48, "compression": "zstd", "byteorder": ">"},
    ]
    found = []
    for kind in kinds:
        data = np.moveaxis(pixels, -1, 0) if "planarconfig" in kind else pixels
        tifffile.imwrite(folder / "seed.tif", data, photometric="rgb", **kind)
        found.append((folder / "seed.tif").read_bytes())
    for bits in (2, 4, 16):
        grey = pixels[..., 0] % 2**bits if bits < 8 else pixels[..., 0].astype(np.uint16) * 257
        options: dict[str, Any] = {} if bits == 16 else {"bitspersample": bits}
        tifffile.imwrite(folder / "seed.tif", grey, photometric="minisblack", **options)
        found.append((folder / "seed.tif").read_bytes())
    return found


def _ome(folder: Path) -> list[bytes]:
    pixels = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    with tifffile.TiffWriter(folder / "seed.ome.tif") as file:
        options: dict[str, Any] = {"tile": (16, 16), "photometric": "rgb"}
        file.write(pixels, subifds=1, metadata={"axes": "YXS", "PhysicalSizeX": 0.5}, **options)
        file.write(pixels[::2, ::2], subfiletype=1, metadata=None, **options)
    return [(folder / "seed.ome.tif").read_bytes()]


def _aperio(folder: Path) -> list[bytes]:
    pixels = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    said = "Aperio Image Library v12\n64x64 [0,0 64x64] (32x32) JPEG|AppMag = 20|MPP = 0.5"
    tifffile.imwrite(folder / "seed.svs", pixels, tile=(32, 32), compression="jpeg",
                     photometric="rgb", description=said, metadata=None)  # fmt: skip
    return [(folder / "seed.svs").read_bytes()]


def _picture(kind: str) -> Callable[[Path], list[bytes]]:
    def seeds(folder: Path) -> list[bytes]:
        found = []
        for mode in ("RGB", "L", *(("RGBA", "P", "1", "I;16") if kind == "png" else ("CMYK",))):
            picture = (
                Image.effect_noise((40, 30), 60)
                .convert("RGB")
                .convert("L" if mode == "I;16" else mode)
            )
            picture.save(folder / f"seed.{kind}", kind)
            found.append((folder / f"seed.{kind}").read_bytes())
        return found

    return seeds


def _h5ad(folder: Path) -> list[bytes]:
    data = widget_kit.spots()[:8].copy()
    data.write_h5ad(folder / "sparse.h5ad")
    data.X = data.X.toarray()
    data.uns["mclstexp"] = {"model_id": "abc", "pitch_um": 100.0, "um_per_px": 0.5}
    data.write_h5ad(folder / "dense.h5ad")
    return [(folder / name).read_bytes() for name in ("sparse.h5ad", "dense.h5ad")]


def _packed(_: Path) -> list[bytes]:
    return [gzip.compress(hostile_kit.XY.encode())]


def _legacy(which: int) -> Callable[[Path], list[bytes]]:
    return lambda folder: [
        b"\n".join(widget_kit.write_legacy(folder)[which].read_bytes().splitlines()[:6]) + b"\n"
    ]


def _of_outs(name: str) -> Callable[[Path], list[bytes]]:
    def seeds(folder: Path) -> list[bytes]:
        widget_kit.write_outs(folder / "outs seed")
        return [(folder / "outs seed" / name).read_bytes()]

    return seeds


def _parquet(folder: Path) -> list[bytes]:
    import pandas as pd

    widget_kit.write_outs(folder / "outs seed")
    table = pd.read_csv(folder / "outs seed" / "spatial/tissue_positions.csv").head(8)
    table.to_parquet(folder / "seed.parquet")
    return [(folder / "seed.parquet").read_bytes()]


def _of_model(name: str) -> Callable[[Path], list[bytes]]:
    def seeds(folder: Path) -> list[bytes]:
        model = folder / "model seed"
        if not model.is_dir():
            widget_kit.write_model(model)
        return [(model / name).read_bytes()]

    return seeds


def _small_weights(folder: Path) -> list[bytes]:
    from safetensors.numpy import save

    arrays = {"a.weight": np.ones((2, 3), np.float32), "b": np.zeros(4, np.int64)}
    return [save(arrays)]


def _small_torch(folder: Path) -> list[bytes]:
    import torch

    torch.save({"a": torch.ones(2, 3), "b": torch.zeros(4)}, folder / "seed.pth")
    return [(folder / "seed.pth").read_bytes()]


def _session_json(_: Path) -> list[bytes]:
    settings = {"k": 2, "method": "kmeans", "seed": 0}
    made = {
        "regions": json.loads(hostile_kit.REGIONS),
        "signatures": [{"name": "a", "genes": ["FASN"], "source": "b"}],
        "notes": "seen",
        "comparison": None,
        "domains": None,
    }
    slide = {"path": "a.tif", "checksum": "ab", "um_per_px": 0.5}
    whole = {"slide": slide, "files": {}, "work": made}
    document = {
        "kind": "napari-mclstexp session", "version": 2, "slides": [whole], "shown": 0,
        "model": None, "display": {}, "saved": "2026-01-01T00:00:00+00:00",
    }  # fmt: skip
    labelled = {**made, "domains": {"labels": ["1"], "names": {"1": "a"}, "colours":
                {"1": [1, 2, 3]}, "settings": settings, "reason": "r", "of": "o"}}  # fmt: skip
    other = {**document, "slides": [{**whole, "work": labelled}]}
    return [json.dumps(each).encode() for each in (document, other)]


def _feature_file(folder: Path) -> list[bytes]:
    from hashlib import sha256

    np.save(folder / "seed.npy", np.ones((3, 4), np.float32))
    content = (folder / "seed.npy").read_bytes()
    return [content + sha256(content).digest()]


def _write_zarr(folder: Path) -> None:
    import zarr
    from anndata.io import write_elem

    data = widget_kit.spots()[:8].copy()
    data.X = data.X.toarray()
    write_elem(zarr.open_group(folder, mode="w", zarr_format=2), "/", data)


def _of_zarr(name: str) -> Callable[[Path], list[bytes]]:
    def seeds(folder: Path) -> list[bytes]:
        _write_zarr(folder / "seed.zarr")
        return [(folder / "seed.zarr" / name).read_bytes()]

    return seeds
