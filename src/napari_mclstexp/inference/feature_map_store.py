"""Feature maps on disk: found by content, filled tile by tile, bounded, and safe to interrupt."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
import weakref
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.codecs import BloscCodec, Crc32cCodec

from ..errors import OutputError
from ..model import FeatureMapConfig
from ..model.image_encoder import ImageEncoder
from ..slides import Slide
from .cell_grid import CellGrid, Tile
from .device import Device
from .feature_cache import KEY, arithmetic_of, cache_folder, encoder_digest, file_probe

FORMAT = 1
MOST_BYTES = 8 * 2**30
SUFFIX = ".map"
CHUNK = 256  # channels in a piece of a file
_IN_USE_S = 3600.0  # another process may still read what was used within this time
_HALVES = ("mean", "std")

# Maps that this process has in hand are not thrown away under it.
_IN_HAND: weakref.WeakSet[FeatureMap]


@dataclass(frozen=True, eq=False)
class FeatureMap:
    """What an encoder sees of a slide, in cells; whole, or as far as it has been filled.

    Attributes
    ----------
    grid
        Where the cells are.
    groups
        Names of the groups of channels (``"colour"`` and layers), each with its channels' slice.
    share
        (rows, cols) share of each cell that is tissue, 0 to 1.
    mean, std
        (channels, rows, cols) float16 zarr arrays: of each channel over the pixels of a cell. 0
        where a tile is not done, and off the tissue.
    done
        (tile rows, tile columns) zarr array: bytes of a tile that is done, and 0 of others.
    path
        The folder of the arrays.
    """

    grid: CellGrid
    groups: dict[str, slice]
    share: NDArray[np.float32]
    mean: Any
    std: Any
    done: Any
    path: Path

    @property
    def channels(self) -> int:
        """Number of channels."""
        return max((part.stop for part in self.groups.values()), default=0)

    def weights(self) -> NDArray[np.float32]:
        """Return the (rows, cols) share of tissue of cells that are done, and 0 of others."""
        side = self.grid.tile_cells
        done = np.asarray(self.done[:]) > 0
        cells = done.repeat(side, axis=0).repeat(side, axis=1)
        return self.share * cells[: self.grid.rows, : self.grid.cols]

    def read(
        self, channels: slice, rows: slice, cols: slice
    ) -> tuple[NDArray[np.float16], NDArray[np.float16]]:
        """Return mean and std of some channels over a rectangle of cells.

        Raises
        ------
        OutputError
            If the files were damaged or removed since.
        """
        try:
            mean, std = (np.asarray(a[channels, rows, cols]) for a in (self.mean, self.std))
        except (OSError, RuntimeError, ValueError) as error:
            remove(self.path)
            raise OutputError(
                f"The kept feature map {self.path} is damaged and was thrown away; run this again."
            ) from error
        if not _mark(self.path).exists():
            raise OutputError(
                f"The kept feature map {self.path} was removed while it was read; run this again."
            )
        return mean, std

    def write(
        self, tile: Tile, mean: NDArray[np.floating[Any]], std: NDArray[np.floating[Any]]
    ) -> None:
        """Write a tile's (channels, rows, cols) cells, and then that it is done.

        Raises
        ------
        OutputError
            If the disk is full.
        """
        try:
            for array, values in ((self.mean, mean), (self.std, std)):
                self._write_whole(array, tile, values)
            self.done[tile.row, tile.col] = _tile_bytes(self.path, tile.row, tile.col)
        except OSError as error:
            raise OutputError(
                f"The feature map {self.path} cannot be written ({error.strerror}); free some "
                "space, or name another folder in NAPARI_MCLSTEXP_CACHE."
            ) from error

    def _write_whole(self, array: Any, tile: Tile, values: NDArray[np.floating[Any]]) -> None:
        """Write all cells of the tile, since a part would be joined to what a piece holds."""
        side = self.grid.tile_cells
        top, left = tile.row * side, tile.col * side
        rows, cols = (
            min(side, whole - start)
            for whole, start in zip((self.grid.rows, self.grid.cols), (top, left), strict=True)
        )
        cells = np.zeros((len(values), rows, cols), dtype=np.float16)
        inside = (
            slice(each.start - start, each.stop - start)
            for each, start in ((tile.rows, top), (tile.cols, left))
        )
        cells[(slice(None), *inside)] = _as_float16(values)
        array[:, top : top + rows, left : left + cols] = cells


_IN_HAND = weakref.WeakSet()


def map_key(
    slide: Slide, encoder: ImageEncoder, config: FeatureMapConfig, device: Device, *how: object
) -> str:
    """Return a checksum of all that decides what a map holds.

    Parameters
    ----------
    slide, encoder, config, device
        Their content, and the device's arithmetic. How wide cells are pooled is none of it.
    how
        Whatever else the values depend on.
    """
    facts = (
        *(FORMAT, slide.fingerprint(), file_probe(slide.path), slide.um_per_px),
        config.model_dump_json(exclude={"widths_um"}),
        *(encoder_digest(encoder), *arithmetic_of(device), *how),
    )
    return hashlib.sha256(repr(facts).encode()).hexdigest()


def open_map(
    key: str, grid: CellGrid, groups: dict[str, slice], share: NDArray[np.float32]
) -> FeatureMap:
    """Open the map kept under a key, whole or in part, or begin one.

    Where nothing may be kept, or the folder cannot be written, it lives in a temporary folder.
    """
    folder = cache_folder()
    if folder is not None:
        path = folder / f"{key}{SUFFIX}"
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            found = _open(path, grid, groups, share) or _begin(path, grid, groups, share)
            _mark(path).touch()  # used lately
            _IN_HAND.add(found)
            return found
    path = Path(tempfile.mkdtemp(prefix="mclstexp-map-"))
    found = _begin(path, grid, groups, share)
    weakref.finalize(found, shutil.rmtree, path, ignore_errors=True)  # with the last reference
    return found


def forget_the_oldest() -> None:
    """Throw away the maps that were not used for longest, as far as all are too large."""
    folder = cache_folder()
    if folder is None:
        return
    in_hand = {each.path for each in _IN_HAND}
    used: list[tuple[float, Path]] = []
    with suppress(OSError):
        for path in folder.glob(f"*{SUFFIX}"):
            if KEY.fullmatch(path.stem):
                mark = _mark(path)
                used.append((mark.stat().st_mtime if mark.exists() else 0.0, path))
    kept = 0
    for when, path in sorted(used, reverse=True):
        kept += _bytes_in(path)
        if kept > MOST_BYTES and path not in in_hand and time.time() - when > _IN_USE_S:
            remove(path)


def remove(path: Path) -> None:
    """Throw a kept map away; its mark first, so that what is left of it is never taken for one."""
    with suppress(OSError):
        _mark(path).unlink()
    shutil.rmtree(path, ignore_errors=True)


def _mark(path: Path) -> Path:
    return path / "zarr.json"  # of the group; its time of change says when the map was used


def _begin(
    path: Path, grid: CellGrid, groups: dict[str, slice], share: NDArray[np.float32]
) -> FeatureMap:
    remove(path)
    group = zarr.create_group(path, attributes=_facts(grid, groups))
    channels = max((part.stop for part in groups.values()), default=0)
    shape = (channels, grid.rows, grid.cols)
    chunks = (min(CHUNK, max(channels, 1)), grid.tile_cells, grid.tile_cells)
    # The checksum stands outermost: a damaged piece is an error and never another value.
    codecs = (BloscCodec(cname="zstd", clevel=1, shuffle="shuffle"), Crc32cCodec())
    mean, std = (
        group.create_array(
            name, shape=shape, chunks=chunks, dtype="float16", compressors=codecs, fill_value=0
        )
        for name in _HALVES
    )
    done = group.create_array(
        "done", shape=grid.tiles, chunks=(1, 1), dtype="int64", compressors=None, fill_value=0
    )
    return FeatureMap(grid, groups, share, mean, std, done, path)


def _open(
    path: Path, grid: CellGrid, groups: dict[str, slice], share: NDArray[np.float32]
) -> FeatureMap | None:
    try:
        group = zarr.open_group(path, mode="r+")
        if dict(group.attrs) != _facts(grid, groups):
            return None
        mean, std, done = (group[name] for name in (*_HALVES, "done"))
        channels = max((part.stop for part in groups.values()), default=0)
        shape = (channels, grid.rows, grid.cols)
        for array, sides, kind in (
            (mean, shape, "float16"), (std, shape, "float16"), (done, grid.tiles, "int64"),
        ):  # fmt: skip
            if tuple(array.shape) != tuple(sides) or array.dtype != kind:
                return None
        found = FeatureMap(grid, groups, share, mean, std, done, path)
        size = np.asarray(done[:])
        for row, col in np.argwhere(size):
            if size[row, col] != _tile_bytes(path, int(row), int(col)):
                done[row, col] = 0  # a file was cut short: the tile is made anew
    except (OSError, KeyError, ValueError, TypeError, RuntimeError):
        return None  # damaged
    return found


def _facts(grid: CellGrid, groups: dict[str, slice]) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "rows": grid.rows,
        "cols": grid.cols,
        "cell_px": grid.cell_px,
        "cell_um": grid.cell_um,
        "tile_cells": grid.tile_cells,
        "groups": {name: part.stop - part.start for name, part in groups.items()},
    }


def _tile_bytes(path: Path, row: int, col: int) -> int:
    """Return the size of a tile's pieces, by zarr's names (c/CHANNELS/ROW/COLUMN); at least 1."""
    pieces = (each for half in _HALVES for each in path.glob(f"{half}/c/*/{row}/{col}"))
    return 1 + sum(each.stat().st_size for each in pieces)


def _bytes_in(path: Path) -> int:
    total = 0
    for parent, _, names in os.walk(path):
        for name in names:
            with suppress(OSError):
                total += Path(parent, name).lstat().st_size
    return total


def _as_float16(values: NDArray[np.floating[Any]]) -> NDArray[np.float16]:
    most = float(np.finfo(np.float16).max)
    return np.asarray(np.clip(values, -most, most), dtype=np.float16)


def group_slices(names: Sequence[str], sizes: Sequence[int]) -> dict[str, slice]:
    """Return which channels each group has, one group after another."""
    stops = np.cumsum(sizes).tolist()
    return {
        name: slice(stop - size, stop) for name, size, stop in zip(names, sizes, stops, strict=True)
    }
