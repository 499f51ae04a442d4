"""A stream of patches, read ahead by threads while the encoder works, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ..errors import SlideError
from ..model import ModelConfig
from ..progress import CancelToken
from ..running.ahead import worked_ahead
from ..slides import Slide

READERS = 2
TOO_COARSE = 4.0  # times the µm per px of the model; its patches would hold no detail
AHEAD = 3  # batches read or being read while one is worked on
NEIGHBOURHOOD_PX = 4096  # level-0 px; patches within it share tiles


def reading_order(xy: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the order in which (n, 2) centres are best read: neighbourhood by neighbourhood."""
    block = np.floor(xy / NEIGHBOURHOOD_PX).astype(np.int64)
    return np.lexsort((xy[:, 0], xy[:, 1], block[:, 0], block[:, 1]))


def read_patch(
    slide: Slide, x: float, y: float, patch_px: int, um_per_px: float
) -> NDArray[np.uint8]:
    """Read the (patch_px, patch_px, 3) patch centred on (x, y) in level-0 pixels."""
    assert slide.um_per_px is not None
    half = patch_px * um_per_px / slide.um_per_px / 2
    return slide.read(x - half, y - half, patch_px, patch_px, um_per_px)


def refuse_coarse(slide: Slide, um_per_px: float) -> None:
    """Refuse a slide so coarse that what is read at a µm per pixel is not in it.

    Raises
    ------
    SlideError
        If it is.
    """
    scale = slide.um_per_px
    if scale is not None and scale > TOO_COARSE * um_per_px:
        raise SlideError(
            f"{slide.path.name} has {scale:.3g} µm per px, more than {TOO_COARSE:g} times as "
            f"coarse as the {um_per_px:.3g} at which tissue is read here; check the scale "
            "(--um-per-px), or take a finer scan or a model that was trained on such slides."
        )


def field_scale(slide: Slide, config: ModelConfig) -> float:
    """Return the µm per pixel at which a model reads a slide: its own, or the slide's.

    Raises
    ------
    SlideError
        If the slide is so coarse that what the model reads is not in it.
    """
    scale = slide.um_per_px
    refuse_coarse(slide, config.um_per_px)
    if config.patch_scale == "pixels" and scale is not None:
        return scale
    return config.um_per_px


def patch_around(
    slide: Slide, centre: tuple[float, float], config: ModelConfig, side: int = 224
) -> NDArray[np.uint8]:
    """Return the (side, side, 3) RGB tissue that a model looks at around a place, to look at too.

    Parameters
    ----------
    centre
        (x, y) in level-0 px.
    """
    across = config.patch_px * field_scale(slide, config)  # µm
    step = across / (slide.um_per_px or across / config.patch_px) / side
    x, y = centre
    return slide.read_downsampled(x - side / 2 * step, y - side / 2 * step, side, side, step)


def stream_patches(
    slide: Slide,
    xy: NDArray[np.float64],
    *,
    patch_px: int,
    um_per_px: float,
    batch_size: int,
    cancel: CancelToken | None = None,
) -> Iterator[tuple[slice, NDArray[np.uint8]]]:
    """Return batches of patches in the order of their centres.

    Parameters
    ----------
    slide
        With its scale known.
    xy
        (n, 2) centres in level-0 pixels; see :func:`reading_order`.
    patch_px, um_per_px
        Side of a patch in pixels, and their size in µm.
    batch_size
        Patches in a batch; at most ``AHEAD`` + 1 batches are in memory.
    cancel
        Looked at before every patch.

    Returns
    -------
    Of each batch, which rows of `xy` it holds, and its (b, patch_px, patch_px, 3) pixels.
    """
    cancel = cancel or CancelToken()

    def read(rows: slice) -> NDArray[np.uint8]:
        batch = np.empty((rows.stop - rows.start, patch_px, patch_px, 3), dtype=np.uint8)
        for into, (x, y) in zip(batch, xy[rows], strict=True):
            cancel.raise_if_cancelled()
            into[:] = read_patch(slide, x, y, patch_px, um_per_px)
        return batch

    starts = range(0, len(xy), batch_size)
    waiting = (slice(start, min(start + batch_size, len(xy))) for start in starts)
    return worked_ahead(read, waiting, threads=READERS, ahead=AHEAD, name="patches")
