"""What this program wrote into a folder, as a file in it says; only that is ever replaced."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from ..errors import OutputError
from .atomic_file import atomic_file
from .temporary import is_temporary

# In a folder: what kind it is, each file's size in bytes, and the names of files that are begun.
MARKER = ".napari-mclstexp.json"
_LITTER = {".DS_Store", "Thumbs.db", "desktop.ini"}  # file managers' own, nobody's work


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
    known, begun = ({}, frozenset[str]()) if mark is None else (mark.files, mark.begun)
    for name, size in files_in(folder):
        if name in begun:
            continue
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
    mark = _read_mark(folder) or Mark(kind, {})
    if mark.kind != kind:
        raise OutputError(f"{folder} holds {mark.kind}, not {kind}; choose another folder.")
    for name in names:
        path = folder / name
        if name in mark.begun or not os.path.lexists(path):
            continue
        if mark.files.get(name) != path.lstat().st_size:
            raise OutputError(
                f"{path} is there already, and not as this program wrote it; choose another "
                "folder, or move that file away."
            )


@contextmanager
def placing(folder: Path | str, kind: str, names: Iterable[str]) -> Iterator[None]:
    """Let the block write files into a folder, and note in the folder that they are ours.

    That they are begun is noted before, so that after a kill they are not taken for a person's.

    Raises
    ------
    OutputError
        If `check_names` has anything against it, before the block writes.
    """
    folder, names = Path(folder), tuple(names)
    check_names(folder, kind, names)
    mark = _read_mark(folder) or Mark(kind, {})
    write_mark(folder, Mark(mark.kind, mark.files, mark.begun | set(names)))
    try:
        yield
    finally:  # the files that were finished before an error are ours too
        _note_written(folder, kind, names)


def _note_written(folder: Path, kind: str, names: Iterable[str]) -> None:
    mark = _read_mark(folder) or Mark(kind, {})
    names = set(names)
    sizes = {name: (folder / name).stat().st_size for name in names if (folder / name).is_file()}
    noted = Mark(mark.kind, {**mark.files, **sizes}, mark.begun - names)
    if noted.files or noted.begun:
        write_mark(folder, noted)
    else:
        (folder / MARKER).unlink(missing_ok=True)


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
    for name, _ in [*files_in(folder), (MARKER, 0)]:
        if is_temporary(folder / name) or any(fnmatchcase(name, each) for each in patterns):
            with suppress(OSError):
                (folder / name).unlink()
    inside = [Path(each) for each, _, _ in os.walk(folder)]
    for each in reversed(inside):
        with suppress(OSError):  # not empty
            each.rmdir()


def names_in(folder: Path | str) -> tuple[str, ...]:
    """Return the names of all files in a folder and below, without those that do not count."""
    return tuple(name for name, _ in files_in(Path(folder)))


@dataclass(frozen=True)
class Mark:
    """What `MARKER` says."""

    kind: str
    files: dict[str, int]
    begun: frozenset[str] = frozenset()


def _read_mark(folder: Path) -> Mark | None:
    if not (folder / MARKER).is_file():  # a pipe of that name would be waited for
        return None
    try:
        said = json.loads((folder / MARKER).read_text(encoding="utf-8"))
        files = {str(k): int(v) for k, v in said["files"].items()}
        return Mark(str(said["kind"]), files, frozenset(map(str, said.get("begun", ()))))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None  # it vouches for nothing


def write_mark(folder: Path, mark: Mark) -> None:
    """Write what a folder says of itself."""
    said: dict[str, Any] = {"kind": mark.kind, "files": dict(sorted(mark.files.items()))}
    if mark.begun:
        said["begun"] = sorted(mark.begun)
    with atomic_file(folder / MARKER) as temporary:
        temporary.write_text(json.dumps(said, indent=1), encoding="utf-8")


def files_in(folder: Path) -> Iterator[tuple[str, int]]:
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
