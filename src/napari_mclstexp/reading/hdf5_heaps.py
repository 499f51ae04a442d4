"""HDF5's heaps of texts, walked before the library does: in a damaged one it would never end."""

from __future__ import annotations

import mmap
from pathlib import Path

_SIGNATURE = b"GCOL\x01\0\0\0"  # of version 1, the only one; see HDF5's file format, III.E
_HEADER, _OBJECT = 16, 16  # bytes: of a heap with lengths of 8 bytes, and of each object in it
_LARGEST_FILE = 2**31  # bytes that are looked through
_REFERENCE = 16  # bytes: a text's length in 4, the place of its heap in 8, its number in 4


def check_heaps(path: Path) -> None:
    """Walk all global heaps of an HDF5 file.

    Raises
    ------
    ValueError
        If one holds a free space of no size, on which HDF5 (up to 2.0) stands still for ever, or
        goes on behind its end.
    """
    size = path.stat().st_size
    if not 0 < size <= _LARGEST_FILE:
        return
    with (
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        at = content.find(_SIGNATURE)
        while at >= 0:
            _check_heap(content, at, size)
            at = content.find(_SIGNATURE, at + 1)


def _check_heap(content: mmap.mmap, start: int, size: int) -> None:
    end = start + int.from_bytes(content[start + 8 : start + _HEADER], "little")
    if end > size or end < start + _HEADER:
        raise ValueError("a heap of texts goes on behind the end of the file")
    at = start + _HEADER
    while at + _OBJECT <= end:
        number = int.from_bytes(content[at : at + 2], "little")
        length = int.from_bytes(content[at + 8 : at + _OBJECT], "little")
        if number == 0:  # free space, whose header counts
            if length < _OBJECT:
                raise ValueError("a heap of texts is damaged")
            at += length
        else:
            at += _OBJECT + -(-length // 8) * 8
    if at > end:
        raise ValueError("a text goes on behind the end of its heap")


def check_texts(path: Path, start: int, number: int) -> None:
    """Look at the references to texts that a data set keeps in one piece.

    HDF5 asks for as much memory as a reference says before it looks whether its heap has the text.

    Parameters
    ----------
    path
        The file.
    start, number
        Where the references begin in it, and how many there are.

    Raises
    ------
    ValueError
        If one is longer than the file.
    """
    import numpy as np

    with path.open("rb") as file:
        file.seek(start)
        content = file.read(number * _REFERENCE)
    whole = len(content) - len(content) % _REFERENCE
    lengths = np.frombuffer(content[:whole], "<u4")[:: _REFERENCE // 4]
    if len(lengths) and int(lengths.max()) > path.stat().st_size:
        raise ValueError(f"a text has {int(lengths.max()):,} letters, more than the file")
