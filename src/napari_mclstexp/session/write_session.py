"""A session written to its folder, so that a crash at any moment leaves the last whole one.

``session.json`` says everything and is replaced in one step; the large files beside it are named
by their checksum, so that a new ``session.json`` never speaks of a file that an old one needs.
"""

from __future__ import annotations

import json
import os
import re
import uuid
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..anndata_file import write_h5ad
from ..errors import OutputError
from ..files import atomic_file, is_temporary, only_one, sha256
from .annotations_json import annotations_document
from .saved_session import SavedSession, SavedSlide, snapshot
from .session_json import FILE, KIND, VERSION

if TYPE_CHECKING:
    from anndata import AnnData

    from .session import Session

PATIENCE_S = 30.0  # for another process that saves the same folder
# What this program calls its files there, and nobody else: see `_store`.
Stored = list[tuple["AnnData", str]]
STORED = re.compile(
    r"(spots|prediction)-[0-9a-f]{64}\.h5ad|\.(spots|prediction)\.[0-9a-f]+\.part\.h5ad"
)


def save_session(session: Session, folder: Path | str) -> Path:
    """Write all open slides to a folder; one that is a session already is replaced.

    Raises
    ------
    SessionError, OutputError
        If there is nothing to save, or it cannot be written there.
    """
    return write_session(snapshot(session), Path(folder))


def write_session(saved: SavedSession, folder: Path, stored: Stored | None = None) -> Path:
    """Write a snapshot to a folder; may run in a thread of its own.

    Parameters
    ----------
    stored
        Large data that the folder has already, each with its file's name: not written again. It
        is brought up to date.

    Raises
    ------
    OutputError
        If it cannot be written there, or the folder holds other things.
    """
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir()) and not is_session(folder)):
        raise OutputError(f"{folder} holds something else; choose a new folder, or a session's.")
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"The session {folder} cannot be written ({error.strerror}); choose another place."
        ) from error
    with only_one(folder, "another window", wait_s=PATIENCE_S):
        _write(saved, folder, [] if stored is None else stored)
    return folder


def _write(saved: SavedSession, folder: Path, stored: Stored) -> None:
    files = [_store_all(each, folder, stored) for each in saved.slides]
    with atomic_file(folder / FILE) as temporary:
        temporary.write_text(json.dumps(_document(saved, files), indent=1), encoding="utf-8")
    kept = {FILE, *(name for each in files for name in each.values())}
    stored[:] = [(data, name) for data, name in stored if name in kept]
    for path in folder.iterdir():  # what an earlier state, or a crash, has left
        if path.name not in kept and _is_ours(path):
            with suppress(OSError):
                path.unlink()


def is_session(folder: Path) -> bool:
    """Whether a folder holds a session, or what a crash left of its first save."""
    paths = list(folder.iterdir())
    return (folder / FILE) in paths or all(_is_ours(path) for path in paths)


def _is_ours(path: Path) -> bool:
    return STORED.fullmatch(path.name) is not None or is_temporary(path)


def _document(saved: SavedSession, files: list[dict[str, str]]) -> dict[str, Any]:
    return {
        "kind": KIND,
        "version": VERSION,
        "written_by": __version__,
        "saved": saved.saved,
        "model": None if saved.model is None else str(saved.model),
        "display": asdict(saved.display),
        "shown": saved.shown,
        "slides": [_slide(*each) for each in zip(saved.slides, files, strict=True)],
    }


def _slide(saved: SavedSlide, files: dict[str, str]) -> dict[str, Any]:
    slide = {
        "path": str(saved.path),
        "checksum": saved.fingerprint,
        "um_per_px": saved.um_per_px,
    }
    return {
        "slide": None if saved.path is None else slide,
        "files": files,
        "work": annotations_document(saved.annotations),
        "steps": [each.document() for each in saved.steps],
        "similar": {name: each.round(4).tolist() for name, each in saved.similar.items()},
    }


def _store_all(saved: SavedSlide, folder: Path, stored: Stored) -> dict[str, str]:
    """Write the large data of a slide; return the name of each file."""
    both = {"spots": saved.spots, "prediction": saved.prediction}
    files = {}
    for name, data in both.items():
        if data is not None:
            there = (file for known, file in stored if known is data and (folder / file).is_file())
            files[name] = next(there, None) or _store(data, folder, name)
            stored.append((data, files[name]))
    return files


def _store(data: AnnData, folder: Path, name: str) -> str:
    """Write data under a name that says its checksum; return the name."""
    part = folder / f".{name}.{uuid.uuid4().hex[:8]}.part.h5ad"
    try:
        write_h5ad(data, part)
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        final = f"{name}-{sha256(part)}.h5ad"
        part.replace(folder / final)
    except OSError as error:
        raise OutputError(
            f"The session {folder} cannot be written ({error.strerror}); free space, or choose "
            "another folder."
        ) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    return final
