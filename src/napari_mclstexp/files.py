"""Files appear whole or not at all: write to a temporary name beside the target, flush, rename."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import OutputError

if TYPE_CHECKING:
    from anndata import AnnData


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
def atomic_folder(target: Path | str) -> Iterator[Path]:
    """Yield a temporary folder beside `target`; rename it to `target` if the block succeeds.

    Raises
    ------
    OutputError
        If the parent folder is missing or read-only, the disk is full, or `target` is a file.
    """
    target = Path(target)
    if target.is_file():
        raise OutputError(f"{target} is a file; choose the name of a folder.")
    temporary = _temporary_beside(target)
    previous = temporary.with_name(temporary.name + ".old")
    try:
        with _readable_os_errors(target):
            temporary.mkdir()
            yield temporary
            for path in temporary.rglob("*"):
                if path.is_file():
                    _flush(path)
            if target.exists():
                target.replace(previous)
            temporary.replace(target)
    finally:
        if previous.exists() and not target.exists():
            previous.replace(target)
        shutil.rmtree(previous, ignore_errors=True)
        shutil.rmtree(temporary, ignore_errors=True)


def write_h5ad(data: AnnData, path: Path) -> None:
    """Write AnnData as a compressed .h5ad file, by way of memory.

    On a full disk, HDF5 writing by itself fails many times over, and loudly, when its handles are
    closed; bytes fail once, with an OSError that `atomic_file` understands.
    """
    import h5py
    from anndata.io import write_elem

    content = BytesIO()
    with h5py.File(content, "w") as file:
        write_elem(file, "/", data, dataset_kwargs={"compression": "gzip"})
    path.write_bytes(content.getbuffer())


def sha256(path: Path | str) -> str:
    """Return the SHA-256 checksum of a file as hexadecimal text."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            message = f"The disk is full, so {target} could not be written; free some space."
        elif error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
            message = (
                f"{target} cannot be written because its folder is read-only for you; "
                "choose another folder."
            )
        else:
            raise
        raise OutputError(message) from error
