"""A session read from its folder, every file of it checked; older versions too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..anndata_file import read_anndata
from ..errors import SessionError, UserError
from ..files import sha256
from ..reading import guarded
from ..reading.folder_checks import check_inside
from .annotations_json import annotations_from
from .display import Display
from .saved_session import SavedSession, SavedSlide
from .session_json import FILE, read_document
from .steps import Step

if TYPE_CHECKING:
    from anndata import AnnData


def read_session(folder: Path | str) -> SavedSession:
    """Read a session, every file of it checked.

    Raises
    ------
    SessionError
        Naming the file that is missing, damaged or of another kind.
    """
    folder = Path(folder)
    if folder.name == FILE:
        folder = folder.parent
    document = _as_now(read_document(folder / FILE))
    with guarded(folder / FILE, "the file of a session", SessionError), _as_written(folder / FILE):
        return SavedSession(
            folder=folder,
            slides=tuple(_slide(folder, each) for each in document["slides"]),
            shown=int(document["shown"]),
            model=Path(document["model"]) if document["model"] else None,
            display=_display(document["display"]),
            saved=str(document["saved"]),
        ).whole()


@contextmanager
def _as_written(path: Path) -> Iterator[None]:
    try:
        yield
    except SessionError:
        raise
    except UserError as error:
        raise SessionError(f"{path} cannot be used: {error}") from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise SessionError(
            f"{path} is not as this version writes it "
            f"({type(error).__name__}: {' '.join(str(error).split())[:200]}); "
            "it was changed by hand, or by a later version."
        ) from error


def slides_in(folder: Path) -> dict[str, str]:
    """Return the slides of a session's folder: the name of each by its checksum.

    Raises
    ------
    SessionError
        If the folder is no session.
    """
    found = [each["slide"] for each in _as_now(read_document(folder / FILE))["slides"]]
    return {str(each["checksum"]): Path(each["path"]).name for each in found if each}


def _as_now(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document as version 2 has it; in version 1 it was itself the only slide's."""
    return document if document["version"] > 1 else {**document, "slides": [document], "shown": 0}


def _slide(folder: Path, document: dict[str, Any]) -> SavedSlide:
    slide = document["slide"]
    spots = _load(folder, document["files"].get("spots"))
    return SavedSlide(
        path=Path(slide["path"]) if slide else None,
        fingerprint=str(slide["checksum"]) if slide else "",
        um_per_px=slide["um_per_px"] if slide else None,
        spots=spots,
        prediction=_load(folder, document["files"].get("prediction")),
        annotations=annotations_from(document["work"], str(folder / FILE)),
        steps=tuple(Step.read(each) for each in document.get("steps", ())),
        similar={
            str(name): _of_spots(values, spots)
            for name, values in document.get("similar", {}).items()
        },
    )


def _of_spots(values: list[float], spots: AnnData | None) -> NDArray[np.float32]:
    found = np.asarray(values, dtype=np.float32)
    if spots is None or found.shape != (spots.n_obs,):
        raise ValueError("a map of similar places has not one value for each spot")
    return found


def _display(document: dict[str, Any]) -> Display:
    from pydantic import TypeAdapter

    known = {each.name for each in fields(Display)}
    said = {name: value for name, value in document.items() if name in known}
    return TypeAdapter(Display).validate_python(said)


def _load(folder: Path, name: str | None) -> AnnData | None:
    if name is None:
        return None
    path = folder / name
    if path.parent != folder or not path.is_file():
        raise SessionError(f"The session {folder} lacks its file {name}; copy the whole folder.")
    check_inside(folder, path, SessionError)
    if sha256(path) != path.stem.rpartition("-")[2]:
        raise SessionError(f"{path} is damaged (its checksum differs); restore it from a copy.")
    return read_anndata(path, SessionError)
