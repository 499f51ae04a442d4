"""Where tracebacks go, which nobody but a developer reads: one small file, whose place is said."""

from __future__ import annotations

import os
import threading
import traceback
from datetime import UTC, datetime
from pathlib import Path

VARIABLE = "NAPARI_MCLSTEXP_LOG"  # names another folder; "" keeps no log
FILE = "errors.log"
MOST_BYTES = 2**20  # then an older one is kept beside it, and a new one begun
_MOST_OF_ONE = 20_000  # characters
_writing = threading.Lock()


def write_trouble(error: BaseException, about: object) -> Path | None:
    """Add an error's traceback to the log.

    Parameters
    ----------
    error
        What was raised.
    about
        What was being read or done.

    Returns
    -------
    The log's file, or None if none is kept or it cannot be written: an error about an error would
    help nobody.
    """
    from .. import __version__

    folder = _folder()
    if folder is None:
        return None
    trace = "".join(traceback.format_exception(error))
    if len(trace) > _MOST_OF_ONE:
        half = _MOST_OF_ONE // 2
        trace = f"{trace[:half]}\n...\n{trace[-half:]}"
    when = datetime.now(UTC).isoformat(timespec="seconds")
    text = f"{when} napari-mclstexp {__version__}: {about}\n{trace}\n"
    try:
        with _writing:
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / FILE
            if path.is_file() and path.stat().st_size > MOST_BYTES:
                path.replace(folder / f"{FILE}.1")
            with path.open("a", encoding="utf-8", errors="replace") as file:
                file.write(text)
    except OSError:
        return None
    return path


def _folder() -> Path | None:
    named = os.environ.get(VARIABLE)
    if named is not None:
        return Path(named) if named else None
    from platformdirs import user_log_path

    return user_log_path("napari-mclstexp", appauthor=False)
