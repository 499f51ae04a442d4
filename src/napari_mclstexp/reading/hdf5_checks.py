"""HDF5 files checked before they are read: nothing in them leads out of them, or to no end."""

from __future__ import annotations

import math
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from ..errors import UserError
from .guard import guarded
from .hdf5_heaps import check_heaps, check_texts
from .plain_files import check_file
from .trial import try_reading

MOST_PIECES = 100_000  # of an array, unless the file holds as many bytes of it
MOST_TRIED = 128 * 2**20  # bytes of arrays
MOST_OBJECTS = 10_000  # groups and data sets
LONGEST_PATH = 32  # groups in one another
# What arrays may take unpacked before one asks how they became so small a file.
ROOM, MOST_RATIO = 2**30, 50


def check_hdf5(path: Path, what: str, error: type[UserError]) -> None:
    """Check an HDF5 file before anything is read from it.

    Parameters
    ----------
    path, what, error
        As for `guarded`.

    Raises
    ------
    UserError
        If it is no HDF5 file, leads to other files (external links, external storage, virtual data
        sets), goes round in circles, or would take far more memory than a file of its size holds.
    """
    import h5py

    size = check_file(path, what, error).st_size
    if size == 0:
        raise error(f"{path} is empty (0 bytes); copy it again.")
    with guarded(path, what, error, quiet=True):
        if not h5py.is_hdf5(path):
            raise ValueError("it does not begin as HDF5 files do")
        check_heaps(path)
        try_reading(partial(_read_all, path), holding=h5py._objects.phil)
    with guarded(path, what, error, quiet=True), h5py.File(path, "r") as file:
        check_unpacked(path, what, error, _Walk(path, what, error).unpacked(file), size)


def _read_all(path: Path) -> None:
    """Read all of a file that can be damaged: attributes, texts, and numbers up to `MOST_TRIED`.

    What is refused anyhow is not read.
    """
    import h5py

    left = MOST_TRIED

    def read(_: str, found: Any) -> None:
        nonlocal left
        with suppress(Exception):
            dict(found.attrs)
        if not isinstance(found, h5py.Dataset) or found.external or found.is_virtual:
            return
        size = int(found.size or 0) * int(found.dtype.itemsize)
        with suppress(Exception):
            if size <= left:
                left -= size
                found[()]
            elif found.shape and size // max(1, found.shape[0]) <= left:
                found[:1]

    with h5py.File(path, "r") as file:
        _Walk(path, "", UserError).unpacked(file)
        read("/", file)
        file.visititems(read)


def check_unpacked(path: Path, what: str, error: type[UserError], unpacked: int, size: int) -> None:
    """Make sure that arrays fit into memory, and are no trap.

    Parameters
    ----------
    path, what, error
        As for `guarded`.
    unpacked, size
        Bytes of all arrays, and of the file.

    Raises
    ------
    UserError
        If they do not.
    """
    import psutil

    free = int(psutil.virtual_memory().available)
    if unpacked > ROOM and (unpacked > MOST_RATIO * max(size, 1) or unpacked > free):
        raise error(
            f"{path} would take {unpacked / 2**30:,.1f} GB of memory, out of a file of "
            f"{size / 2**20:,.1f} MB; check that it is {what}, or write it anew, with sparse "
            "matrices."
        )


class _Walk:
    def __init__(self, path: Path, what: str, error: type[UserError]) -> None:
        self._path, self._what, self._error = path, what, error
        self._seen: set[tuple[int, int]] = set()

    def unpacked(self, file: Any) -> int:
        """Return the bytes of all arrays; each object is looked at once."""
        import h5py

        total, groups = 0, [(file, 0)]
        while groups:
            group, depth = groups.pop()
            if depth > LONGEST_PATH:
                raise self._refused(f"{group.name[:80]} is nested too deeply")
            for name in group:
                link = group.get(name, getlink=True)
                where = f"{group.name.rstrip('/')}/{name}"[:80]
                if isinstance(link, h5py.ExternalLink):
                    raise self._refused(f"{where} is a link to another file, {link.filename[:80]}")
                if isinstance(link, h5py.SoftLink):
                    continue  # its target is met by itself
                found = group[name]
                if not self._is_new(found):
                    continue
                if isinstance(found, h5py.Group):
                    groups.append((found, depth + 1))
                elif isinstance(found, h5py.Dataset):
                    self._check_storage(found, where)
                    total += int(found.size or 0) * int(found.dtype.itemsize)
        return total

    def _is_new(self, found: Any) -> bool:
        import h5py

        info = h5py.h5o.get_info(found.id)
        key = (int(info.fileno), int(info.addr))
        new = key not in self._seen
        self._seen.add(key)
        if len(self._seen) > MOST_OBJECTS:
            raise self._refused(f"it holds more than {MOST_OBJECTS:,} parts")
        return new

    def _check_storage(self, dataset: Any, where: str) -> None:
        if dataset.external:
            raise self._refused(
                f"the values of {where} are in another file, {str(dataset.external[0][0])[:80]}"
            )
        start = dataset.id.get_offset()
        if dataset.dtype.kind == "O" and start is not None:
            check_texts(self._path, int(start), int(dataset.size or 0))
        if dataset.is_virtual:
            raise self._refused(f"the values of {where} are in other files (a virtual data set)")
        if dataset.chunks:  # one after the other is looked for, also where there is none
            sides = zip(dataset.shape, dataset.chunks, strict=True)
            pieces = math.prod(-(-length // each) for length, each in sides)
            if pieces > max(MOST_PIECES, int(dataset.id.get_storage_size())):
                raise self._refused(f"{where} is said to be in {pieces:,} pieces, and is not")

    def _refused(self, why: str) -> UserError:
        return self._error(
            f"{self._path} cannot be trusted: {why}; write {self._what} whose values are all in it."
        )
