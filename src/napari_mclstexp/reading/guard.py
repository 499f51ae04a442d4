"""One guard at each reader: whatever a library raises becomes a sentence about the file."""

from __future__ import annotations

import errno
import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from ..errors import Cancelled, UserError
from .trouble_log import write_trouble

_LONGEST = 200  # characters of a library's own words
# Of a file that is whole: what the system says of it is all there is to say.
_OF_THE_SYSTEM = {
    errno.EACCES: "you may not read it; change its rights",
    errno.EPERM: "you may not read it; change its rights",
    errno.ENOENT: "it is not there; check the path",
    errno.ENOTDIR: "a part of its path is no folder; check the path",
    errno.EISDIR: "it is a folder; give the name of a file",
    errno.ELOOP: "it is a link that leads back to itself; give the file itself",
    errno.ENAMETOOLONG: "its name is too long for this disk; check the path",
    errno.EIO: "the disk fails there; copy it from another place",
    errno.ESTALE: "its disk is no longer there; connect it again",
}


@contextmanager
def guarded(
    path: Path | str,
    what: str,
    error: type[UserError],
    *,
    remedy: str = "copy it again, or write it anew",
    quiet: bool = False,
) -> Iterator[None]:
    """Turn whatever the block raises into a sentence about the file that it reads.

    The traceback goes to a log file, whose place is said at the end of the sentence.

    Parameters
    ----------
    path
        The file or folder.
    what
        What it should be, with its article: ``an .h5ad file``.
    error
        Class of the error that is raised in place of the library's.
    remedy
        What a person can do about it.
    quiet
        Whether warnings inside the block are of no use to anybody.

    Raises
    ------
    UserError
        Of the class given, for all but errors that are sentences already and Ctrl-C.
    """
    try:
        with _no_warnings() if quiet else nullcontext():
            yield
    except (UserError, Cancelled):
        raise
    except MemoryError as raised:
        log = write_trouble(raised, path)
        raise error(
            f"{path} needs more memory than this computer has free; close other programs, or use "
            f"a smaller part of it{_where(log)}."
        ) from raised
    except BaseException as raised:
        if not isinstance(raised, Exception) and type(raised).__name__ != "PanicException":
            raise  # Ctrl-C; a panic is what libraries written in Rust raise
        said = _OF_THE_SYSTEM.get(raised.errno or 0) if isinstance(raised, OSError) else None
        if said is not None:
            raise error(f"{path} cannot be read: {said}.") from raised
        log = write_trouble(raised, path)
        raise error(
            f"{path} is damaged or not {what}: {reason_of(raised)}; {remedy}{_where(log)}."
        ) from raised


def reason_of(error: BaseException) -> str:
    """Return what a library said, in one short piece that a sentence can go on from."""
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    said = str(error)
    if isinstance(error, OSError) and error.strerror and error.errno:
        said = os.strerror(error.errno)
    if isinstance(error, KeyError):
        said = f"it lacks {said}"
    lines = [" ".join(line.split()) for line in said.splitlines()]
    first = next((line for line in lines if line), type(error).__name__)
    first = "".join(each for each in first if each.isprintable())
    return (first if len(first) <= _LONGEST else f"{first[:_LONGEST]}…").rstrip(".;: ")


def last_words(error: BaseException) -> str:
    """Return a sentence about an error that no reader or writer has turned into one.

    Parameters
    ----------
    error
        Of the system, of memory, or of nesting; its traceback goes to the log.
    """
    log = _where(write_trouble(error, "the last handler"))
    if isinstance(error, MemoryError):
        return (
            "This needs more memory than this computer has free; close other programs, or give "
            f"smaller files{log}."
        )
    if isinstance(error, RecursionError):
        return f"Something in the files given is nested too deeply to be read{log}."
    name = getattr(error, "filename", None)
    name = f"{os.fsdecode(name)[:200]}: " if isinstance(name, (str, bytes, os.PathLike)) else ""
    said = getattr(error, "strerror", None) or reason_of(error)
    return f"{name}{said}; check the path, its rights and the disk{log}."


@contextmanager
def threads_logged() -> Iterator[None]:
    """Log what disk and memory refuse to threads of libraries; who waits for them says so."""
    before = threading.excepthook

    def ended(args: threading.ExceptHookArgs) -> None:
        if isinstance(args.exc_value, (OSError, MemoryError)):
            write_trouble(args.exc_value, "a thread")
        else:
            before(args)

    threading.excepthook = ended
    try:
        yield
    finally:
        threading.excepthook = before


def _where(log: Path | None) -> str:
    return "" if log is None else f" (details in {log})"


@contextmanager
def _no_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
