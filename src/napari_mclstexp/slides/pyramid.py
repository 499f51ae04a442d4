"""A slide as lazy dask arrays, so that napari reads only the tiles on the screen."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np
from numpy.typing import NDArray

from .slide import SMALL_PX

if TYPE_CHECKING:
    from .slide import Slide

_CHUNK = 1024
# Chunks of a computed level stand for many more pixels of the level they are made from.
_COMPUTED_CHUNK = 512

ReadBlock = Callable[[int, int, int, int], NDArray[np.uint8]]


def pyramid(slide: Slide) -> list[da.Array]:
    """Return one array for each level, and computed coarser ones where the smallest is large."""
    arrays = [
        _lazy(level.width, level.height, _CHUNK, _level_reader(slide, index))
        for index, level in enumerate(slide.levels)
    ]
    last = slide.levels[-1]
    if last.longest <= SMALL_PX:
        return arrays
    step = 2
    while last.longest / step > 2 * SMALL_PX:
        w, h = last.width // step, last.height // step
        read = _computed_reader(slide, last.downsample * step)
        arrays.append(_lazy(w, h, _COMPUTED_CHUNK, read))
        step *= 2
    whole = -(-last.longest // SMALL_PX)
    w, h = -(-last.width // whole), -(-last.height // whole)
    arrays.append(_lazy(w, h, SMALL_PX, lambda x, y, w, h: slide.overview()))
    small = slide.thumbnail_size(SMALL_PX // 2)
    arrays.append(_lazy(*small, SMALL_PX, lambda x, y, w, h: slide.thumbnail(SMALL_PX // 2)))
    return arrays


def _lazy(width: int, height: int, chunk: int, read: ReadBlock) -> da.Array:
    def block(block_info: dict[Any, Any]) -> NDArray[np.uint8]:
        (top, bottom), (left, right), _ = block_info[None]["array-location"]
        return read(left, top, right - left, bottom - top)

    chunks = (*da.core.normalize_chunks((chunk, chunk), (height, width)), (3,))
    # A name of its own: dask would otherwise try to pickle the open file to make one.
    return da.map_blocks(
        block,
        chunks=chunks,
        dtype=np.uint8,
        meta=np.empty((0, 0, 0), np.uint8),
        name=f"slide-{uuid.uuid4().hex}",
    )


def _level_reader(slide: Slide, index: int) -> ReadBlock:
    return lambda x, y, w, h: slide.read_level(index, x, y, w, h)


def _computed_reader(slide: Slide, downsample: float) -> ReadBlock:
    return lambda x, y, w, h: slide.read_downsampled(
        x * downsample, y * downsample, w, h, downsample
    )
