"""A finished folder takes the place of another so that a kill leaves one of the two there."""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
from pathlib import Path

from .temporary import name_beside

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
OLD = ".old"  # ends the name that an older folder has between two renames


def put_in_place(new: Path, target: Path) -> None:
    """Give `new` the name `target`; a folder that has it is removed.

    Where the system can, both names are exchanged in one step (Linux: renameat2). Elsewhere there
    are two renames, and `finish_exchange` brings back what a kill in between left without name.
    """
    if not target.exists():
        new.replace(target)
    elif _exchange(new, target):
        shutil.rmtree(new, ignore_errors=True)
    else:
        previous = new.with_name(new.name + OLD)
        target.replace(previous)
        try:
            new.replace(target)
        except BaseException:
            previous.replace(target)
            raise
        shutil.rmtree(previous, ignore_errors=True)
    sync_folder(target.parent)


def finish_exchange(target: Path | str) -> None:
    """Bring a folder back that a kill left without its name, or remove it where a newer stands."""
    target = Path(target)
    name = name_beside(target, OLD)
    try:
        olds = [path for path in target.parent.iterdir() if name.fullmatch(path.name)]
        for old in sorted(olds, key=lambda path: path.stat().st_mtime, reverse=True):
            if target.exists():
                shutil.rmtree(old, ignore_errors=True)
            else:
                old.replace(target)
    except OSError:
        return  # read-only, or gone: whoever asks for the target says so


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk, where that can be asked for."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows
        return
    try:
        os.fsync(descriptor)
    except OSError:  # a file system that cannot
        pass
    finally:
        os.close(descriptor)


def _exchange(one: Path, other: Path) -> bool:
    if not sys.platform.startswith("linux"):
        return False
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    first, second = os.fsencode(one), os.fsencode(other)
    done = rename(_AT_FDCWD, first, _AT_FDCWD, second, _RENAME_EXCHANGE)
    return bool(done == 0)
