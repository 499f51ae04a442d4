"""Where the tissue is, seen on a thumbnail; pen marks and empty glass are not tissue."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from skimage import filters, measure
from skimage.morphology import closing, disk, opening
from skimage.util import img_as_float32, img_as_ubyte

from ..slides import Slide

THUMBNAIL_PX = 2048
FAINTEST_STAIN = 0.035  # optical density; less is glass, whatever Otsu finds on an empty slide
SMALLEST_PART = 0.0015  # of the thumbnail; less is debris
LARGEST_FILLED_HOLE = 0.001  # of the thumbnail; larger holes are lumina and tears, and stay


@dataclass(frozen=True, eq=False)
class Tissue:
    """A mask of the tissue at the scale of a thumbnail.

    Attributes
    ----------
    mask
        (h, w) True on tissue.
    downsample
        (x, y) level-0 pixels per pixel of the mask.
    """

    mask: NDArray[np.bool_]
    downsample: tuple[float, float]

    @property
    def share(self) -> float:
        """Share of the slide that is tissue, 0 to 1."""
        return float(self.mask.mean())

    @cached_property
    def box(self) -> tuple[tuple[float, float], tuple[float, float]] | None:
        """The (x, y) of its first and last corner, in level-0 pixels; None without any tissue."""
        rows, columns = (np.flatnonzero(self.mask.any(axis=axis)) for axis in (1, 0))
        if not len(rows):
            return None
        dx, dy = self.downsample
        first = (float(columns[0] * dx), float(rows[0] * dy))
        return first, (float((columns[-1] + 1) * dx), float((rows[-1] + 1) * dy))

    def contains(self, xy: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Tell of (n, 2) points in level-0 pixels which lie on tissue."""
        col = np.floor(xy[:, 0] / self.downsample[0]).astype(np.int64)
        row = np.floor(xy[:, 1] / self.downsample[1]).astype(np.int64)
        h, w = self.mask.shape
        inside = (col >= 0) & (col < w) & (row >= 0) & (row < h)
        on_tissue = np.zeros(len(xy), dtype=bool)
        on_tissue[inside] = self.mask[row[inside], col[inside]]
        return on_tissue


_FOUND: WeakKeyDictionary[Slide, Tissue] = WeakKeyDictionary()  # a slide's pixels stay as they are


def find_tissue(slide: Slide) -> Tissue:
    """Find the stained tissue of a slide, once.

    Stained pixels are told from glass by Otsu's threshold on optical density, with a floor so that
    an empty slide stays empty; ink is told by its hue, which no H&E tissue has; debris is dropped.

    Parameters
    ----------
    slide
        Only a thumbnail of it is read.

    Returns
    -------
    Tissue
        With an empty mask where there is none.
    """
    if slide not in _FOUND:
        _FOUND[slide] = _found_on(slide)
    return _FOUND[slide]


def _found_on(slide: Slide) -> Tissue:
    picture = slide.thumbnail(THUMBNAIL_PX)
    h, w = picture.shape[:2]
    smooth = filters.gaussian(img_as_float32(picture), sigma=1.5, channel_axis=-1)
    hsv = _hsv(smooth)
    ink = _ink(smooth, hsv)
    mask = _stained(smooth, hsv, ~ink) & ~ink
    mask = closing(mask, disk(3))
    mask = opening(mask, disk(2))
    mask = _without_small_holes(mask, LARGEST_FILLED_HOLE * h * w)
    mask = _without_small_parts(mask, SMALLEST_PART * h * w)
    return Tissue(mask, (slide.width / w, slide.height / h))


def _hsv(rgb: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return hue, saturation and value, 0 to 1: by Pillow in 8 bits, ten times as fast."""
    picture = Image.fromarray(img_as_ubyte(np.clip(rgb, 0, 1))).convert("HSV")
    values = np.asarray(picture, dtype=np.float32) / np.float32(255)
    return np.moveaxis(values, -1, 0)


def _stained(
    rgb: NDArray[np.float32], hsv: NDArray[np.float32], clean: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Pixels that absorb more green light than glass does; eosin and haematoxylin both do.

    The threshold is taken from the `clean` pixels, since ink is darker than any tissue.
    """
    # The glass of this slide, which is seldom pure white, and no darker than light grey.
    glass = np.maximum(np.percentile(rgb.reshape(-1, 3), 98, axis=0), 0.75)
    stain = -np.log10(np.clip(rgb[..., 1] / glass[1], 1 / 255, 1))
    otsu = float(filters.threshold_otsu(stain[clean])) if clean.any() else 0.0
    threshold = max(0.6 * otsu, FAINTEST_STAIN)
    coloured = hsv[1] * hsv[2] > 0.02  # grey shadows, cover slip edges and dust are not
    return np.asarray((stain > threshold) & coloured)


def _ink(rgb: NDArray[np.float32], hsv: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Pen strokes: green, pure blue, pure red or black, with what is right around them."""
    hue, saturation, value = hsv[0] * 360, hsv[1], hsv[2]
    r, g, b = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    green_to_cyan = (hue > 70) & (hue < 205) & (saturation > 0.12)
    blue = (hue >= 205) & (hue < 242) & (saturation > 0.45) & (b > r + 0.12)
    red = ((hue < 12) | (hue > 350)) & (saturation > 0.75) & (r > 0.55) & (b < 0.35) & (g < 0.35)
    black = (value < 0.22) & (saturation * value < 0.08)
    core = green_to_cyan | blue | red | black
    # Only strokes: a few odd pixels within tissue (pigment, folds) are no pen.
    core = _without_small_parts(core, 0.0001 * core.size)
    return np.asarray(ndimage.binary_dilation(core, iterations=5))


def _without_small_parts(mask: NDArray[np.bool_], smallest: float) -> NDArray[np.bool_]:
    labels = measure.label(mask, connectivity=1)
    sizes = np.bincount(labels.ravel())
    kept = sizes >= smallest
    kept[0] = False
    return np.asarray(kept[labels])


def _without_small_holes(mask: NDArray[np.bool_], largest: float) -> NDArray[np.bool_]:
    return ~_without_small_parts(~mask, largest)
