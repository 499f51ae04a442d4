"""The directories of a TIFF, walked before a library follows them: no circles, no endless lists."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Any, BinaryIO

from ....errors import SlideError

MOST_DIRECTORIES = 10_000
MOST_TAGS = 4096  # of a directory; writers have fewer than a hundred
_SUB_IFDS = 330
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4,
          16: 8, 17: 8, 18: 8}  # fmt: skip


def check_directories(path: Path) -> None:
    """Walk all directories of a TIFF.

    Raises
    ------
    SlideError
        If they lead in a circle, or are more or larger than any slide's; what points behind the
        end of the file is left to whoever reads it.
    """
    with path.open("rb") as file:
        start = file.read(16)
        order = "<" if start[:2] == b"II" else ">"
        big = struct.unpack(f"{order}H", start[2:4])[0] == 43
        if len(start) < (16 if big else 8):
            return
        first = (
            struct.unpack(f"{order}Q", start[8:16])
            if big
            else (struct.unpack(f"{order}I", start[4:8]))
        )
        _Walk(path, file, order, big).all_from(int(first[0]))


class _Walk:
    def __init__(self, path: Path, file: BinaryIO, order: str, big: bool) -> None:
        self._path, self._file, self._order = path, file, order
        self._count, self._entry, self._offset = ("Q", "HHQ8s", "Q") if big else ("H", "HHI4s", "I")
        self._size = os.fstat(file.fileno()).st_size
        self._seen: set[int] = set()

    def all_from(self, first: int) -> None:
        """Follow the chain of directories from the first, and those below each."""
        chains = [first]
        while chains:
            offset, here = chains.pop(), set[int]()
            while 0 < offset < self._size:
                if offset in here:
                    raise SlideError(
                        f"{self._path.name} is damaged: its TIFF directories lead in a circle; "
                        "copy it again."
                    )
                here.add(offset)
                if offset in self._seen:  # those below a picture may be a chain too
                    break
                self._seen.add(offset)
                if len(self._seen) > MOST_DIRECTORIES:
                    raise SlideError(
                        f"{self._path.name} has more than {MOST_DIRECTORIES:,} pictures in it, as "
                        "no slide does; export the one to be read."
                    )
                offset, below = self._directory(offset)
                chains += below

    def _directory(self, offset: int) -> tuple[int, list[int]]:
        """Return where the next directory is, and where those below this one are."""
        self._file.seek(offset)
        number = self._unpack(self._count)
        if number is None:
            return 0, []
        if number[0] > MOST_TAGS:
            raise SlideError(
                f"{self._path.name} is damaged: a TIFF directory of {number[0]:,} tags; copy it "
                "again."
            )
        below: list[tuple[int, int, bytes]] = []  # how many, the size of one, where
        for _ in range(number[0]):
            entry = self._unpack(self._entry)
            if entry is None:
                return 0, []
            tag, kind, count, value = entry
            size = count * _SIZES.get(kind, 1)
            if size > self._size:
                raise SlideError(
                    f"{self._path.name} is cut short or damaged: the tag {tag} of its TIFF "
                    f"directory has {size:,} bytes, and the file {self._size:,}; copy it again."
                )
            if tag == _SUB_IFDS and count <= MOST_DIRECTORIES:
                below.append((count, _SIZES.get(kind, 4), value))
        following = self._unpack(self._offset)
        found = [each for count, size, value in below for each in self._offsets(count, size, value)]
        return (0 if following is None else int(following[0])), found

    def _offsets(self, count: int, size: int, value: bytes) -> list[int]:
        letter = "Q" if size == 8 else "I"
        total = struct.calcsize(letter) * count
        if total > len(value):
            self._file.seek(int(struct.unpack(f"{self._order}{self._offset}", value)[0]))
            value = self._file.read(total)
        if len(value) < total:
            return []
        return [int(each) for each in struct.unpack(f"{self._order}{count}{letter}", value[:total])]

    def _unpack(self, layout: str) -> tuple[Any, ...] | None:
        """Return the next values, None at the end of the file."""
        size = struct.calcsize(f"{self._order}{layout}")
        content = self._file.read(size)
        if len(content) < size:
            return None
        return struct.unpack(f"{self._order}{layout}", content)
