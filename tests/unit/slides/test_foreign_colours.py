"""Pictures as other programs store them: each opens with the pixels that its writer meant."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_mclstexp.errors import SlideError
from napari_mclstexp.slides import open_slide
from support.foreign_kit import write_subsampled

W, H = 70, 50


def picture() -> Image.Image:
    x, y = np.meshgrid(np.linspace(20, 235, W), np.linspace(20, 235, H))
    return Image.fromarray(np.stack([x, y, np.full_like(x, 128)], -1).astype(np.uint8))


def pixels(path: Path) -> np.ndarray:
    with open_slide(path) as slide:
        return slide.read_level(0, 0, 0, slide.width, slide.height).astype(int)


def by_pillow(mode: str, suffix: str = ".tif", **options: object) -> Callable[[Path], np.ndarray]:
    def write(path: Path) -> np.ndarray:
        picture().convert(mode).save(path.with_suffix(suffix), **options)
        with Image.open(path.with_suffix(suffix)) as again:
            if again.mode == "LA":
                white = Image.new("LA", again.size, (255, 255))
                return np.asarray(Image.alpha_composite(white, again).convert("RGB"))
            return np.asarray(again.convert("RGB"))

    return write


def by_tifffile(image: np.ndarray, expected: np.ndarray, **options: object):
    def write(path: Path) -> np.ndarray:
        tifffile.imwrite(path.with_suffix(".tif"), image, metadata=None, **options)
        return np.repeat(expected[..., None], 3, 2) if expected.ndim == 2 else expected

    return write


def ramp(top: int) -> np.ndarray:
    return np.linspace(0, top, W * H).round().astype(np.uint8).reshape(H, W)


RGB = np.asarray(picture())
FLOATS = np.linspace(-1, 3, W * H, dtype=np.float32).reshape(H, W)
IN_RANGE = np.rint(np.clip(FLOATS / 2, 0, 1) * 255).astype(np.uint8)
LOW_AND_HIGH = [(340, "f", 1, 0.0, True), (341, "f", 1, 2.0, True)]
IMAGEJ = [(270, "s", 0, "ImageJ=1.53k\nmin=0.0\nmax=2.0\n", True)]
MAP = np.random.default_rng(0).integers(0, 65536, (3, 256), np.uint16)

WRITERS: dict[str, tuple[Callable[[Path], np.ndarray], int]] = {
    "CMYK": (by_pillow("CMYK"), 1),
    "CMYK in JPEG": (by_pillow("CMYK", compression="jpeg", quality=95), 1),
    "a palette": (by_pillow("P"), 0),
    "a palette, tiled": (
        by_tifffile(
            ramp(255), (MAP.T >> 8)[ramp(255)], photometric="palette", colormap=MAP, tile=(32, 32)
        ),
        0,
    ),
    "1 bit, raw": (by_pillow("1"), 0),
    "1 bit, as fax": (by_pillow("1", compression="group4"), 0),
    "1 bit, LZW": (by_pillow("1", compression="tiff_lzw"), 0),
    "2 bits": (by_tifffile(ramp(3), ramp(3) * 85, bitspersample=2), 0),
    "4 bits, packed": (by_tifffile(ramp(15), ramp(15) * 17, bitspersample=4), 0),
    "YCbCr, LZW": (by_pillow("YCbCr", compression="tiff_lzw"), 1),
    "grey and alpha": (by_pillow("LA"), 1),
    "fractions with a range": (by_tifffile(FLOATS, IN_RANGE, extratags=LOW_AND_HIGH), 0),
    "fractions by ImageJ": (by_tifffile(FLOATS, IN_RANGE, extratags=IMAGEJ), 0),
    "fractions, packed in tiles": (
        by_tifffile(
            FLOATS,
            IN_RANGE,
            extratags=LOW_AND_HIGH,
            tile=(32, 32),
            compression="deflate",
            predictor=3,
        ),
        0,
    ),
    "RGB and a channel that is no alpha": (
        by_tifffile(
            np.dstack([RGB, ramp(255)]), RGB, photometric="rgb", extrasamples=("unspecified",)
        ),
        0,
    ),
    "tiles to be turned, as they are stored": (
        by_tifffile(RGB, RGB, photometric="rgb", tile=(32, 32), extratags=[(274, "H", 1, 3, True)]),
        0,
    ),
    "tiles in WebP": (
        by_tifffile(
            RGB,
            RGB,
            photometric="rgb",
            tile=(32, 32),
            compression="webp",
            compressionargs={"lossless": True},
        ),
        0,
    ),
    "JPEG 2000": (by_pillow("RGB", ".jp2", irreversible=False), 0),
    "JPEG 2000, tiled, lossy": (
        by_pillow("RGB", ".jp2", irreversible=True, tile_size=(32, 32), quality_layers=[20]),
        0,
    ),
    "JPEG 2000 without boxes": (by_pillow("L", ".j2k"), 0),
    "JPEG 2000 of 16 bits": (
        lambda path: (
            path.with_suffix(".j2k").write_bytes(
                imagecodecs.jpeg2k_encode(RGB.astype(np.uint16) * 257, codecformat="j2k", level=0)
            ),
            RGB,
        )[1],
        1,
    ),
}


@pytest.mark.parametrize("kind", WRITERS)
def test_a_picture_opens_with_its_pixels(kind, tmp_path):
    write, most = WRITERS[kind]
    expected = write(tmp_path / "picture.tif")
    (path,) = tmp_path.iterdir()
    assert np.abs(pixels(path) - expected).max() <= most


def test_a_last_strip_that_is_filled_up_opens(tmp_path):
    path, grey = tmp_path / "filled.tif", ramp(255)
    filled = np.pad(grey, ((0, 14), (0, 0)))  # four strips of 16 rows, of which 50 are the picture
    tifffile.imwrite(path, filled, rowsperstrip=16, compression="deflate", metadata=None)
    with tifffile.TiffFile(path, mode="r+") as tif:
        tif.pages.first.tags["ImageLength"].overwrite(H)
    np.testing.assert_array_equal(pixels(path)[..., 0], grey)


@pytest.mark.parametrize("compression", ["group3", "group4", "tiff_ccitt"])
@pytest.mark.parametrize("fill", [1, 2])
def test_fax_opens_as_libtiff_reads_it(compression, fill, tmp_path):
    path = tmp_path / "fax.tif"
    picture().convert("1").save(path, compression=compression, tiffinfo={266: fill})
    with Image.open(path) as again:
        assert np.abs(pixels(path) - np.asarray(again.convert("RGB"))).max() == 0


@pytest.mark.parametrize("pack", [bytes, imagecodecs.lzw_encode], ids=["raw", "LZW"])
@pytest.mark.parametrize("sampling", [(2, 2), (2, 1), (4, 2)])
def test_colours_of_several_pixels_open_as_libtiff_reads_them(sampling, pack, tmp_path):
    path = tmp_path / "units.tif"
    write_subsampled(path, picture(), *sampling, pack)
    by_libtiff = imagecodecs.tiff_decode(path.read_bytes(), asrgb=True)[..., :3]
    assert np.abs(pixels(path) - by_libtiff).max() <= 1


@pytest.mark.parametrize(
    "image",
    [FLOATS, np.full((H, W), -5, np.int16), np.full((H, W), 2**20, np.uint32)],
    ids=lambda image: image.dtype.name,
)
def test_numbers_without_a_range_are_refused(image, tmp_path):
    tifffile.imwrite(tmp_path / "numbers.tif", image, metadata=None)
    with pytest.raises(SlideError, match="does not say which of them are black and white"):
        open_slide(tmp_path / "numbers.tif")


def test_rows_of_a_strip_that_are_a_fraction_are_refused(tmp_path):
    path = tmp_path / "rows.tif"
    tifffile.imwrite(path, RGB, rowsperstrip=16, compression="lzw", metadata=None)
    with tifffile.TiffFile(path, mode="r+") as tif:
        tif.pages.first.tags["RowsPerStrip"].overwrite(16.0, dtype="f")
    with pytest.raises(SlideError, match=r"rows\.tif"):
        pixels(path)


@pytest.mark.filterwarnings("error")
def test_what_is_no_number_is_black(tmp_path):
    odd = FLOATS.copy()
    odd[0, :3] = np.nan, np.inf, -np.inf
    tifffile.imwrite(tmp_path / "odd.tif", odd, metadata=None, extratags=LOW_AND_HIGH)
    assert pixels(tmp_path / "odd.tif")[0, :3, 0].tolist() == [0, 255, 0]


def test_pieces_packed_in_a_way_that_nobody_knows_are_refused_at_once(tmp_path):
    tifffile.imwrite(tmp_path / "packed.tif", RGB, tile=(32, 32), compression="lzw")
    with tifffile.TiffFile(tmp_path / "packed.tif", mode="r+") as tif:
        tif.pages.first.tags["Compression"].overwrite(52479)
    with pytest.raises(SlideError, match=r"not known here .TIFF compression 52479."):
        open_slide(tmp_path / "packed.tif")


def test_dicom_that_is_no_slide_is_called_so_although_it_begins_as_tiff(tmp_path):
    path = tmp_path / "scan.dcm"
    path.write_bytes(b"II*\0".ljust(128, b"\0") + b"DICM" + bytes(100))
    with pytest.raises(SlideError, match="it is DICOM, but no whole-slide"):
        open_slide(path)


@pytest.mark.parametrize("sampling", [(0, 0), (65535, 65535)])
def test_colours_of_no_or_of_all_pixels_are_refused(sampling, tmp_path):
    write_subsampled(tmp_path / "units.tif", picture(), 2, 2, imagecodecs.lzw_encode)
    content = (tmp_path / "units.tif").read_bytes()
    entry = struct.pack("<HHI", 530, 3, 2)
    assert entry in content
    before, _, after = content.partition(entry)
    (tmp_path / "units.tif").write_bytes(before + entry + struct.pack("<HH", *sampling) + after[4:])
    with pytest.raises(SlideError, match=r"units\.tif"):
        pixels(tmp_path / "units.tif")
