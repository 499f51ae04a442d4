"""Plain JPEG, PNG and JPEG 2000 pictures; they have no pyramid, so one is made in memory."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, Jpeg2KImagePlugin, JpegImagePlugin, PngImagePlugin

from ...errors import SlideError
from ...reading import reason_of
from ..pixels import block_reduce, over_white, resize
from ..slide import Level, Slide

_LARGEST_PX = {"jpeg": 1_500_000_000, "png": 1_500_000_000, "jpeg2000": 400_000_000}
# What a small file may take decoded, in bytes of memory, and what a pixel takes at most: 3 bytes
# and a third for the smaller levels, one for its alpha, and copies where Pillow converts.
_LARGE, _LARGE_FILE = 1_900_000_000, 100_000_000
_BYTES_A_PX = {"RGB": 4, "RGBA": 5.5}
_CONVERTED = 10
_JPEG_2000_PX = 28  # OpenJPEG has 4 bytes for each sample, beside what Pillow holds
_SMALLEST_LEVEL_PX = 1024
# Where the last marker of a whole file stands; some cameras append data after it.
_TAIL_BYTES = 65_536
_END = {"jpeg": b"\xff\xd9", "png": b"IEND", "jpeg2000": b"\xff\xd9"}
_NAMES = {"jpeg": "JPEG", "png": "PNG", "jpeg2000": "JPEG 2000"}
# Not Image.open, whose limit against huge pictures is far below an ordinary slide.
_OPENERS: dict[str, Callable[[Path], Image.Image]] = {
    "jpeg": JpegImagePlugin.JpegImageFile,
    "png": PngImagePlugin.PngImageFile,
    "jpeg2000": Jpeg2KImagePlugin.Jpeg2KImageFile,
}
_ORIENTATION_TAG = 274


class ImageSlide(Slide):
    """A picture, decoded once, at the first read; its dpi is never taken for a scale.

    Level k is level 0 reduced by 2^k. Pixels stand as they are stored: a camera's orientation tag
    is not obeyed, since spot coordinates count stored pixels.
    """

    def __init__(self, path: Path, kind: str) -> None:
        self._kind = kind
        self._decoding = threading.Lock()
        self._pixels: dict[int, NDArray[np.uint8]] = {}
        self._check_whole(path)
        with self._open(path) as image:
            width, height = image.size
            properties = {"image.mode": image.mode}
            # Of a PNG that has none before its pixels, Pillow would decode all to look behind them.
            looked_at = kind == "jpeg" or "exif" in image.info
            orientation = image.getexif().get(_ORIENTATION_TAG, 1) if looked_at else 1
        if orientation != 1:
            properties["image.orientation"] = f"{orientation} (not applied)"
        if min(width, height) < 1:
            raise SlideError(f"{path.name} is damaged: it has no pixels; copy it again.")
        bytes_a_px = _BYTES_A_PX.get(properties["image.mode"], _CONVERTED)
        if kind == "jpeg2000":
            bytes_a_px = _JPEG_2000_PX
        most = _LARGE / bytes_a_px if path.stat().st_size < _LARGE_FILE else _LARGEST_PX[kind]
        if width * height > most:
            raise SlideError(
                f"{path.name} has {width} x {height} px, too many for a {_NAMES[kind]}, which can "
                "only be decoded whole; convert it to a tiled TIFF."
            )
        levels = [Level(width, height, 1.0)]
        while levels[-1].longest > _SMALLEST_LEVEL_PX:
            finer = levels[-1]
            levels.append(Level(-(-finer.width // 2), -(-finer.height // 2), finer.downsample * 2))
        super().__init__(
            path, vendor=kind, properties=properties, levels=tuple(levels), um_per_px=None
        )

    def _read_inside(self, level: int, x: int, y: int, w: int, h: int) -> NDArray[np.uint8]:
        with self._decoding:
            pixels = self._level(level)
        return pixels[y : y + h, x : x + w].copy()

    def _release(self) -> None:
        self._pixels.clear()

    def _level(self, level: int) -> NDArray[np.uint8]:
        if level not in self._pixels:
            if level == 0:
                self._pixels[0] = self._decode()
            else:
                finer = self._level(level - 1)
                h, w = finer.shape[:2]
                self._pixels[level] = block_reduce(
                    lambda x, y, w, h: finer[y : y + h, x : x + w], w, h, 2
                )
        return self._pixels[level]

    def _decode(self) -> NDArray[np.uint8]:
        try:
            with self._open(self.path) as image:
                plain = "transparency" not in image.info
                in_place = self._kind == "jpeg" or (self._kind == "png" and plain)
                if image.mode == "RGB" and in_place:
                    return self._decode_in_place()
                if image.mode.startswith("I"):
                    wide = np.asarray(image).astype(np.uint16)
                    return np.repeat((wide // 257).astype(np.uint8)[..., None], 3, axis=2)
                if image.mode == "RGBA" and self._kind == "png":
                    return self._decode_in_place()
                if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
                    return over_white(np.asarray(image.convert("RGBA")))
                return np.array(image.convert("RGB"))
        except (OSError, ValueError, SyntaxError, MemoryError) as error:
            raise self._damaged(self.path, error) from error

    def _decode_in_place(self) -> NDArray[np.uint8]:
        # Pillow would hold 4 bytes per pixel beside our 3 while converting: 0.7 GB for 100 Mpx.
        import imagecodecs

        decode = imagecodecs.jpeg8_decode if self._kind == "jpeg" else imagecodecs.png_decode
        try:
            pixels = np.asarray(decode(self.path.read_bytes()))
        except (RuntimeError, ValueError) as error:
            raise self._damaged(self.path, error) from error
        if pixels.dtype == np.uint16:  # a PNG of 48 bits, which Pillow calls RGB too
            pixels = (pixels >> 8).astype(np.uint8)
        if pixels.shape == (self.height, self.width, 4) and pixels.dtype == np.uint8:
            pixels = over_white(pixels, in_place=pixels.flags.c_contiguous)
        if pixels.shape != (self.height, self.width, 3) or pixels.dtype != np.uint8:
            raise self._damaged(self.path, ValueError(f"it decodes to {pixels.shape}"))
        return pixels

    def _make_thumbnail(self, w: int, h: int) -> NDArray[np.uint8]:
        if self._kind != "jpeg" or max(w, h) * 2 > max(self.width, self.height):
            return super()._make_thumbnail(w, h)
        # A JPEG can be decoded at 1/2, 1/4, 1/8 of its size in a fraction of the time and memory.
        with self._in_use(), self._open(self.path) as image:
            image.draft("RGB", (w, h))
            step = round(self.width / image.width)
            try:
                small = np.asarray(image.convert("RGB"))
            except (OSError, ValueError, SyntaxError) as error:
                raise self._damaged(self.path, error) from error
        return resize(small, w, h, (0.0, 0.0, self.width / step, self.height / step))

    def _open(self, path: Path) -> Image.Image:
        try:
            return _OPENERS[self._kind](path)
        except Exception as error:  # Pillow raises what the damage makes it raise
            raise self._damaged(path, error) from error

    def _check_whole(self, path: Path) -> None:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _TAIL_BYTES))
            if _END[self._kind] not in file.read():
                raise SlideError(
                    f"{path.name} is cut short: the {_NAMES[self._kind]} stops after {size} bytes "
                    "without its end mark; copy it again."
                )

    def _damaged(self, path: Path, error: Exception) -> SlideError:
        return SlideError(
            f"{path.name} cannot be decoded as {_NAMES[self._kind]} ({reason_of(error)}); copy it "
            "again or save it anew."
        )
