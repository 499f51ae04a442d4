"""Slides and tables of spots that are wrong inside, each in its own way."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import tifffile

Make = Callable[[Path], Path]


def text(name: str, content: str | bytes) -> Make:
    """A file with this content."""

    def write(folder: Path) -> Path:
        data = content.encode() if isinstance(content, str) else content
        (folder / name).write_bytes(data)
        return folder / name

    return write


@cache
def zeros_in_gz() -> bytes:
    """70 MiB of zeros, in 300 kB."""
    return gzip.compress(bytes(70 * 2**20), 1)


def _zipped() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("a.csv", "x,y\n1,1\n")
        file.writestr("b.csv", "x,y\n1,1\n")
    return packed.getvalue()


TABLES: dict[str, Make] = {
    "100,000 columns": text("wide.csv", "x,y" + ",c" * 100_000 + "\n1,2\n"),
    "a column twice": text("twice.csv", "x,x,y\n1,2,3\n"),
    "no x": text("nox.csv", "a,b\n1,2\n"),
    "x that is infinite": text("inf.csv", "x,y\ninf,2\n"),
    "x of 400 digits": text("digits.csv", "x,y\n1" + "0" * 400 + ",2\n"),
    "more values than names": text("ragged.csv", "x,y\n1,2,3,4\n5,6,7,8\n"),
    "lines of all lengths": text("lines.csv", "x,y\n1,2\n1,2,3\n"),
    "an open quote": text("quote.csv", 'x,y\n"1,2\n'),
    "a damaged gz": text("bad.csv.gz", b"\x1f\x8b\x08\x00 damaged"),
    "a gz that is cut": text("cut.csv.gz", gzip.compress(b"x,y\n1,2\n" * 1000)[:40]),
    "70 MB out of 300 kB": lambda folder: text("bomb.csv.gz", zeros_in_gz())(folder),
    "a damaged zst": text("bad.csv.zst", b"\x28\xb5\x2f\xfd damaged"),
    "a damaged xz": text("bad.csv.xz", b"\xfd7zXZ\x00 damaged"),
    "a damaged tar": text("bad.csv.tar", b"damaged" * 100),
    "a zip of two tables": text("two.csv.zip", _zipped()),
    "barcodes twice": text("names.csv", "barcode,x,y\na,1,1\na,2,2\n"),
}


def _tiff(change: Callable[[bytearray], None]) -> Make:
    def write(folder: Path) -> Path:
        path = folder / "bad.tif"
        pixels = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
        tifffile.imwrite(path, pixels, tile=(32, 32), compression="deflate", photometric="rgb")
        content = bytearray(path.read_bytes())
        change(content)
        path.write_bytes(content)
        return path

    return write


def _ifd(content: bytearray) -> int:
    return int(struct.unpack_from("<I", content, 4)[0])


def _tag(number: int, value: int, count: int | None = None) -> Make:
    """A TIFF of which one tag says something else."""

    def change(content: bytearray) -> None:
        start = _ifd(content)
        for i in range(struct.unpack_from("<H", content, start)[0]):
            entry = start + 2 + 12 * i
            if struct.unpack_from("<H", content, entry)[0] == number:
                struct.pack_into("<H", content, entry + 2, 4)
                struct.pack_into("<I", content, entry + 4, 1 if count is None else count)
                struct.pack_into("<I", content, entry + 8, value)

    return _tiff(change)


def _round(content: bytearray) -> None:
    start = _ifd(content)
    end = start + 2 + 12 * struct.unpack_from("<H", content, start)[0]
    struct.pack_into("<I", content, end, start)


def _ome(uuid: str, name: str) -> Make:
    """An OME-TIFF whose second channel is in another file."""

    def write(folder: Path) -> Path:
        tifffile.imwrite(folder / "other.ome.tif", np.full((64, 64), 200, np.uint8))
        xml = (
            '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:1">'
            '<Image ID="Image:0"><Pixels ID="Pixels:0" Type="uint8" SizeX="64" SizeY="64" '
            'SizeC="1" SizeZ="1" SizeT="1" DimensionOrder="XYCZT"><Channel ID="Channel:0:0" '
            'SamplesPerPixel="1"/><TiffData IFD="0" PlaneCount="1">'
            f'<UUID FileName="{name}">urn:uuid:{uuid}</UUID></TiffData></Pixels></Image></OME>'
        )
        tifffile.imwrite(
            folder / "many.ome.tif",
            np.full((64, 64), 127, np.uint8),
            description=xml,
            metadata=None,
        )
        return folder / "many.ome.tif"

    return write


def png_header(width: int, height: int) -> bytes:
    """A PNG of that size, of whose pixels there are none."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        sum_ = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + sum_

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


SLIDES: dict[str, Make] = {
    "directories in a circle": _tiff(_round),
    "a directory far behind the end": _tiff(lambda c: struct.pack_into("<I", c, 4, 2**31)),
    "a directory of 65,535 tags": _tiff(lambda c: struct.pack_into("<H", c, _ifd(c), 65_535)),
    "a width of 10^9": _tag(256, 10**9),
    "a width of 0": _tag(256, 0),
    "tiles of 10^9": _tag(322, 10**9),
    "tiles of 0": _tag(322, 0),
    "offsets without end": _tag(324, 8, 2**31),
    "an unknown compression": _tag(259, 60_000),
    "a page of 2^31 bytes": _tag(325, 2**31),
    "one of several OME files": _ome("2", "other.ome.tif"),
    "an OME file elsewhere": _ome("2", "../../etc/passwd"),
    "a PNG of 2^31 px": text("wide.png", png_header(2**31 - 1, 1)),
    "a PNG of 30,000 x 30,000 px": text("large.png", png_header(30_000, 30_000)),
    "a JPEG of nothing": text("start.jpg", b"\xff\xd8\xff\xe0 nothing \xff\xd9"),
    "DICOM of nothing": text("bad.dcm", bytes(128) + b"DICM" + bytes(400)),
    "an mrxs without its folder": text("alone.mrxs", b"\xff\xd8\xff" + bytes(600) + b"\xff\xd9"),
    "text called svs": text("notes.svs", "These are my notes.\n" * 40),
}
