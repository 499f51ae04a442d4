"""Files that appear whole under their name or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import OutputError
from .exchange import sync_folder
from .temporary import held, remove_leftovers, temporary_beside


@contextmanager
def atomic_file(target: Path | str) -> Iterator[Path]:
    """Yield a temporary path in the target's folder; rename it to `target` if the block succeeds.

    Parameters
    ----------
    target
        Where the finished file shall stand. An existing file is replaced only by a whole new one,
        which gets its permissions; a link stays, and what it points to is replaced.

    Raises
    ------
    OutputError
        If the folder is missing or read-only, the disk is full, or the target is a folder, a
        device or a pipe.
    """
    target = Path(target)
    refuse_special(target)
    real = Path(os.path.realpath(target)) if target.is_symlink() else target
    temporary = temporary_beside(real)
    remove_leftovers(real)
    try:
        with readable_os_errors(target):
            temporary.touch()
            with held(temporary):
                yield temporary
                if real.exists():
                    shutil.copymode(real, temporary)
                flush(temporary)
                temporary.replace(real)
            sync_folder(real.parent)
    finally:
        with suppress(OSError):  # on a read-only disk even removing nothing is an error
            temporary.unlink(missing_ok=True)


def check_writable(target: Path | str) -> None:
    """Check, before hours of work, that something can be written under a name.

    Raises
    ------
    OutputError
        If its folder is missing or read-only, the disk is full, or the name is that of a device
        or a pipe.
    """
    target = Path(target)
    if not target.is_dir():  # which `check_folder` has more to say of
        refuse_special(target)
    temporary = temporary_beside(Path(os.path.realpath(target)))
    with readable_os_errors(target):
        temporary.touch()
        temporary.unlink()


def refuse_special(target: Path) -> None:
    """Make sure that a name, or what it points to, is that of a file, or of nothing.

    Raises
    ------
    OutputError
        If it is something else.
    """
    try:
        mode = target.stat().st_mode
    except OSError as error:  # nothing there, or a link to nothing
        if error.errno == errno.ENAMETOOLONG:
            raise OutputError(_too_long(target)) from error
        refuse_circle(target)
        return
    if stat.S_ISDIR(mode):
        raise OutputError(f"{target} is a folder; give the name of a file.")
    if not stat.S_ISREG(mode):
        raise OutputError(f"{target} is a device or a pipe; give the name of a file.")


def refuse_circle(target: Path) -> None:
    """Make sure that a name is not that of a link that leads to itself.

    Raises
    ------
    OutputError
        If it is.
    """
    try:
        target.stat()
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise OutputError(f"{target} is a link to itself; give another name.") from error


@contextmanager
def readable_os_errors(target: Path) -> Iterator[None]:
    """Turn what a disk refuses into a sentence about the target."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            message = f"The disk is full, so {target} could not be written; free some space."
        elif error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
            message = (
                f"{target} cannot be written because its folder is read-only for you; "
                "choose another folder."
            )
        elif error.errno == errno.ENAMETOOLONG:
            message = _too_long(target)
        else:
            raise
        raise OutputError(message) from error


def _too_long(target: Path) -> str:
    return f"The name {target.name[:40]}… is too long for this disk; choose a shorter one."


def flush(path: Path) -> None:
    """Have a file's content on the disk."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())
