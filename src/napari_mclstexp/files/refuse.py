"""Outputs that are inputs are refused before anything is read."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from ..errors import OutputError
from .atomic_file import refuse_circle
from .marks import names_in


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
        If they are one file, be it under two names (links of both kinds), or the output is a link
        to itself.
    """
    if output is None:
        return
    output = Path(output)
    refuse_circle(output)
    for what, path in inputs.items():
        if path is not None and Path(path).exists() and _overlap(output, Path(path)):
            raise OutputError(f"{output} would overwrite {what} ({path}); choose another name.")


def lies_in(path: Path, folder: Path) -> bool:
    """Whether a path is a folder or lies in it, links followed."""
    return _real(path).is_relative_to(_real(folder))


def sha256(path: Path | str) -> str:
    """Return the SHA-256 checksum of a file as hexadecimal text."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _overlap(output: Path, path: Path) -> bool:
    if output.exists() and output.samefile(path):
        return True
    real, read = _real(output), _real(path)
    if output.is_dir():
        return read.is_relative_to(real)
    if not path.is_dir() or not output.exists():
        return False
    if real.is_relative_to(read):
        return True
    if output.stat().st_nlink == 1:
        return False
    return any(output.samefile(path / name) for name in names_in(path))


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))  # resolve() has an error of its own for circles of links
