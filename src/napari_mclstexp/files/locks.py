"""One process at a time for one target; a dead process holds nothing."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import OutputError

_FOLDER = "napari-mclstexp-locks"


@contextmanager
def only_one(target: Path | str, what: str, *, wait_s: float = 0.0) -> Iterator[None]:
    """Hold a target while the block runs, among all processes of this machine.

    The lock is the operating system's, on a file in the folder of temporary files, so nothing is
    left beside the target.

    Parameters
    ----------
    target
        The file or folder that is written.
    what
        Who else may be at it, for the sentence: ``another training``.
    wait_s
        How long to wait for the other.

    Raises
    ------
    OutputError
        If a living process holds it.
    """
    from filelock import FileLock, Timeout

    real = os.path.realpath(target)
    user = os.getuid() if hasattr(os, "getuid") else "all"
    folder = Path(tempfile.gettempdir(), f"{_FOLDER}-{user}")
    folder.mkdir(mode=0o700, exist_ok=True)
    lock = FileLock(folder / f"{hashlib.sha256(os.fsencode(real)).hexdigest()[:32]}.lock")
    try:
        lock.acquire(timeout=wait_s)
    except Timeout as error:
        raise OutputError(
            f"{target} is being written by {what}; wait until that is done, or choose another name."
        ) from error
    try:
        yield
    finally:
        lock.release()
