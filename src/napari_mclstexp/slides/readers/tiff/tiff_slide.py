"""OME-TIFF pyramids and plain, Big, planar, stripped or 16-bit TIFF, decoded tile by tile."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ....errors import SlideError
from ....reading import reason_of
from ....running.stages import stage
from ...scale import true_downsample
from ...slide import Level, Slide
from .handle import opened, overheard
from .layout import find_levels
from .metadata import (
    check_alone,
    significant_bits,
    tiff_properties,
    tiff_um_per_px,
    value_range,
)
from .tile_cache import TileCache
from .tiles import make_grid

_CACHE_BYTES = 96 * 2**20


class TiffSlide(Slide):
    """A TIFF whose tiles are found by tifffile and decoded, one by one, by imagecodecs.

    A tile is decoded when a region touches it and kept in a bounded cache. tifffile's zarr store
    gives the same pixels, but has no such cache and costs several times more for each patch.
    """

    def __init__(self, path: Path) -> None:
        self._cache = TileCache(_CACHE_BYTES)
        self._seeking = threading.Lock()
        with overheard(), opened(path) as tif:
            check_alone(tif, path)
            found = find_levels(tif, path)
            properties = tiff_properties(tif, found[0])
            um_per_px = tiff_um_per_px(tif, found[0], properties)
            bits = significant_bits(tif, found[0])
            limits = value_range(tif, found[0])
            self._grids = [make_grid(level, path, self._bytes, bits, limits) for level in found]
            vendor = "ome-tiff" if tif.is_ome else "tiff"
        self._file = path.open("rb")
        super().__init__(
            path,
            vendor=vendor,
            properties=properties,
            levels=tuple(
                Level(*level.size, true_downsample(found[0].size, level.size, None))
                for level in found
            ),
            um_per_px=um_per_px,
        )

    def _read_inside(self, level: int, x: int, y: int, w: int, h: int) -> NDArray[np.uint8]:
        grid = self._grids[level]
        out = np.empty((h, w, 3), np.uint8)
        for row in range(y // grid.tile_height, (y + h - 1) // grid.tile_height + 1):
            for column in range(x // grid.tile_width, (x + w - 1) // grid.tile_width + 1):
                tile = self._tile(level, row, column)
                top, left = row * grid.tile_height, column * grid.tile_width
                y0, y1 = max(y, top), min(y + h, top + tile.shape[0])
                x0, x1 = max(x, left), min(x + w, left + tile.shape[1])
                out[y0 - y : y1 - y, x0 - x : x1 - x] = tile[
                    y0 - top : y1 - top, x0 - left : x1 - left
                ]
        return out

    def _release(self) -> None:
        self._file.close()
        self._cache.clear()

    def _tile(self, level: int, row: int, column: int) -> NDArray[np.uint8]:
        def decode() -> NDArray[np.uint8]:
            grid = self._grids[level]
            try:
                return grid.tile(row, column)
            except Exception as error:  # codecs raise errors of many classes
                x, y = column * grid.tile_width, row * grid.tile_height
                raise SlideError(
                    f"{self.path.name} cannot be decoded at x {x}, y {y} of level {level} "
                    f"({reason_of(error)}); the file is damaged there, so copy it again."
                ) from error

        return self._cache.get((level, row, column), decode)

    def _bytes(self, offset: int, count: int) -> bytes:
        with self._seeking, stage("read"):
            self._file.seek(offset)
            return self._file.read(count)
