"""Temporary names beside a target, held by the process that writes there and by no dead one."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ..errors import OutputError

fcntl: Any = importlib.import_module("fcntl") if importlib.util.find_spec("fcntl") else None

LONGEST = 60  # characters of a target's name in that of its temporary
_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{8}\.part(\..+)?")


def temporary_beside(target: Path) -> Path:
    """Return a new name in the target's folder.

    Raises
    ------
    OutputError
        If there is no such folder.
    """
    if not target.parent.is_dir():
        raise OutputError(f"The folder {target.parent} does not exist; create it first.")
    # The suffix stays last, since writers such as h5py and matplotlib choose a format by it.
    return target.parent / f".{_start(target)}.{uuid.uuid4().hex[:8]}.part{target.suffix}"


def beside(folder: Path, ending: str) -> Path:
    """Return what stands beside a folder under its name with an ending, be it given as ``.``.

    Raises
    ------
    OutputError
        If nothing can stand beside it.
    """
    if folder.name in ("", ".."):
        folder = Path(os.path.realpath(folder))
    if not folder.name:
        raise OutputError(f"Nothing can stand beside {folder}; choose another folder.")
    return folder.with_name(folder.name + ending)


def name_beside(target: Path, ending: str = "") -> re.Pattern[str]:
    """Return what all temporary names of a target look like, and more with an ending."""
    start, last = re.escape(_start(target)), re.escape(target.suffix + ending)
    return re.compile(rf"\.{start}\.[0-9a-f]{{8}}\.part{last}")


def is_temporary(path: Path) -> bool:
    """Whether a file is what an `atomic_file` that was killed has left."""
    return _TEMPORARY.fullmatch(path.name) is not None


@contextmanager
def held(temporary: Path) -> Iterator[None]:
    """Hold a temporary file or folder, so that nobody takes it for what a dead process has left."""
    descriptor = _open(temporary)
    try:
        if descriptor is not None:
            _lock(descriptor)
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


def remove_leftovers(target: Path) -> None:
    """Remove what processes that were killed have left of writing this target."""
    if fcntl is None:
        return
    name = name_beside(target)
    with suppress(OSError):  # a folder that cannot be listed has nothing that can be removed
        for path in target.parent.iterdir():
            if name.fullmatch(path.name) and not _is_held(path):
                _remove(path)


def _start(target: Path) -> str:
    return target.stem[:LONGEST]  # a disk's longest name is 255 bytes


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
        return
    with suppress(OSError):
        path.unlink()


def _is_held(path: Path) -> bool:
    descriptor = _open(path)
    if descriptor is None:
        return True  # it cannot be told
    try:
        return not _lock(descriptor)
    finally:
        os.close(descriptor)


def _open(path: Path) -> int | None:
    if fcntl is None:
        return None
    try:
        return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # another's, or a file system that knows no locks
        return False
    return True
