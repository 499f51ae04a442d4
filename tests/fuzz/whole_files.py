"""Whole files of every kind, from which fuzzing begins."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import tifffile
from PIL import Image

from support import foreign_kit, hostile_kit, widget_kit


def texts(*content: str) -> Callable[[Path], list[bytes]]:
    """Texts as they are."""
    return lambda _: [each.encode() for each in content]


def tiffs(folder: Path) -> list[bytes]:
    """TIFFs of all layouts."""
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


def foreign_tiffs(folder: Path) -> list[bytes]:
    """TIFFs in the colours and numbers of other programs."""
    path, picture = folder / "seed.tif", Image.effect_noise((40, 30), 60).convert("RGB")
    found = []
    for mode, packed in (
        ("CMYK", "tiff_lzw"), ("P", "raw"), ("1", "group3"), ("1", "group4"), ("LA", "raw"),
        ("YCbCr", "tiff_deflate"),
    ):  # fmt: skip
        picture.convert(mode).save(path, compression=packed)
        found.append(path.read_bytes())
    for pack in (bytes, imagecodecs.lzw_encode):
        foreign_kit.write_subsampled(path, picture, 2, 2, pack)
        found.append(path.read_bytes())
    numbers = np.asarray(picture.convert("F"))
    tifffile.imwrite(path, numbers, imagej=True, metadata={"min": 0.0, "max": 255.0})
    return [*found, path.read_bytes()]


def ome_tiffs(folder: Path) -> list[bytes]:
    """An OME-TIFF of two levels."""
    pixels = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    with tifffile.TiffWriter(folder / "seed.ome.tif") as file:
        options: dict[str, Any] = {"tile": (16, 16), "photometric": "rgb"}
        file.write(pixels, subifds=1, metadata={"axes": "YXS", "PhysicalSizeX": 0.5}, **options)
        file.write(pixels[::2, ::2], subfiletype=1, metadata=None, **options)
    return [(folder / "seed.ome.tif").read_bytes()]


def aperio(folder: Path) -> list[bytes]:
    """A slide as Aperio writes them."""
    pixels = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    said = "Aperio Image Library v12\n64x64 [0,0 64x64] (32x32) JPEG|AppMag = 20|MPP = 0.5"
    tifffile.imwrite(folder / "seed.svs", pixels, tile=(32, 32), compression="jpeg",
                     photometric="rgb", description=said, metadata=None)  # fmt: skip
    return [(folder / "seed.svs").read_bytes()]


_MODES = {"png": ("RGBA", "P", "1", "I;16"), "jpeg": ("CMYK",), "jpeg2000": ("RGBA",)}


def pictures(kind: str) -> Callable[[Path], list[bytes]]:
    """Pictures of all modes of a kind."""

    def seeds(folder: Path) -> list[bytes]:
        found = []
        for mode in ("RGB", "L", *_MODES[kind]):
            picture = (
                Image.effect_noise((40, 30), 60)
                .convert("RGB")
                .convert("L" if mode == "I;16" else mode)
            )
            picture.save(folder / f"seed.{kind}", kind)
            found.append((folder / f"seed.{kind}").read_bytes())
        return found

    return seeds


def h5ads(folder: Path) -> list[bytes]:
    """Spots with sparse and with dense counts."""
    data = widget_kit.spots()[:8].copy()
    data.write_h5ad(folder / "sparse.h5ad")
    data.X = data.X.toarray()
    data.uns["mclstexp"] = {"model_id": "abc", "pitch_um": 100.0, "um_per_px": 0.5}
    data.write_h5ad(folder / "dense.h5ad")
    return [(folder / name).read_bytes() for name in ("sparse.h5ad", "dense.h5ad")]


def packed_tables(_: Path) -> list[bytes]:
    """A packed table of spots."""
    return [gzip.compress(hostile_kit.XY.encode())]


def legacy_tables(which: int) -> Callable[[Path], list[bytes]]:
    """The first lines of a spot file (0) or of its counts (1)."""
    return lambda folder: [
        b"\n".join(widget_kit.write_legacy(folder)[which].read_bytes().splitlines()[:6]) + b"\n"
    ]


def of_outs(name: str) -> Callable[[Path], list[bytes]]:
    """A file of a Space Ranger folder."""

    def seeds(folder: Path) -> list[bytes]:
        widget_kit.write_outs(folder / "outs seed")
        return [(folder / "outs seed" / name).read_bytes()]

    return seeds


def parquets(folder: Path) -> list[bytes]:
    """A parquet table of positions."""
    import pandas as pd

    widget_kit.write_outs(folder / "outs seed")
    table = pd.read_csv(folder / "outs seed" / "spatial/tissue_positions.csv").head(8)
    table.to_parquet(folder / "seed.parquet")
    return [(folder / "seed.parquet").read_bytes()]


def of_model(name: str) -> Callable[[Path], list[bytes]]:
    """A file of a model's folder."""

    def seeds(folder: Path) -> list[bytes]:
        model = folder / "model seed"
        if not model.is_dir():
            widget_kit.write_model(model)
        return [(model / name).read_bytes()]

    return seeds


def small_weights(folder: Path) -> list[bytes]:
    """A safetensors file of two tensors."""
    from safetensors.numpy import save

    arrays = {"a.weight": np.ones((2, 3), np.float32), "b": np.zeros(4, np.int64)}
    return [save(arrays)]


def small_torch(folder: Path) -> list[bytes]:
    """A torch file of two tensors."""
    import torch

    torch.save({"a": torch.ones(2, 3), "b": torch.zeros(4)}, folder / "seed.pth")
    return [(folder / "seed.pth").read_bytes()]


def sessions(_: Path) -> list[bytes]:
    """Documents of sessions."""
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


def feature_files(folder: Path) -> list[bytes]:
    """Kept features."""
    from hashlib import sha256

    np.save(folder / "seed.npy", np.ones((3, 4), np.float32))
    content = (folder / "seed.npy").read_bytes()
    return [content + sha256(content).digest()]


def write_zarr(folder: Path) -> None:
    """Write spots into a zarr folder."""
    import zarr
    from anndata.io import write_elem

    data = widget_kit.spots()[:8].copy()
    data.X = data.X.toarray()
    write_elem(zarr.open_group(folder, mode="w", zarr_format=2), "/", data)


def of_zarr(name: str) -> Callable[[Path], list[bytes]]:
    """A file of a zarr folder."""

    def seeds(folder: Path) -> list[bytes]:
        write_zarr(folder / "seed.zarr")
        return [(folder / "seed.zarr" / name).read_bytes()]

    return seeds


def write_spatialdata(folder: Path) -> None:
    """Write three spots into a SpatialData folder."""
    spots = widget_kit.spots()[:3].copy()
    del spots.obsm["spatial"]
    foreign_kit.spatialdata_folder(folder, spots)


def of_spatialdata(name: str) -> Callable[[Path], list[bytes]]:
    """A file of a SpatialData folder."""

    def seeds(folder: Path) -> list[bytes]:
        write_spatialdata(folder / "seed.zarr")
        return [(folder / "seed.zarr" / name).read_bytes()]

    return seeds
