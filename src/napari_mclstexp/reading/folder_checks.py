"""Folders that stand for one thing (a model, a session, AnnData in zarr): no way out of them."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

from ..errors import UserError
from .guard import guarded
from .hdf5_checks import check_unpacked

MOST_FILES = 1_000_000
_METADATA = (".zarray", ".zgroup", ".zattrs", ".zmetadata", "zarr.json")
_LARGEST_METADATA = 64 * 2**20
# Codecs that only pack numbers and texts; others (pickle) may run what a file says.
CODECS = {
    "adler32", "bitround", "blosc", "bytes", "bz2", "crc32", "crc32c", "delta", "fixedscaleoffset",
    "gzip", "json2", "lz4", "lzma", "numcodecs.blosc", "numcodecs.delta", "numcodecs.shuffle",
    "numcodecs.zlib", "numcodecs.zstd", "packbits", "sharding_indexed", "shuffle", "string",
    "transpose", "vlen-array", "vlen-bytes", "vlen-utf8", "zlib", "zstd",
}  # fmt: skip


def check_inside(folder: Path, path: Path, error: type[UserError]) -> None:
    """Make sure that a file of a folder lies in it, behind links too.

    Parameters
    ----------
    folder, path
        The folder, and a file of it.
    error
        Class of what is raised.

    Raises
    ------
    UserError
        If it does not, or is a device or a pipe.
    """
    with guarded(path, "a file of this folder", error):
        real = path.resolve(strict=True)
        mode = real.stat().st_mode
        home = folder.resolve(strict=True)
    if not real.is_relative_to(home):
        raise error(
            f"{path} is a link to a file elsewhere, {real}; copy the folder with all its files."
        )
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise error(f"{path} is a device or a pipe; copy the folder with all its files.")


def check_zarr(folder: Path, what: str, error: type[UserError]) -> None:
    """Check a zarr folder before anything is read from it.

    Raises
    ------
    UserError
        If a file in it is a link, a device or a pipe; an array is packed in a way that may run
        code; or its arrays would take far more memory than its files hold.
    """
    size = unpacked = number = 0
    with guarded(folder, what, error):
        for parent, folders, files in os.walk(folder):
            for name in (*folders, *files):
                path = Path(parent, name)
                found = path.lstat()
                number += 1
                if not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):
                    raise error(
                        f"{path} is a link, a device or a pipe; copy the folder with all its files."
                    )
                size += found.st_size if stat.S_ISREG(found.st_mode) else 0
                if name in _METADATA and stat.S_ISREG(found.st_mode):
                    unpacked += _unpacked(path, found.st_size, folder, what, error)
            if number > MOST_FILES:
                raise error(f"{folder} holds more than {MOST_FILES:,} files; check that it is one.")
    check_unpacked(folder, what, error, unpacked, size)


def _unpacked(path: Path, size: int, folder: Path, what: str, error: type[UserError]) -> int:
    """Return the bytes of the array that a file of metadata describes, 0 if it is of none."""
    if size > _LARGEST_METADATA:
        raise error(f"{path} is damaged: it is too large; write {what} anew.")
    said = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(said, dict):
        raise error(f"{folder} is damaged or not {what}: {path.name} holds no object.")
    documents = [said]  # and what it says of other arrays, for those who read it alone
    for inner in (said, said.get("consolidated_metadata")):
        others = inner.get("metadata") if isinstance(inner, dict) else None
        documents += others.values() if isinstance(others, dict) else []
    each = [_array(one, path, what, error) for one in documents if isinstance(one, dict)]
    return max(each[0], sum(each[1:]))


def _array(said: dict[str, Any], path: Path, what: str, error: type[UserError]) -> int:
    for name in _codecs(said):
        if name not in CODECS:
            raise error(
                f"{path} cannot be trusted: it is packed by {name[:40]!r}, which may run what it "
                f"holds; write {what} anew, without it."
            )
    shape = said.get("shape")
    if not isinstance(shape, list):
        return 0
    total = 1
    for length in shape:
        if not isinstance(length, int) or length < 0:
            raise error(f"{path} is damaged: {str(shape)[:60]} is no shape of an array.")
        total *= length
    return total * _itemsize(said.get("dtype", said.get("data_type")))


def _codecs(said: dict[str, Any]) -> list[str]:
    each: list[Any] = [said.get("compressor"), *(said.get("filters") or ())]
    for codec in said.get("codecs") or ():
        each.append(codec)
        inner = codec.get("configuration") if isinstance(codec, dict) else None
        if isinstance(inner, dict):
            each += [*(inner.get("codecs") or ()), *(inner.get("index_codecs") or ())]
    return [str(codec.get("id", codec.get("name"))) for codec in each if isinstance(codec, dict)]


def _itemsize(kind: Any) -> int:
    import numpy as np

    try:
        return int(np.dtype(kind).itemsize) if isinstance(kind, str) else 8
    except TypeError:  # zarr's own words, for texts
        return 8
