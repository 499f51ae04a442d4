"""Slides and pictures out of others' packages, each held to Pillow, libtiff or OpenSlide."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import tifffile

from .results import Result, by_libtiff, by_openslide, by_pillow, compare

KINDS = {
    ".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".jp2": "JPEG 2000", ".j2k": "JPEG 2000",
    ".jpx": "JPEG 2000", ".svs": "Aperio SVS", ".dcm": "DICOM",
}  # fmt: skip
TIFFS = (".tif", ".tiff")
# Where two readers differ, and why neither is wrong.
KNOWN = {
    "12bit.cropped.tif": 2,  # Pillow fills 12 bits up to 16, by shifting them
    "tiff_16bit_RGBa.tiff": 3,  # Pillow divides by alpha and multiplies again
    "tiff_strip_planar_16bit_RGBa.tiff": 3,
    "tiff_tiled_planar_16bit_RGBa.tiff": 3,
    "old-style-jpeg-compression.tif": 44,  # colours of 2 x 2 px, smoothed here and not by libtiff
    "old-style-jpeg-compression-no-samplesperpixel.tif": 44,
}
_COLOURS = {0: "grey", 1: "grey", 2: "RGB", 3: "palette", 5: "CMYK", 6: "YCbCr"}


def packaged_slides(sources: dict[str, Path]) -> Iterator[Result]:
    """Yield a result for each picture in the sources, and of the packages that are installed."""
    import skimage

    every = {**sources, f"scikit-image-{skimage.__version__}": Path(skimage.__file__).parent}
    for package, folder in every.items():
        for path in sorted(folder.rglob("*")):
            kind = KINDS.get(path.suffix.lower())
            if path.suffix.lower() in TIFFS:
                kind = _kind_of_tiff(path)
            if kind is None or not path.is_file() or "doc" in path.relative_to(folder).parts:
                continue
            if kind == "PNG" and not package.startswith(("pillow", "scikit-image", "openslide_")):
                continue  # plots that tests are compared with
            references = {"Pillow": by_pillow}
            if kind in ("Aperio SVS", "DICOM"):
                references = {"OpenSlide": by_openslide}
            elif path.suffix.lower() in TIFFS:
                references |= {"libtiff": by_libtiff}
            sys.stderr.write(f"{package}: {path.name}\n")
            yield compare(kind, package, path, references, KNOWN.get(path.name, 1))


def _kind_of_tiff(path: Path) -> str:
    try:
        with tifffile.TiffFile(path) as tif:
            if tif.is_svs:
                return "Aperio SVS"
            page = tif.pages.first
            if tif.is_ome:
                return "OME-TIFF"
            if page.dtype is None or page.dtype.kind not in "bu" or page.dtype.itemsize > 2:
                return "TIFF of fractions and signed numbers"
            bits, colours = int(page.bitspersample), _COLOURS.get(int(page.photometric), "other")
            if bits == 1:
                return "TIFF of 1 bit"
            if colours == "grey" and bits != 8:
                return "TIFF, grey of 2 to 16 bits"
            return f"TIFF, {colours}"
    except Exception:
        return "TIFF, damaged"
