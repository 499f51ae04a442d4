"""Slides that others' writers make, each of the same picture, held to the writer's own reader."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import tifffile
from PIL import Image

from .dicom_slides import DICOM
from .results import Result, by_libtiff, by_openslide, by_pillow, compare

W, H = 700, 500
Write = Callable[[Path], None]
JPEG = {"compression": "jpeg", "compressionargs": {"level": 92}}
# JPEG is decoded a little differently by each library's own arithmetic.
LOSSY = 6


@cache
def tissue() -> np.ndarray:
    """(H, W, 3): a stained section of scikit-image's, grown to the size of two rows of tiles."""
    import skimage.data

    stained = Image.fromarray(skimage.data.immunohistochemistry())
    return np.asarray(stained.resize((W, H), Image.Resampling.BICUBIC))


def _half(image: np.ndarray) -> np.ndarray:
    return image.reshape(H // 2, 2, W // 2, 2, -1).mean((1, 3)).astype(image.dtype)


def _vips(name: str, save: Callable[[Any, str], None]) -> tuple[str, str, Write]:
    def write(path: Path) -> None:
        import pyvips

        save(pyvips.Image.new_from_array(tissue()).copy(interpretation="srgb"), str(path))

    return f"pyvips {version('pyvips')}", name, write


def by_vips(path: Path, size: tuple[int, int]) -> np.ndarray:
    """The pixels as libvips reads them, over white."""
    import pyvips

    image = pyvips.Image.new_from_file(str(path))
    if image.format not in ("uchar", "ushort"):
        raise ValueError(image.format)
    image = image.colourspace("srgb")
    if image.hasalpha():
        image = image.flatten(background=255)
    pixels = image.numpy()
    pixels = (pixels // 257).astype(np.uint8) if pixels.dtype == np.uint16 else pixels
    return pixels if pixels.ndim == 3 and pixels.shape[2] == 3 else np.dstack([pixels] * 3)[..., :3]


def _tiff(**options: Any) -> Callable[[Any, str], None]:
    return lambda image, path: image.tiffsave(path, **options)


TILES = {"tile": True, "tile_width": 256, "tile_height": 256}
VIPS = [
    ("generic tiled TIFF", "pyramid-jpeg.tif", _tiff(**TILES, pyramid=True, compression="jpeg")),
    ("generic tiled TIFF", "pyramid-lzw.tif", _tiff(**TILES, pyramid=True, compression="lzw")),
    ("generic tiled TIFF", "subifds.tif", _tiff(**TILES, pyramid=True, subifd=True)),
    ("generic tiled TIFF", "webp.tif", _tiff(**TILES, compression="webp", lossless=True)),
    ("BigTIFF", "big.btf", _tiff(**TILES, pyramid=True, compression="deflate", bigtiff=True)),
    ("TIFF, RGB", "strips.tif", _tiff(compression="deflate", predictor="horizontal")),
    ("TIFF, RGB", "alpha.tif", lambda i, p: i.bandjoin(200).tiffsave(p, **TILES)),
    ("TIFF, RGB", "turned.tif", lambda i, p: _turned(i).tiffsave(p, **TILES)),
    ("TIFF of 1 bit", "fax.tif", lambda i, p: (i[0] > 128).tiffsave(p, bitdepth=1)),
    ("TIFF of 1 bit", "white.tif", lambda i, p: (i[0] > 128).tiffsave(p, bitdepth=1, miniswhite=1)),
    ("TIFF, grey of 2 to 16 bits", "2.tif", lambda i, p: _grey(i).tiffsave(p, bitdepth=2)),
    ("TIFF, grey of 2 to 16 bits", "4.tif", lambda i, p: _grey(i).tiffsave(p, bitdepth=4)),
    ("TIFF, grey of 2 to 16 bits", "16.tif", lambda i, p: _wide(i).tiffsave(p, **TILES)),
    ("TIFF, CMYK", "cmyk.tif", lambda i, p: _inks(i).tiffsave(p, compression="lzw")),
    ("TIFF, CMYK", "cmyk-tiles.tif", lambda i, p: _inks(i).tiffsave(p, **TILES)),
    ("TIFF of fractions and signed numbers", "float.tif", lambda i, p: (i / 255).tiffsave(p)),
    ("JPEG", "progressive.jpg", lambda i, p: i.jpegsave(p, Q=90, interlace=True)),
    ("PNG", "palette.png", lambda i, p: i.pngsave(p, palette=True, Q=80)),
    ("PNG", "interlaced.png", lambda i, p: i.pngsave(p, interlace=True)),
    ("PNG", "16.png", lambda i, p: i.cast("ushort", shift=True).pngsave(p)),
]


def _grey(image: Any) -> Any:
    return image.colourspace("b-w")


def _wide(image: Any) -> Any:
    return (_grey(image).cast("ushort") * 257).cast("ushort").copy(interpretation="grey16")


def _inks(image: Any) -> Any:
    clear = 255 - image
    return clear.bandjoin(30).cast("uchar").copy(interpretation="cmyk")


def _turned(image: Any) -> Any:
    image = image.copy()
    image.set_type(type(image).new_from_array([[0]]).get_typeof("width"), "orientation", 3)
    return image


def _ome(path: Path, image: np.ndarray | None = None, **options: Any) -> None:
    image = tissue() if image is None else image
    meta = {"axes": "YXS", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5}
    options = {"tile": (128, 128), "photometric": "rgb", **options}
    with tifffile.TiffWriter(path, ome=True) as tif:
        tif.write(image, subifds=1, metadata=meta, **options)
        tif.write(_half(image), subfiletype=1, **options)


def _aperio(path: Path, **options: Any) -> None:
    about = f"Aperio Image Library v12\n{W}x{H} [0,0 {W}x{H}] (256x256)|AppMag = 20|MPP = 0.499"
    options = {"tile": (256, 256), "photometric": "rgb", "metadata": None, **options}
    with tifffile.TiffWriter(path) as tif:
        tif.write(tissue(), description=about, **options)
        small = np.asarray(Image.fromarray(tissue()).resize((175, 125)))
        tif.write(small, description=about, photometric="rgb", metadata=None, **JPEG)
        tif.write(_half(tissue()), description=about, subfiletype=1, **options)


def _planes(path: Path, axes: str, shape: tuple[int, ...]) -> None:
    tifffile.imwrite(path, np.zeros(shape, np.uint8), ome=True, metadata={"axes": axes})


FLOAT = tissue()[..., 1].astype(np.float32) / 255
RANGE = [(340, "f", 1, 0.0, True), (341, "f", 1, 1.0, True)]
TIFFFILE: list[tuple[str, str, Write]] = [
    *(
        ("OME-TIFF", f"{name}.ome.tif", lambda path, options=options: _ome(path, **options))
        for name, options in {
            "raw": {},
            "lzw": {"compression": "lzw"},
            "zstd": {"compression": "zstd"},
            "deflate": {"compression": "deflate", "predictor": True},
            "jpeg": JPEG,
            "jpeg2000": {"compression": "jpeg2000"},
            "webp": {"compression": "webp"},
            "jpegxl": {"compression": "jpegxl"},
            "png": {"compression": "png"},
        }.items()
    ),
    ("OME-TIFF", "16-bit.ome.tif", lambda path: _ome(path, tissue().astype(np.uint16) * 257)),
    (
        "OME-TIFF",
        "planes.ome.tif",
        lambda path: tifffile.imwrite(
            path,
            np.moveaxis(tissue(), -1, 0).copy(),
            ome=True,
            photometric="rgb",
            planarconfig="separate",
            metadata={"axes": "SYX"},
        ),
    ),
    (
        "OME-TIFF",
        "three-channels.ome.tif",
        lambda path: tifffile.imwrite(
            path,
            np.moveaxis(tissue(), -1, 0).copy(),
            ome=True,
            photometric="minisblack",
            metadata={"axes": "CYX"},
        ),
    ),
    ("OME-TIFF", "five-channels.ome.tif", lambda path: _planes(path, "CYX", (5, 64, 64))),
    ("OME-TIFF", "z-stack.ome.tif", lambda path: _planes(path, "ZYXS", (4, 64, 64, 3))),
    ("Aperio SVS", "jpeg.svs", lambda path: _aperio(path, **JPEG)),
    ("Aperio SVS", "jpeg2000.svs", lambda path: _aperio(path, compression=33005)),
    ("TIFF, RGB", "imagej.tif", lambda path: tifffile.imwrite(path, tissue(), imagej=True)),
    ("TIFF, RGB", "big-endian.tif", lambda path: tifffile.imwrite(path, tissue(), byteorder=">")),
    (
        "TIFF, palette",
        "palette.tif",
        lambda path: tifffile.imwrite(
            path,
            tissue()[..., 0],
            photometric="palette",
            tile=(128, 128),
            colormap=np.random.default_rng(0).integers(0, 65536, (3, 256), np.uint16),
        ),
    ),
    (
        "TIFF of fractions and signed numbers",
        "range.tif",
        lambda path: tifffile.imwrite(
            path, FLOAT, metadata=None, extratags=RANGE, compression="zlib", predictor=3
        ),
    ),
    (
        "TIFF of fractions and signed numbers",
        "imagej.tif",
        lambda path: tifffile.imwrite(path, FLOAT, imagej=True, metadata={"min": 0.0, "max": 1.0}),
    ),
    (
        "TIFF of fractions and signed numbers",
        "float.tif",
        lambda path: tifffile.imwrite(path, FLOAT),
    ),
]


def by_tifffile(path: Path, size: tuple[int, int]) -> np.ndarray:
    """The pixels as tifffile reads them; fractions from 0 to 1."""
    with tifffile.TiffFile(path) as tif:
        page, image = tif.pages.first, tif.series[0].levels[0].asarray()
    if image.dtype == np.float32:
        image = np.rint(image * 255).astype(np.uint8)
    if image.dtype == np.uint16:
        image = (image // 257).astype(np.uint8)
    if int(page.photometric) == 3:
        return (page.colormap.T >> 8)[image]
    if image.ndim == 3 and image.shape[0] == 3:
        image = np.moveaxis(image, 0, -1)
    return image if image.ndim == 3 else np.dstack([image] * 3)


def _pillow(mode: str, **options: Any) -> Write:
    return lambda path: Image.fromarray(tissue()).convert(mode).save(path, **options)


def _opencv(path: Path) -> None:
    import cv2

    wide = tissue().astype(np.uint16) * 257 if "16" in path.name else tissue()
    if not cv2.imwrite(str(path), wide[..., ::-1]):
        raise OSError(path)


PILLOW: list[tuple[str, str, Write]] = [
    ("TIFF, CMYK", "jpeg.tif", _pillow("CMYK", compression="jpeg")),
    ("TIFF, CMYK", "raw.tif", _pillow("CMYK")),
    ("TIFF, palette", "lzw.tif", _pillow("P", compression="tiff_lzw")),
    ("TIFF of 1 bit", "group3.tif", _pillow("1", compression="group3")),
    ("TIFF of 1 bit", "group4.tif", _pillow("1", compression="group4")),
    ("TIFF, YCbCr", "lzw.tif", _pillow("YCbCr", compression="tiff_lzw")),
    ("TIFF, YCbCr", "raw.tif", _pillow("YCbCr")),
    ("TIFF, YCbCr", "jpeg.tif", _pillow("RGB", compression="jpeg")),
    ("TIFF, grey", "alpha.tif", _pillow("LA")),
    ("TIFF of fractions and signed numbers", "f.tif", _pillow("F")),
    ("TIFF of fractions and signed numbers", "i.tif", _pillow("I")),
    ("JPEG 2000", "rgb.jp2", _pillow("RGB")),
    ("JPEG 2000", "alpha.jp2", _pillow("RGBA")),
    ("JPEG 2000", "grey.j2k", _pillow("L")),
    ("JPEG", "cmyk.jpg", _pillow("CMYK", quality=92)),
    ("JPEG", "grey.jpg", _pillow("L", quality=92)),
    ("PNG", "1.png", _pillow("1")),
    ("PNG", "palette.png", _pillow("P")),
]
OPENCV = [
    ("TIFF, RGB", "lzw.tif"), ("TIFF, RGB", "16.tif"), ("PNG", "8.png"), ("PNG", "16.png"),
    ("JPEG", "8.jpg"), ("JPEG 2000", "8.jp2"), ("JPEG 2000", "16.jp2"),
]  # fmt: skip
IMAGECODECS = {
    "ht.j2k": {"codecformat": "j2k", "level": 0},
    "ycc.jp2": {"codecformat": "jp2", "level": 60, "mct": True},
}


def _openjpeg(path: Path, size: tuple[int, int]) -> np.ndarray:
    return imagecodecs.jpeg2k_decode(path.read_bytes())


def written_slides(scratch: Path) -> Iterator[Result]:
    """Yield a result for each; of a package that is not installed, none."""
    reading = {"libvips": by_vips, "Pillow": by_pillow}
    for kind, name, save in VIPS:
        try:
            writer, name, write = _vips(name, save)
        except ImportError:
            break
        readers = {"Pillow": by_pillow} if "CMYK" in kind else reading  # libvips applies a profile
        yield from _one(kind, writer, scratch / f"vips-{name}", write, readers)
    ours = {"tifffile": by_tifffile}
    for kind, name, write in TIFFFILE:
        readers = {"OpenSlide": by_openslide} if kind == "Aperio SVS" else ours
        yield from _one(kind, "tifffile", scratch / f"tifffile-{name}", write, readers)
    for kind, name, write in PILLOW:
        readers = {"Pillow": by_pillow, "libtiff": by_libtiff}
        yield from _one(kind, "Pillow", scratch / f"pillow-{name}", write, readers)
    for kind, name in OPENCV:
        yield from _one(kind, "opencv", scratch / f"opencv-{name}", _opencv, {"Pillow": by_pillow})
    for name, options in IMAGECODECS.items():

        def encode(path: Path, options: Any = options) -> None:
            path.write_bytes(imagecodecs.jpeg2k_encode(tissue(), **options))

        yield from _one("JPEG 2000", "imagecodecs", scratch / name, encode, {"OpenJPEG": _openjpeg})
    for writer, name, write, readers in DICOM:
        yield from _one("DICOM", writer, scratch / name, write, readers)


def _one(kind: str, writer: str, path: Path, write: Write, readers: Any) -> Iterator[Result]:
    sys.stderr.write(f"{writer}: {path.name}\n")
    try:
        write(path)
    except Exception as error:  # a package that is not installed, or was built without this codec
        print(f"{writer} cannot write {path.name}: {error}", file=sys.stderr)
        return
    lossy = "jp" in path.name or "YCbCr" in kind or kind in ("JPEG", "DICOM")
    with_version = (
        f"{writer} {version(_INSTALLED.get(writer, writer))}" if " " not in writer else writer
    )
    yield compare(kind, with_version, path, readers, LOSSY if lossy else 1)


_INSTALLED = {"opencv": "opencv-python-headless"}
