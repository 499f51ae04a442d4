"""Find the slide and its pyramid among the pages of a TIFF."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tifffile

from ....errors import SlideError
from ...scale import whole_downsample

_PALETTE, _CMYK = 3, 5
_PIXEL_AXES = "YXSC"
_MEANINGS = {"Z": "focal planes", "T": "time points"}


@dataclass(frozen=True)
class TiffLevel:
    """One resolution: one page, or one page for each of the channels.

    Attributes
    ----------
    pages
        tifffile pages that share a layout.
    width, height
        Size in pixels.
    """

    pages: tuple[Any, ...]
    width: int
    height: int

    @property
    def layout(self) -> Any:
        """The page that says how the pixels of all pages are stored."""
        return self.pages[0].keyframe

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.width, self.height


def find_levels(tif: tifffile.TiffFile, path: Path) -> list[TiffLevel]:
    """Return the levels of the largest image in the file, the finest first.

    A pyramid is what the file declares as one (OME SubIFDs, vendor layouts), else the pages whose
    size is that of the largest image divided by a whole number.

    Raises
    ------
    SlideError
        If the file holds no image that can be shown as an RGB slide.
    """
    images = [series for series in tif.series if "Y" in series.axes and "X" in series.axes]
    if not images:
        raise SlideError(f"{path.name} is a TIFF without a two-dimensional image; export it anew.")
    main = max(images, key=_area)
    levels = [_level(part, path) for part in main.levels]
    if len(levels) == 1:
        levels += _loose_levels(levels[0], [s for s in images if s is not main], path)
    return levels


def _loose_levels(full: TiffLevel, others: list[Any], path: Path) -> list[TiffLevel]:
    found: dict[tuple[int, int], TiffLevel] = {}
    for series in others:
        page = series.keyframe
        if (page.samplesperpixel, page.dtype) != (full.layout.samplesperpixel, full.layout.dtype):
            continue
        size = (page.imagewidth, page.imagelength)
        if (whole_downsample(full.size, size) or 1) > 1 and len(series.pages) == len(full.pages):
            found.setdefault(size, _level(series, path))
    return sorted(found.values(), key=lambda level: -level.width)


def _level(series: Any, path: Path) -> TiffLevel:
    for axis, length in zip(series.axes, series.shape, strict=True):
        if axis not in _PIXEL_AXES and length > 1:
            raise SlideError(
                f"{path.name} is a stack of {length} {_MEANINGS.get(axis, 'images')}, not one "
                "picture; export the one to be read."
            )
    pages = tuple(page for page in series.pages if page is not None)
    width, height = int(pages[0].keyframe.imagewidth), int(pages[0].keyframe.imagelength)
    channels = len(pages) * pages[0].keyframe.samplesperpixel
    layout = pages[0].keyframe
    # Of CMYK, and of others that the file says to have alpha, there may be one more.
    most = {_CMYK: (4, 5), _PALETTE: (1, 2)}.get(int(layout.photometric), (1, 3, 4))
    if channels not in most and not (channels == 2 and layout.extrasamples):
        raise SlideError(
            f"{path.name} has {channels} channels; a stained slide has 3 (RGB), so export it as "
            "RGB."
        )
    return TiffLevel(pages, width, height)


def _area(series: Any) -> int:
    shape = dict(zip(series.axes, series.shape, strict=True))
    return int(shape["Y"]) * int(shape["X"])
