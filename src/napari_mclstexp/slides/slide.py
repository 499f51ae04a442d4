"""The contract that every reader fulfils; all arithmetic about levels and scale, done once."""

from __future__ import annotations

import hashlib
import math
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
from numpy.typing import NDArray

from ..errors import SlideError
from ..progress import stop_if_cancelled
from ..running.stages import stage
from .pixels import bands, block_reduce, resize

if TYPE_CHECKING:
    pass

Scale = Literal["file", "spots", "user"]

POSSIBLE_UM_PER_PX = (1e-3, 1e3)
# A level whose longest side is within this is small: it may be read whole and kept.
SMALL_PX = 4096
# A level counts as "not coarser than wanted" within this tolerance, since levels are rounded.
_SAME_SCALE = 1.01


@dataclass(frozen=True)
class Level:
    """One resolution of a slide.

    Attributes
    ----------
    width, height
        Size in pixels of this level.
    downsample
        Level-0 pixels per pixel of this level; 1.0 for level 0.
    """

    width: int
    height: int
    downsample: float

    @property
    def longest(self) -> int:
        """The longer side, in pixels of this level."""
        return max(self.width, self.height)


Stamp = tuple[int, int]  # bytes of a file, and when it was changed, in ns


def stamp_of(path: Path) -> Stamp | None:
    """Return what tells whether a file is still the same, or None if it is not there."""
    try:
        is_ = path.stat()
    except OSError:
        return None
    return is_.st_size, is_.st_mtime_ns


class Slide(ABC):
    """A whole-slide image; a context manager, safe to read from several threads at once.

    Parameters
    ----------
    path
        The file.
    vendor
        Who wrote it, in OpenSlide's words ("aperio"), or the format ("ome-tiff", "jpeg").
    properties
        What else the file says about itself.
    levels
        Resolutions, the finest first.
    um_per_px
        µm per level-0 pixel as stated by the file, or None if it states none.
    """

    def __init__(
        self,
        path: Path,
        *,
        vendor: str,
        properties: dict[str, str],
        levels: tuple[Level, ...],
        um_per_px: float | None,
    ) -> None:
        self.path = path
        self.vendor = vendor
        self.properties = properties
        self.levels = levels
        self.um_per_px = um_per_px
        self.um_per_px_source: Scale | None = None if um_per_px is None else "file"
        self.stamp: Stamp | None = None
        self._state = threading.Lock()
        self._reads_under_way = 0
        self._closed = False
        self._making_small = threading.RLock()
        self._thumbnails: dict[int, NDArray[np.uint8]] = {}
        self._overview: NDArray[np.uint8] | None = None

    @abstractmethod
    def _read_inside(self, level: int, x: int, y: int, w: int, h: int) -> NDArray[np.uint8]:
        """Return (h, w, 3) RGB of a region that lies wholly inside the level and is not empty."""

    @abstractmethod
    def _release(self) -> None:
        """Let go of the file; called once, when no read is under way."""

    @property
    def width(self) -> int:
        """Width in level-0 pixels."""
        return self.levels[0].width

    @property
    def height(self) -> int:
        """Height in level-0 pixels."""
        return self.levels[0].height

    def calibrate(self, um_per_px: float, source: Literal["spots", "user"]) -> None:
        """State the scale of a slide whose file does not, or overrule it.

        Parameters
        ----------
        um_per_px
            µm per level-0 pixel.
        source
            Where the figure comes from; kept as `um_per_px_source`.

        Raises
        ------
        SlideError
            If the figure is not a positive number, or that of no picture of tissue.
        """
        low, high = POSSIBLE_UM_PER_PX
        if not (math.isfinite(um_per_px) and low <= um_per_px <= high):
            raise SlideError(
                f"{um_per_px:g} is no scale for {self.path.name}; give µm per pixel above 0, "
                f"for instance 0.5 for a 20x scan (from {low:g} to {high:g})."
            )
        self.um_per_px = float(um_per_px)
        self.um_per_px_source = source

    def read_level(self, level: int, x: int, y: int, w: int, h: int) -> NDArray[np.uint8]:
        """Read pixels of one level as they are stored.

        Parameters
        ----------
        level
            Index into `levels`.
        x, y
            Top-left corner in pixels of that level; may lie outside the slide.
        w, h
            Size in pixels of that level.

        Returns
        -------
        (h, w, 3) RGB; white outside the slide.

        Raises
        ------
        SlideError
            If the slide was closed or the file is damaged there.
        """
        size = self.levels[level]
        left, right = max(x, 0), min(x + w, size.width)
        top, bottom = max(y, 0), min(y + h, size.height)
        if left >= right or top >= bottom:
            return np.full((h, w, 3), 255, np.uint8)
        with self._in_use():
            inside = self._read_inside(level, left, top, right - left, bottom - top)
        if inside.shape[:2] == (h, w):
            return inside
        out = np.full((h, w, 3), 255, np.uint8)
        out[top - y : bottom - y, left - x : right - x] = inside
        return out

    def read(
        self, x: float, y: float, w: int, h: int, um_per_px: float | None = None
    ) -> NDArray[np.uint8]:
        """Read a region at a physical resolution.

        Parameters
        ----------
        x, y
            Top-left corner in level-0 pixels (pixel edges); fractions and negative values allowed.
        w, h
            Size of the output in pixels.
        um_per_px
            µm per pixel of the output; None for the resolution of level 0.

        Returns
        -------
        (h, w, 3) RGB; white outside the slide.

        Raises
        ------
        SlideError
            If `um_per_px` is given and the slide's own scale is not known.

        Examples
        --------
        >>> with open_slide("section.ome.tif") as slide:  # doctest: +SKIP
        ...     patch = slide.read(1000, 2000, 224, 224, um_per_px=0.5)
        """
        with stage("decode"):
            return self.read_downsampled(x, y, w, h, self._step(um_per_px))

    def read_downsampled(
        self, x: float, y: float, w: int, h: int, downsample: float
    ) -> NDArray[np.uint8]:
        """Read a region with `downsample` level-0 pixels to each output pixel.

        The coarsest level that is not coarser than wanted is read, only the needed part of it, in
        bands of bounded size. Where that level has the wanted resolution, its pixels are given
        unchanged, from the nearest whole pixel: interpolation would only blur them.

        Parameters and return value are those of :meth:`read`.
        """
        index = self.level_for(downsample)
        at_level = self.levels[index].downsample
        step, left, top = downsample / at_level, x / at_level, y / at_level
        if abs(step - 1) * max(w, h) < 0.5:
            return self.read_level(index, math.floor(left + 0.5), math.floor(top + 0.5), w, h)
        out = np.empty((h, w, 3), np.uint8)
        margin = math.ceil(max(step, 1.0)) + 1
        x0 = math.floor(left) - margin
        x1 = math.ceil(left + w * step) + margin
        for rows in bands(h, (x1 - x0) * step):
            stop_if_cancelled()
            band_top = top + rows.start * step
            band_bottom = top + rows.stop * step
            y0 = math.floor(band_top) - margin
            y1 = math.ceil(band_bottom) + margin
            crop = self.read_level(index, x0, y0, x1 - x0, y1 - y0)
            box = (left - x0, band_top - y0, left - x0 + w * step, band_bottom - y0)
            out[rows] = resize(crop, w, rows.stop - rows.start, box)
        return out

    def level_for(self, downsample: float) -> int:
        """Return the index of the coarsest level that is not coarser than `downsample`."""
        fine_enough = [
            index
            for index, level in enumerate(self.levels)
            if level.downsample <= downsample * _SAME_SCALE
        ]
        return fine_enough[-1] if fine_enough else 0

    def thumbnail(self, max_px: int = 1024) -> NDArray[np.uint8]:
        """Return the whole slide, its longest side at most `max_px` pixels, its aspect kept.

        Made once for each size and kept. Of a large slide without a pyramid this reads every tile,
        once: ask for it in a thread, not in the window's.
        """
        with self._making_small:
            if max_px not in self._thumbnails:
                self._thumbnails[max_px] = self._make_thumbnail(*self.thumbnail_size(max_px))
            return self._thumbnails[max_px].copy()

    def thumbnail_size(self, max_px: int) -> tuple[int, int]:
        """Return the (width, height) of :meth:`thumbnail`; a small slide is not enlarged."""
        factor = max(1.0, max(self.width, self.height) / max_px)
        return max(1, round(self.width / factor)), max(1, round(self.height / factor))

    def overview(self) -> NDArray[np.uint8]:
        """Return the slide reduced by a whole number, at most 4096 pixels a side; kept."""
        with self._making_small:
            if self._overview is None:
                index = self.level_for(max(self.width, self.height) / SMALL_PX)
                self._overview = block_reduce(
                    lambda x, y, w, h: self.read_level(index, x, y, w, h),
                    self.levels[index].width,
                    self.levels[index].height,
                    math.ceil(self.levels[index].longest / SMALL_PX),
                )
            return self._overview

    def fingerprint(self) -> str:
        """Return a checksum of the slide's size and thumbnail: the same for the same picture."""
        digest = hashlib.sha256(f"{self.width}x{self.height}".encode())
        digest.update(self.thumbnail().tobytes())
        return digest.hexdigest()

    def check_unchanged(self) -> None:
        """Make sure that all that was read is of one file.

        One that was taken away meanwhile may be read to its end, as long as it is open.

        Raises
        ------
        SlideError
            If the file was changed or replaced since it was opened.
        """
        now = stamp_of(self.path)
        if now is not None and self.stamp not in (None, now):
            raise SlideError(
                f"{self.path.name} was changed or replaced while it was open; open it again, or "
                "run this again."
            )

    def close(self) -> None:
        """Begin no further read, and let go of the file; waits for nothing.

        Where other threads have reads under way, the last of them lets go of the file at its end.
        """
        with self._state:
            if self._closed:
                return
            self._closed = True
            unread = self._unread()
        if unread:
            self._release()

    def _unread(self) -> bool:
        return self._closed and self._reads_under_way == 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None and not self._closed:
            self.close()
            self.check_unchanged()
        self.close()

    def __repr__(self) -> str:
        scale = "unknown scale" if self.um_per_px is None else f"{self.um_per_px:.4g} µm per px"
        return f"<{type(self).__name__} {self.path.name}: {self.width} × {self.height} px, {scale}>"

    def _make_thumbnail(self, w: int, h: int) -> NDArray[np.uint8]:
        index = self.level_for(max(self.width / w, self.height / h))
        level = self.levels[index]
        if level.longest > SMALL_PX >= max(w, h):
            small = self.overview()
            step = math.ceil(level.longest / SMALL_PX)
            box = (0.0, 0.0, level.width / step, level.height / step)
            return resize(small, w, h, box)
        if (level.width, level.height) == (w, h) or max(w, h) > SMALL_PX:
            return self.read_downsampled(0, 0, w, h, max(self.width / w, self.height / h))
        whole = self.read_level(index, 0, 0, level.width, level.height)
        return resize(whole, w, h, (0.0, 0.0, float(level.width), float(level.height)))

    def _step(self, um_per_px: float | None) -> float:
        if um_per_px is None:
            return 1.0
        if not (math.isfinite(um_per_px) and um_per_px > 0):
            raise SlideError(f"{um_per_px} µm per pixel is no resolution; give a number above 0.")
        if self.um_per_px is None:
            raise SlideError(
                f"{self.path.name} does not state its µm per pixel, so a physical resolution "
                "cannot be read from it; give the scale first."
            )
        return um_per_px / self.um_per_px

    @contextmanager
    def _in_use(self) -> Iterator[None]:
        with self._state:
            if self._closed:
                raise SlideError(f"{self.path.name} has been closed; open it again to read it.")
            self._reads_under_way += 1
        try:
            yield
        finally:
            with self._state:
                self._reads_under_way -= 1
                unread = self._unread()
            if unread:
                self._release()
