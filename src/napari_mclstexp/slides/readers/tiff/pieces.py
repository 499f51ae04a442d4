"""How the packed pieces of a TIFF, tiles or strips, become samples: by tifffile where it can."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray

from .colours import is_subsampled, spread_units, units_size

# Of fax, tifffile's decoder goes astray without a word where libtiff's does not.
_FAX = (2, 3, 4)
_FAX_TAGS = (266, 292, 293)  # order of the bits, options of groups 3 and 4
_LONG = 4


def is_unpacked(layout: Any) -> bool:
    """Whether there is a decoder for the pieces of a page."""
    packed = int(layout.compression)
    return packed in (1, *_FAX) or packed in tifffile.TIFF.DECOMPRESSORS


def piece_decoder(layout: Any, tile: tuple[int, int]) -> Callable[..., Any]:
    """Return a decoder of pieces, called and answering as tifffile's: the samples come first.

    Parameters
    ----------
    layout
        tifffile page.
    tile
        Width and height of a piece, in px; the last strip may be lower.
    """
    if is_subsampled(layout):
        return _decoder(layout, tile, _of_units(layout))
    if int(layout.compression) in _FAX:
        return _decoder(layout, tile, _of_fax(layout))
    tifffiles: Callable[..., Any] = layout.decode
    return tifffiles


def _decoder(
    layout: Any, tile: tuple[int, int], samples: Callable[[bytes, int, int], NDArray[Any]]
) -> Callable[..., Any]:
    width, length, rows = *tile, int(layout.imagelength)

    def decode(data: bytes, index: int, **_: Any) -> tuple[NDArray[Any], None, None]:
        height = length if layout.is_tiled else min(length, rows - index * length)
        return samples(data, width, height)[None], None, None

    return decode


def _of_units(layout: Any) -> Callable[[bytes, int, int], NDArray[Any]]:
    unpack = tifffile.TIFF.DECOMPRESSORS[layout.compression] if layout.compression > 1 else None

    def samples(data: bytes, width: int, height: int) -> NDArray[Any]:
        size = units_size(layout, width, height)
        units = data if unpack is None else unpack(data, out=size)
        return spread_units(layout, units, width, height)

    return samples


def _of_fax(layout: Any) -> Callable[[bytes, int, int], NDArray[Any]]:
    order = layout.parent.byteorder
    said = {code: int(layout.tags.valueof(code, 0)) for code in _FAX_TAGS}
    known = [(code, value) for code, value in said.items() if value]

    def samples(data: bytes, width: int, height: int) -> NDArray[Any]:
        """Let libtiff read a TIFF of this piece alone."""
        tags = [(256, width), (257, height), (258, 1), (259, int(layout.compression)), (262, 0),
                (277, 1), (278, height), (279, len(data)), *known]  # fmt: skip
        tags.append((273, 8 + 2 + 12 * (len(tags) + 1) + 4))
        entries = b"".join(
            struct.pack(f"{order}HHII", code, _LONG, 1, value) for code, value in sorted(tags)
        )
        mark = b"II*\0" if order == "<" else b"MM\0*"
        head = mark + struct.pack(f"{order}IH", 8, len(tags))
        rgba = imagecodecs.tiff_decode(head + entries + bytes(4) + data, asrgb=True)
        return np.asarray(rgba)[..., :1] < 128  # 0 is white in the tags above

    return samples
