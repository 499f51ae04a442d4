"""Open a TIFF's directory quietly, and refuse a file that is cut short before anything is read."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tifffile

from ....errors import SlideError
from ....reading import reason_of
from .colours import is_plain
from .directories import check_directories

# What tifffile logs, rather than raises, about directories that point outside the file.
_SIGNS_OF_A_CUT = ("invalid page offset", "invalid value offset", "corrupted")
_listening = threading.Lock()


@dataclass(frozen=True)
class TiffFacts:
    """What decides who reads a TIFF."""

    is_ome: bool
    is_plain: bool  # bytes of grey or RGB, or JPEG: what OpenSlide's generic reader is made for


@contextmanager
def opened(path: Path) -> Iterator[tifffile.TiffFile]:
    """Yield the open TIFF; a directory that cannot be read becomes a :class:`SlideError`."""
    try:
        # Alone: other files that an OME-TIFF names are neither looked for nor opened.
        tif = tifffile.TiffFile(path, _multifile=False)
    except Exception as error:  # tifffile raises what the damage makes it raise
        raise SlideError(
            f"{path.name} is cut short or damaged: its TIFF directory cannot be read "
            f"({reason_of(error)}); copy it again."
        ) from error
    with tif:
        yield tif


def check_whole(path: Path) -> TiffFacts:
    """Look through all directories of a TIFF.

    Raises
    ------
    SlideError
        If a directory, or the data of any page, lies behind the end of the file.
    """
    size = path.stat().st_size
    check_directories(path)
    with overheard() as heard, opened(path) as tif:
        end = max((_end_of_data(page) for page in _all_pages(tif)), default=0)
        if end > size:
            raise SlideError(
                f"{path.name} is cut short: its picture data go on to byte {end}, but the file "
                f"ends at {size}; copy it again."
            )
        if not len(tif.pages) or any(sign in line for line in heard for sign in _SIGNS_OF_A_CUT):
            raise SlideError(
                f"{path.name} is cut short: its TIFF directory points behind the end of the file "
                f"at byte {size}; copy it again."
            )
        return TiffFacts(bool(tif.is_ome), is_plain(tif.pages.first))


def _all_pages(tif: tifffile.TiffFile) -> Iterator[Any]:
    for page in tif.pages:
        yield page
        yield from page.pages or ()


def _end_of_data(page: Any) -> int:
    ends = (
        offset + count for offset, count in zip(page.dataoffsets, page.databytecounts, strict=False)
    )
    return max(ends, default=0)


@contextmanager
def overheard() -> Iterator[list[str]]:
    """Collect what tifffile logs meanwhile, in place of printing it; not within itself."""
    lines: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    logger, listener = logging.getLogger("tifffile"), Listener()
    with _listening:
        propagate, logger.propagate = logger.propagate, False
        logger.addHandler(listener)
        try:
            yield lines
        finally:
            logger.removeHandler(listener)
            logger.propagate = propagate
