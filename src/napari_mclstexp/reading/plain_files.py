"""Plain files: what is there under a name, and text and JSON of a bounded size and depth."""

from __future__ import annotations

import io
import json
import os
import stat
from pathlib import Path
from typing import IO, Any

from ..errors import UserError
from .guard import guarded

MOST_TEXT = 512 * 2**20  # bytes of a text that is read whole
DEEPEST = 64  # arrays and objects in one another; GeoJSON has ten
# Of a compressed text, what it may become: real tables of counts shrink to a twentieth.
_LEAST_UNPACKED, _MOST_RATIO = 64 * 2**20, 40


def check_file(path: Path, what: str, error: type[UserError]) -> os.stat_result:
    """Make sure that a path is that of a file, before anything waits for a pipe to speak.

    Parameters
    ----------
    path, what, error
        As for `guarded`.

    Raises
    ------
    UserError
        If nothing is there, or a folder, a device or a pipe.
    """
    with guarded(path, what, error):
        try:
            found = path.stat()
        except FileNotFoundError as raised:
            raise error(f"There is no file {path}; check the path.") from raised
        except ValueError as raised:
            raise error(f"{str(path)!r} is no path; give the name of {what}.") from raised
    if stat.S_ISDIR(found.st_mode):
        raise error(f"{path} is a folder; give the name of {what}.")
    if not stat.S_ISREG(found.st_mode):
        raise error(f"{path} is a device or a pipe; give the name of {what}.")
    return found


def read_text(path: Path, what: str, error: type[UserError], *, most: int = MOST_TEXT) -> str:
    """Return a text in UTF-8, with or without a mark at its start.

    Raises
    ------
    UserError
        If it is missing, no text, or larger than `most` bytes.
    """
    size = check_file(path, what, error).st_size
    if size > most:
        raise error(
            f"{path} has {size / 2**20:,.0f} MB, more than {what} can have "
            f"({most / 2**20:,.0f} MB); check that it is the right file."
        )
    with guarded(path, what, error):
        try:
            text = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as raised:
            raise error(
                f"{path} is damaged or not {what}: it is no text in UTF-8 (byte {raised.start:,}); "
                "save it as text in UTF-8."
            ) from raised
    if "\0" in text:
        raise error(f"{path} is damaged or not {what}: it is no text; check the file.")
    return text


def read_lines(path: Path, what: str, error: type[UserError]) -> list[str]:
    """Return the lines of a text; see `read_text`."""
    return read_text(path, what, error).splitlines()


def read_json(path: Path, what: str, error: type[UserError], *, most: int = MOST_TEXT) -> Any:
    """Return the content of a JSON file.

    Raises
    ------
    UserError
        As of `read_text`, or if it is no JSON or nested more than `DEEPEST` deep.
    """
    text = read_text(path, what, error, most=most)
    with guarded(path, what, error):
        try:
            value = json.loads(text)
        except ValueError as raised:
            raise error(f"{path} is damaged or not {what}: it is not JSON ({raised}).") from raised
        except RecursionError as raised:
            raise error(_too_deep(path, what)) from raised
    if _deeper_than(value, DEEPEST):
        raise error(_too_deep(path, what))
    return value


class Unpacked(io.RawIOBase):
    """What a file opened for reading gives, up to a number of bytes; more is an error.

    Parameters
    ----------
    file
        Open for reading bytes.
    most
        How many it may give.
    """

    def __init__(self, file: IO[bytes], most: int) -> None:
        self._file, self._left, self._most = file, most, most

    def readinto(self, buffer: Any) -> int:
        """Read into a buffer; return how many bytes."""
        content = self._file.read(len(buffer))
        self._left -= len(content)
        if self._left < 0:
            raise ValueError(
                f"it unpacks to more than {self._most / 2**20:,.0f} MB, as no such table does"
            )
        buffer[: len(content)] = content
        return len(content)

    def readable(self) -> bool:
        """Whether it can be read from."""
        return True


def most_unpacked(size: int) -> int:
    """Return how many bytes a compressed text of a size in bytes may become."""
    return min(MOST_TEXT, max(_LEAST_UNPACKED, _MOST_RATIO * size))


def _too_deep(path: Path, what: str) -> str:
    return (
        f"{path} is damaged or not {what}: its lists and objects are nested more than {DEEPEST} "
        "deep; write it anew."
    )


def _deeper_than(value: Any, depth: int) -> bool:
    level = [value]
    for _ in range(depth):
        level = [
            below
            for each in level
            if isinstance(each, (dict, list))
            for below in (each.values() if isinstance(each, dict) else each)
            if isinstance(below, (dict, list))
        ]
        if not level:
            return False
    return True
