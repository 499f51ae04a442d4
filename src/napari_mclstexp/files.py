"""Files appear whole or not at all, and never in place of what someone else has made.

What is written goes to a temporary name beside the target and is renamed. A folder that this
program wrote says so in a file in it, `MARKER`: only such a folder is ever replaced or removed.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from .errors import OutputError

MARKER = ".napari-mclstexp.json"  # in a folder: what kind it is, and each file's size in bytes
_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{8}\.part(\..+)?")
_LITTER = {".DS_Store", "Thumbs.db", "desktop.ini"}  # file managers' own, nobody's work


@contextmanager
def atomic_file(target: Path | str) -> Iterator[Path]:
    """Yield a temporary path in the target's folder; rename it to `target` if the block succeeds.

    Parameters
    ----------
    target
        Where the finished file shall stand. An existing file is replaced only by a whole new one.

    Raises
    ------
    OutputError
        If the folder is missing or read-only, or the disk is full.
    """
    target = Path(target)
    temporary = _temporary_beside(target)
    try:
        with _readable_os_errors(target):
            temporary.touch()
            yield temporary
            _flush(temporary)
            temporary.replace(target)
    finally:
        with suppress(OSError):  # on a read-only disk even removing nothing is an error
            temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(
    target: Path | str, kind: str, *, older: Callable[[Path], bool] | None = None
) -> Iterator[Path]:
    """Yield a temporary folder beside `target`; rename it to `target` if the block succeeds.

    Parameters
    ----------
    target
        Where the finished folder shall stand. One that is there is replaced only if
        `check_folder` has nothing against it, before the block and after.
    kind
        What the folder is, with its article: ``a model``.
    older
        See `check_folder`.

    Raises
    ------
    OutputError
        If the parent folder is missing or read-only, the disk is full, or `target` is a file or
        holds what this program did not write.
    """
    target = Path(target)
    check_folder(target, kind, older=older)
    target = target.resolve()  # behind a link, the folder itself is replaced
    temporary = _temporary_beside(target)
    previous = temporary.with_name(temporary.name + ".old")
    try:
        with _readable_os_errors(target):
            temporary.mkdir()
            yield temporary
            _write_mark(temporary, _Mark(kind, dict(_files_in(temporary))))
            for path in temporary.rglob("*"):
                if path.is_file():
                    _flush(path)
            check_folder(target, kind, older=older)  # the block may have taken hours
            if target.exists():
                target.replace(previous)
            temporary.replace(target)
    finally:
        if previous.exists() and not target.exists():
            previous.replace(target)
        shutil.rmtree(previous, ignore_errors=True)
        shutil.rmtree(temporary, ignore_errors=True)


def check_writable(target: Path | str) -> None:
    """Check, before hours of work, that something can be written under a name.

    Raises
    ------
    OutputError
        If its folder is missing or read-only, or the disk is full.
    """
    temporary = _temporary_beside(Path(target))
    with _readable_os_errors(Path(target)):
        temporary.touch()
        temporary.unlink()


def check_folder(
    folder: Path | str, kind: str, *, older: Callable[[Path], bool] | None = None
) -> None:
    """Check that a folder may be replaced: it is not there, is empty, or was written whole by us.

    Parameters
    ----------
    folder, kind
        The folder, and what would stand in its place, with the article: ``a model``.
    older
        Says of a folder without `MARKER` whether it was written whole before there was one.

    Raises
    ------
    OutputError
        If it is a file, is something else of ours, or holds a file that this program did not
        write there or that was changed since; the sentence names one.
    """
    folder = Path(folder)
    if not folder.is_dir():
        if os.path.lexists(folder):
            raise OutputError(f"{folder} is a file; choose the name of a folder.")
        return
    mark = _read_mark(folder)
    if mark is None and older is not None and older(folder):
        return
    if mark is not None and mark.kind != kind:
        raise OutputError(f"{folder} holds {mark.kind}, not {kind}; choose another folder.")
    known = {} if mark is None else mark.files
    for name, size in _files_in(folder):
        if name not in known:
            raise OutputError(
                f"{folder} holds other files than {kind} written by this program, for instance "
                f"{name}; choose a new or empty folder."
            )
        if known[name] != size:
            raise OutputError(
                f"{folder / name} was changed since this program wrote it; choose another folder, "
                "or move that file away."
            )


def check_names(folder: Path | str, kind: str, names: Iterable[str]) -> None:
    """Check that files may be written into a folder, beside what a person has there.

    Raises
    ------
    OutputError
        If the folder is something else of ours, or one of the files is there and this program
        did not write it, or it was changed since.
    """
    folder = Path(folder)
    mark = _read_mark(folder) or _Mark(kind, {})
    if mark.kind != kind:
        raise OutputError(f"{folder} holds {mark.kind}, not {kind}; choose another folder.")
    for name in names:
        path = folder / name
        if os.path.lexists(path) and mark.files.get(name) != path.lstat().st_size:
            raise OutputError(
                f"{path} is there already, and not as this program wrote it; choose another "
                "folder, or move that file away."
            )


@contextmanager
def placing(folder: Path | str, kind: str, names: Iterable[str]) -> Iterator[None]:
    """Let the block write files into a folder, and note in the folder that they are ours.

    Raises
    ------
    OutputError
        If `check_names` has anything against it, before the block writes.
    """
    names = tuple(names)
    check_names(folder, kind, names)
    try:
        yield
    finally:  # the files that were finished before an error are ours too
        note_written(folder, kind, names)


def note_written(folder: Path | str, kind: str, names: Iterable[str]) -> None:
    """Note in a folder that this program wrote these files there, as far as they are there."""
    folder = Path(folder)
    mark = _read_mark(folder) or _Mark(kind, {})
    sizes = {name: (folder / name).stat().st_size for name in names if (folder / name).is_file()}
    if sizes:
        _write_mark(folder, _Mark(mark.kind, {**mark.files, **sizes}))


def kind_of(folder: Path | str) -> str | None:
    """Return what a folder is, if this program wrote it and says so in it; else None."""
    mark = _read_mark(Path(folder))
    return None if mark is None else mark.kind


def remove_files(folder: Path | str, patterns: Iterable[str]) -> None:
    """Remove the files of a folder that are called as said, and the folder if none is left.

    Parameters
    ----------
    folder
        One that this program made; the caller has checked it.
    patterns
        Names within it, as of `fnmatch`. Files of any other name are left where they are.
    """
    folder, patterns = Path(folder), (MARKER, *patterns)
    for name, _ in [*_files_in(folder), (MARKER, 0)]:
        if is_temporary(folder / name) or any(fnmatchcase(name, each) for each in patterns):
            with suppress(OSError):
                (folder / name).unlink()
    inside = [Path(each) for each, _, _ in os.walk(folder)]
    for each in reversed(inside):
        with suppress(OSError):  # not empty
            each.rmdir()


def names_in(folder: Path | str) -> tuple[str, ...]:
    """Return the names of all files in a folder and below, without those that do not count."""
    return tuple(name for name, _ in _files_in(Path(folder)))


def is_temporary(path: Path) -> bool:
    """Whether a file is what an `atomic_file` that was killed has left."""
    return _TEMPORARY.fullmatch(path.name) is not None


def refuse_overwriting(output: Path | str | None, inputs: Mapping[str, Path | str | None]) -> None:
    """Make sure that what is to be written is none of the files that are read for it.

    Parameters
    ----------
    output
        A file, or a folder as a whole; None is nothing.
    inputs
        Files and folders by what they are, for instance the option that names them. A folder
        stands for all files in it. None, and what is not there, is nothing.

    Raises
    ------
    OutputError
        If they are one file, be it under two names (links of both kinds).
    """
    if output is None:
        return
    output = Path(output)
    for what, path in inputs.items():
        if path is not None and Path(path).exists() and _overlap(output, Path(path)):
            raise OutputError(f"{output} would overwrite {what} ({path}); choose another name.")


def sha256(path: Path | str) -> str:
    """Return the SHA-256 checksum of a file as hexadecimal text."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True)
class _Mark:
    """What `MARKER` says."""

    kind: str
    files: dict[str, int]


def _read_mark(folder: Path) -> _Mark | None:
    try:
        said = json.loads((folder / MARKER).read_text(encoding="utf-8"))
        return _Mark(str(said["kind"]), {str(k): int(v) for k, v in said["files"].items()})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None  # it vouches for nothing


def _write_mark(folder: Path, mark: _Mark) -> None:
    said = {"kind": mark.kind, "files": dict(sorted(mark.files.items()))}
    with atomic_file(folder / MARKER) as temporary:
        temporary.write_text(json.dumps(said, indent=1), encoding="utf-8")


def _files_in(folder: Path) -> Iterator[tuple[str, int]]:
    """Yield name and size of each file below a folder, in order; a link counts as a file."""
    for parent, folders, files in os.walk(folder, onerror=_not_looked_into):
        folders.sort()
        links = [each for each in folders if Path(parent, each).is_symlink()]
        for name in sorted((*files, *links)):
            path = Path(parent, name)
            inside = path.relative_to(folder).as_posix()
            if inside != MARKER and name not in _LITTER:
                yield inside, path.lstat().st_size


def _not_looked_into(error: OSError) -> None:
    if isinstance(error, FileNotFoundError):
        return
    raise OutputError(
        f"{error.filename} cannot be looked into ({error.strerror}); choose another folder."
    ) from error


def _overlap(output: Path, path: Path) -> bool:
    if output.exists() and output.samefile(path):
        return True
    real, read = output.resolve(), path.resolve()
    if output.is_dir():
        return read.is_relative_to(real)
    if not path.is_dir() or not output.exists():
        return False
    if real.is_relative_to(read):
        return True
    if output.stat().st_nlink == 1:
        return False
    return any(output.samefile(path / name) for name in names_in(path))


def _temporary_beside(target: Path) -> Path:
    if not target.parent.is_dir():
        raise OutputError(f"The folder {target.parent} does not exist; create it first.")
    # The suffix stays last, since writers such as h5py and matplotlib choose a format by it.
    return target.parent / f".{target.stem}.{uuid.uuid4().hex[:8]}.part{target.suffix}"


def _flush(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


@contextmanager
def _readable_os_errors(target: Path) -> Iterator[None]:
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
        else:
            raise
        raise OutputError(message) from error
