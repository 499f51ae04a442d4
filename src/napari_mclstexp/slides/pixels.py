"""Antialiased resampling of RGB pixels in pieces of bounded size."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..progress import current_token

# Pixels of a level held at once while a region is resampled: 24 MB as RGB, 32 MB in Pillow.
_PIECE_PX = 8_000_000
_BLOCK_PX = 2560

ReadRegion = Callable[[int, int, int, int], NDArray[np.uint8]]


def resize(
    pixels: NDArray[np.uint8], w: int, h: int, box: tuple[float, float, float, float]
) -> NDArray[np.uint8]:
    """Resample the part `box` (left, top, right, bottom; fractions allowed) to (h, w, 3).

    Each output pixel is a mean over the area it covers, weighted by a Hamming window one output
    pixel wide to each side: means are kept, nothing rings, and no pixel is doubled or dropped as
    with a plain box when the ratio is not a whole number.
    """
    image = Image.fromarray(pixels)
    return np.array(image.resize((w, h), Image.Resampling.HAMMING, box=box))


def bands(height: int, px_per_row: float) -> Iterator[slice]:
    """Split `height` output rows into slices that each need a bounded number of input pixels."""
    rows = max(1, int(_PIECE_PX / max(px_per_row, 1.0)))
    for start in range(0, height, rows):
        yield slice(start, min(start + rows, height))


def block_reduce(read: ReadRegion, width: int, height: int, factor: int) -> NDArray[np.uint8]:
    """Reduce a level by a whole number: each output pixel is the mean of factor x factor pixels.

    The level is read in square blocks by a few threads, as decoding releases the interpreter.

    Parameters
    ----------
    read
        Function of x, y, w, h giving (h, w, 3).
    width, height
        Size of the level.
    factor
        At least 1.

    Returns
    -------
    (ceil(height / factor), ceil(width / factor), 3).
    """
    out = np.empty((-(-height // factor), -(-width // factor), 3), np.uint8)
    block = max(1, _BLOCK_PX // factor)

    token = current_token()  # of the calling thread

    def reduce(corner: tuple[int, int]) -> None:
        if token is not None:
            token.raise_if_cancelled()
        row, column = corner
        x, y = column * factor, row * factor
        w, h = min(block * factor, width - x), min(block * factor, height - y)
        image = Image.fromarray(read(x, y, w, h)).reduce(factor)
        out[row : row + block, column : column + block] = np.asarray(image)

    corners = [(r, c) for r in range(0, out.shape[0], block) for c in range(0, out.shape[1], block)]
    pool = ThreadPoolExecutor(min(4, os.cpu_count() or 1))
    whole = False
    try:
        for done in [pool.submit(reduce, corner) for corner in corners]:
            done.result()
        whole = True
    finally:  # after an error, or Ctrl-C, what is waiting is not begun
        pool.shutdown(wait=whole, cancel_futures=True)
    return out


def over_white(rgba: NDArray[np.uint8], *, in_place: bool = False) -> NDArray[np.uint8]:
    """Lay (h, w, 4) pixels with straight alpha over white glass.

    Parameters
    ----------
    rgba
        The pixels.
    in_place
        Whether the result may stand in their memory, which must be in one piece then.

    Returns
    -------
    (h, w, 3)
    """
    alpha = rgba[..., 3:]
    if not in_place and alpha.min() == 255:
        return np.ascontiguousarray(rgba[..., :3])
    shape = (*rgba.shape[:-1], 3)
    # A row of the result ends before the next row of what it is made of begins.
    out = (
        rgba.reshape(-1)[: rgba.size // 4 * 3].reshape(shape)
        if in_place
        else np.empty(shape, np.uint8)
    )
    step = max(1, _PIECE_PX // max(1, rgba.shape[1]))
    for start in range(0, len(rgba), step):
        part = rgba[start : start + step]
        clear = 255 - part[..., 3:].astype(np.uint16)
        weighted = part[..., :3].astype(np.uint16) * part[..., 3:] + 255 * clear
        out[start : start + step] = (weighted + 127) // 255
    return out
