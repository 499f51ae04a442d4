"""Decode single tiles of a TIFF level; nothing around a tile is touched."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....errors import SlideError
from .colours import ToRgb
from .layout import TiffLevel
from .packed_size import packed_size
from .pieces import is_unpacked, piece_decoder

# Reads so many bytes of the file from an offset.
ReadBytes = Callable[[int, int], bytes]

_WINDOW_PX = 512
_LARGEST_TILE_PX = 4096 * 4096
_LARGEST_SEGMENT_BYTES = 2**29
# Of a picture of one level: pixels of white glass for each byte of the file, were it packed well.
_MOST_PX, _MOST_PX_A_BYTE = 2**30, 5000
_PADDING = 64  # px by which a packed picture may be larger than its tile


class Grid(ABC):
    """A level cut into tiles of one size, those at the right and bottom edge smaller."""

    def __init__(self, level: TiffLevel, tile: tuple[int, int], to_rgb: ToRgb) -> None:
        self.level = level
        self.tile_width, self.tile_height = tile
        self._to_rgb = to_rgb

    def tile(self, row: int, column: int) -> NDArray[np.uint8]:
        """Return the RGB pixels of a tile, (h, w, 3), without what lies outside the level."""
        h = min(self.tile_height, self.level.height - row * self.tile_height)
        w = min(self.tile_width, self.level.width - column * self.tile_width)
        planes = [self._samples(page, row, column, h, w) for page in self.level.pages]
        if any(plane is None for plane in planes):
            return np.full((h, w, 3), 255, np.uint8)
        samples = [plane for plane in planes if plane is not None]
        return self._to_rgb(samples[0] if len(samples) == 1 else np.concatenate(samples, axis=2))

    @abstractmethod
    def _samples(self, page: Any, row: int, column: int, h: int, w: int) -> NDArray[Any] | None:
        """Return (h, w, samples) of one page, or None where the file leaves the tile out."""


class SegmentGrid(Grid):
    """The tiles, or strips, that the file consists of."""

    def __init__(self, level: TiffLevel, read: ReadBytes, to_rgb: ToRgb) -> None:
        layout = level.layout
        tile = _piece_size(level)
        super().__init__(level, tile, to_rgb)
        self._read = read
        # Fetched while the file is open: tifffile looks them up when they are first asked for.
        self._decode = piece_decoder(layout, tile)
        self._places = {
            id(page): (page.dataoffsets, page.databytecounts, page.jpegtables)
            for page in level.pages
        }
        self._columns = -(-level.width // tile[0])
        self._tiles = self._columns * -(-level.height // tile[1])
        self._planes = layout.samplesperpixel if int(layout.planarconfig) == 2 else 1

    def _samples(self, page: Any, row: int, column: int, h: int, w: int) -> NDArray[Any] | None:
        offsets, counts, tables = self._places[id(page)]
        parts = []
        for plane in range(self._planes):
            index = plane * self._tiles + row * self._columns + column
            if not counts[index]:
                return None
            data = self._read(offsets[index], counts[index])
            self._check_packed(data)
            try:
                decoded, _, _ = self._decode(data, index, jpegtables=tables)
            except Exception:
                if not row or self.level.layout.is_tiled:
                    raise
                # Some writers fill the last strip up to the height of the others.
                decoded, _, _ = self._decode(data, plane * self._tiles, jpegtables=tables)
            parts.append(decoded[0, :h, :w])
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=2)

    def _check_packed(self, data: bytes) -> None:
        """Make sure that a packed picture is no larger than the tile that it fills."""
        size = packed_size(data)
        if size is not None and (
            size[0] > 2 * self.tile_width + _PADDING or size[1] > 2 * self.tile_height + _PADDING
        ):
            raise ValueError(
                f"a tile of {self.tile_width:,} x {self.tile_height:,} px holds a picture of "
                f"{size[0]:,} x {size[1]:,} px"
            )


class WindowGrid(Grid):
    """Windows on uncompressed pixels stored row after row, of which only the needed are read."""

    def __init__(self, level: TiffLevel, read: ReadBytes, to_rgb: ToRgb) -> None:
        super().__init__(level, (_WINDOW_PX, _WINDOW_PX), to_rgb)
        layout = level.layout
        self._read = read
        self._dtype = np.dtype(layout.parent.byteorder + layout.dtype.char)
        self._starts = {id(page): page.dataoffsets[0] for page in level.pages}
        planar = int(layout.planarconfig) == 2
        self._planes = layout.samplesperpixel if planar else 1
        self._samples_together = 1 if planar else layout.samplesperpixel

    def _samples(self, page: Any, row: int, column: int, h: int, w: int) -> NDArray[Any]:
        start, pixel = self._starts[id(page)], self._samples_together * self._dtype.itemsize
        x, y = column * self.tile_width, row * self.tile_height
        planes = []
        for plane in range(self._planes):
            first = plane * self.level.height + y
            rows = [
                self._read(start + ((first + i) * self.level.width + x) * pixel, w * pixel)
                for i in range(h)
            ]
            window = np.frombuffer(b"".join(rows), self._dtype)
            planes.append(window.reshape(h, w, self._samples_together))
        return planes[0] if len(planes) == 1 else np.concatenate(planes, axis=2)


def make_grid(
    level: TiffLevel,
    path: Path,
    read: ReadBytes,
    bits: int,
    value_range: tuple[float, float] | None,
) -> Grid:
    """Return the way to read a level.

    Raises
    ------
    SlideError
        If its colours cannot be read, or it is compressed in one piece too large to decode.
    """
    layout = level.layout
    if not is_unpacked(layout):
        raise SlideError(
            f"{path.name} is packed in a way that is not known here (TIFF compression "
            f"{int(layout.compression)}); save it packed by JPEG, LZW or deflate."
        )
    channels = len(level.pages) * layout.samplesperpixel
    to_rgb = ToRgb(layout, channels, bits, value_range, path)
    small_tiles = layout.is_tiled and layout.tilewidth * layout.tilelength <= _LARGEST_TILE_PX
    if not small_tiles and all(page.is_final for page in level.pages):
        return WindowGrid(level, read, to_rgb)
    _check_pieces(level, path)
    grid = SegmentGrid(level, read, to_rgb)
    a_px = 4 if layout.dtype.name == "bool" else layout.samplesperpixel * layout.dtype.itemsize
    size = grid.tile_width * grid.tile_height * a_px
    if size > _LARGEST_SEGMENT_BYTES:
        raise SlideError(
            f"{path.name} is compressed in pieces of {size / 2**30:.1f} GB, which cannot be read "
            "in parts; save it as a tiled TIFF, for instance with: vips tiffsave --tile."
        )
    return grid


def _piece_size(level: TiffLevel) -> tuple[int, int]:
    """Return width and height of a tile or strip, whatever kind of number the file has for them."""
    layout = level.layout
    if layout.is_tiled:
        return int(layout.tilewidth), int(layout.tilelength)
    return level.width, min(int(layout.rowsperstrip), level.height)


def _check_pieces(level: TiffLevel, path: Path) -> None:
    """Make sure that a level has as many pieces as it needs, and that they are no trap."""
    layout = level.layout
    width, height = _piece_size(level)
    if min(width, height, level.width, level.height) < 1:
        raise SlideError(f"{path.name} is damaged: a picture without pixels; copy it again.")
    planes = layout.samplesperpixel if int(layout.planarconfig) == 2 else 1
    wanted = -(-level.width // width) * -(-level.height // height) * planes
    for page in level.pages:
        known = min(len(page.dataoffsets), len(page.databytecounts))
        if known < wanted:
            raise SlideError(
                f"{path.name} is cut short or damaged: it lists {known:,} of the {wanted:,} pieces "
                f"of a picture of {level.width:,} x {level.height:,} px; copy it again."
            )
    size, pixels = path.stat().st_size, level.width * level.height
    if pixels > _MOST_PX and pixels > _MOST_PX_A_BYTE * size:
        raise SlideError(
            f"{path.name} says that it has {level.width:,} x {level.height:,} px, more than a file "
            f"of {size / 1e6:.1f} MB holds; copy it again."
        )
