"""Samples of a TIFF, of whatever colours and kind of number, as 8-bit RGB over white glass."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....errors import SlideError
from ...pixels import over_white

_MIN_IS_WHITE, _MIN_IS_BLACK, _RGB, _PALETTE, _CMYK, _YCBCR = 0, 1, 2, 3, 5, 6
_READABLE = (_MIN_IS_WHITE, _MIN_IS_BLACK, _RGB, _PALETTE, _CMYK, _YCBCR)
# Compressions whose decoder turns YCbCr into RGB.
_JPEG_LIKE = (6, 7, 33007, 34892)
_BY_OPENSLIDE = (1, 5, 7, 8, 32773, 32946)  # none, LZW, JPEG, deflate, PackBits
_UNKNOWN, _ASSOCIATED_ALPHA = 0, 1
_COLOUR_MAP, _COEFFICIENTS, _BLACK_AND_WHITE = 320, 529, 532
_ORIENTATION, _SUBSAMPLING = 274, 530
_LUMA = (0.299, 0.587, 0.114)  # of red, green and blue
_CODES = (0, 255, 128, 255, 128, 255)  # black and white of each of Y, Cb and Cr

Pixels = NDArray[np.uint8]


class ToRgb:
    """Turn (h, w, channels) samples of a page into 8-bit RGB over white glass.

    Parameters
    ----------
    layout
        tifffile page with the sample format.
    channels
        1 (grey, palette), 3 (RGB, YCbCr) or 4 (CMYK), and one more for alpha.
    bits
        Bits that whole samples really use.
    value_range
        The values of black and white, where the file says them.
    path
        Named in errors.

    Raises
    ------
    SlideError
        If the colours cannot be read, or nothing says which values are black and white.
    """

    def __init__(
        self,
        layout: Any,
        channels: int,
        bits: int,
        value_range: tuple[float, float] | None,
        path: Path,
    ) -> None:
        photometric = int(layout.photometric)
        if photometric not in _READABLE:
            raise SlideError(
                f"{path.name} stores its colours as {layout.photometric.name}, which cannot be "
                "read; export it as RGB."
            )
        whole = layout.dtype is not None and layout.dtype.name in ("bool", "uint8", "uint16")
        if layout.dtype is None or not (whole or value_range):
            raise SlideError(
                f"{path.name} has {layout.dtype} samples and does not say which of them are black "
                "and white; export it as 8-bit RGB."
            )
        self._table: NDArray[np.uint8] | None = None
        self._range, self._inverted = value_range, photometric == _MIN_IS_WHITE
        if whole:
            self._table = _table(layout, photometric, bits)
        one_byte = layout.dtype.name == "uint8" and int(layout.bitspersample) == 8
        self._as_stored = one_byte and photometric not in (_MIN_IS_WHITE, _PALETTE)
        self._mixed: Callable[[Pixels], Pixels] | None = None
        if photometric == _CMYK:
            self._mixed = _without_ink
        elif photometric == _YCBCR and int(layout.compression) not in _JPEG_LIKE:
            self._mixed = _from_ycbcr(layout)
        self._indexed = photometric == _PALETTE
        self._colours = {_CMYK: 4, _PALETTE: 1}.get(photometric, 3 if channels > 2 else 1)
        extra = tuple(int(each) for each in layout.extrasamples)
        self._has_alpha = channels > self._colours and _UNKNOWN not in extra[:1]
        self._premultiplied = extra[:1] == (_ASSOCIATED_ALPHA,)

    def __call__(self, samples: NDArray[Any]) -> Pixels:
        """Return (h, w, 3)."""
        colours = self._in_bytes(samples[..., : self._colours])
        if self._indexed:
            colours = colours[..., 0, :]
        elif self._mixed is not None:
            colours = self._mixed(colours)
        elif self._colours == 1:
            colours = np.repeat(colours, 3, axis=2)
        if not self._has_alpha:
            whole: Pixels = np.ascontiguousarray(colours)
            return whole
        alpha = samples[..., self._colours : self._colours + 1]
        alpha = alpha if self._indexed else self._in_bytes(alpha)
        if not self._premultiplied:
            return over_white(np.concatenate([colours, alpha], axis=2))
        glass = 255 - alpha.astype(np.uint16)
        laid: Pixels = np.minimum(colours + glass, 255).astype(np.uint8)
        return laid

    def _in_bytes(self, samples: NDArray[Any]) -> Pixels:
        if self._as_stored:
            stored: Pixels = samples
            return stored
        if self._table is not None:
            index = samples.view(np.uint8) if samples.dtype == bool else samples
            looked_up: Pixels = self._table[index]
            return looked_up
        low, high = self._range or (0.0, 1.0)
        with np.errstate(all="ignore"):  # of what is no number
            part = (samples.astype(np.float64) - low) / (high - low)
        part = np.clip(np.nan_to_num(part, posinf=1, neginf=0), 0, 1)
        part = 1 - part if self._inverted else part
        scaled: Pixels = np.rint(part * 255).astype(np.uint8)
        return scaled


def _table(layout: Any, photometric: int, bits: int) -> NDArray[np.uint8]:
    """Return the 8-bit value, or with a palette the RGB, of each value that a sample can have."""
    stored = 8 * layout.dtype.itemsize
    values = np.arange(2**stored)
    if photometric == _PALETTE:
        colours: NDArray[Any] = np.asarray(layout.tags[_COLOUR_MAP].value).reshape(3, -1).T
        if colours.max() > 255:  # else of a writer that took 8 bits for the 16 that are meant
            colours = colours >> 8
        return colours[np.minimum(values, len(colours) - 1)].astype(np.uint8)
    if layout.dtype.itemsize == 2 or int(layout.bitspersample) < stored:
        white = 2 ** min(bits, int(layout.bitspersample)) - 1
        values = (np.minimum(values, white) * 255 + white // 2) // white
    return (255 - values if photometric == _MIN_IS_WHITE else values).astype(np.uint8)


def _without_ink(inks: Pixels) -> Pixels:
    """Return the RGB of cyan, magenta, yellow and black ink, each of 0 to 255, on white paper."""
    clear = 255 - inks.astype(np.uint16)
    mixed: Pixels = ((clear[..., :3] * clear[..., 3:] + 127) // 255).astype(np.uint8)
    return mixed


def _from_ycbcr(layout: Any) -> Callable[[Pixels], Pixels]:
    """Return what turns Y, Cb and Cr into RGB (TIFF 6.0, section 21)."""
    red, green, blue = _fractions(layout, _COEFFICIENTS, _LUMA)
    codes = _fractions(layout, _BLACK_AND_WHITE, _CODES)
    black, white = np.array(codes[0::2]), np.array(codes[1::2])
    scale = np.array([255, 127, 127]) / np.where(white == black, 1, white - black)

    def turned(samples: Pixels) -> Pixels:
        luma, cb, cr = np.moveaxis((samples - black) * scale, -1, 0)
        r, b = luma + (2 - 2 * red) * cr, luma + (2 - 2 * blue) * cb
        g = (luma - red * r - blue * b) / (green or 1)
        rgb: Pixels = np.rint(np.clip(np.stack([r, g, b], axis=-1), 0, 255)).astype(np.uint8)
        return rgb

    return turned


def _fractions(layout: Any, tag: int, usual: tuple[float, ...]) -> list[float]:
    value = layout.tags.valueof(tag)
    if value is None or len(value) != 2 * len(usual):
        return list(usual)
    pairs = zip(value[0::2], value[1::2], strict=True)
    return [above / below if below else 0.0 for above, below in pairs]


def is_plain(page: Any) -> bool:
    """Whether a page has bytes of grey or RGB, packed by what OpenSlide unpacks.

    Of pixels that are to be turned before they are shown, it turns each tile by itself.
    """
    colours = int(page.photometric)
    packed = int(page.compression)
    turned = page.tags.valueof(_ORIENTATION, 1) != 1
    if turned or int(page.bitspersample) != 8 or packed not in _BY_OPENSLIDE:
        return False
    return colours in (_MIN_IS_BLACK, _RGB) or (colours == _YCBCR and packed in _JPEG_LIKE)


def is_subsampled(layout: Any) -> bool:
    """Whether YCbCr stands in units of several pixels that share their colour, not in a JPEG."""
    if int(layout.photometric) != _YCBCR or int(layout.compression) in _JPEG_LIKE:
        return False
    return tuple(layout.tags.valueof(_SUBSAMPLING, (2, 2))) != (1, 1)


def units_size(layout: Any, width: int, height: int) -> int:
    """Return the bytes of the units of a piece."""
    across, down = layout.tags.valueof(_SUBSAMPLING, (2, 2))
    return int(-(-width // across) * -(-height // down) * (across * down + 2))


def spread_units(layout: Any, data: bytes, width: int, height: int) -> Pixels:
    """Return the Y, Cb and Cr of each pixel of a piece whose colours are subsampled.

    Parameters
    ----------
    layout
        tifffile page.
    data
        The unpacked units: luma of `across` x `down` pixels, then their Cb and Cr.
    width, height
        Of the piece.

    Returns
    -------
    (height, width, 3)
    """
    across, down = layout.tags.valueof(_SUBSAMPLING, (2, 2))
    columns, rows = -(-width // across), -(-height // down)
    units = np.frombuffer(data, np.uint8, units_size(layout, width, height))
    units = units.reshape(rows, columns, across * down + 2)
    blocks = units[..., :-2].reshape(rows, columns, down, across)
    luma = blocks.swapaxes(1, 2).reshape(rows * down, columns * across, 1)
    colour = units[..., -2:].repeat(down, axis=0).repeat(across, axis=1)
    return np.concatenate([luma, colour], axis=2)[:height, :width]
