"""A session as a folder: written so that a crash at any moment leaves the last whole one.

``session.json`` says everything and is replaced in one step; the large files beside it are named
by their checksum, so that a new ``session.json`` never speaks of a file that an old one needs.
"""

from __future__ import annotations

import json
import os
import re
import uuid
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..errors import OutputError, SessionError, UserError
from ..files import atomic_file, is_temporary, sha256, write_h5ad
from .annotations import Annotations
from .annotations_json import annotations_document, annotations_from
from .display import Display
from .history import Steps

if TYPE_CHECKING:
    from anndata import AnnData

    from ..model import Model
    from ..slides import Slide
    from ..spots import Tissue
    from .session import Session

FILE = "session.json"
KIND, VERSION = "napari-mclstexp session", 1
# What this program calls its files there, and nobody else: see `_store`.
STORED = re.compile(r"(spots|prediction)-[0-9a-f]{64}\.h5ad|\.(spots|prediction)\.\d+\.part\.h5ad")


@dataclass(frozen=True, eq=False)
class Saved:
    """A session as it was saved.

    Attributes
    ----------
    folder
        Where it is.
    slide
        Path of the slide when it was saved, or None if there was none.
    slide_fingerprint
        By which the slide is known again, wherever it is now; see ``Slide.fingerprint``.
    um_per_px
        Of the slide, where a person had stated it; else None.
    spots, prediction
        What was loaded and predicted, or None.
    model
        Folder of the chosen model, or None.
    display, work
        How it was shown, and what was made of it.
    saved
        When, as ISO 8601.
    """

    folder: Path
    slide: Path | None
    slide_fingerprint: str
    um_per_px: float | None
    spots: AnnData | None
    prediction: AnnData | None
    model: Path | None
    display: Display
    annotations: Annotations
    saved: str

    def whole(self) -> Saved:
        """Return itself.

        Raises
        ------
        ValueError
            If its parts do not belong to each other.
        """
        n = None if self.spots is None else self.spots.n_obs
        if self.prediction is not None and n != self.prediction.n_obs:
            raise ValueError("the prediction has other spots than the session")
        if self.annotations.domains is not None and n != len(self.annotations.domains.labels):
            raise ValueError("the domains are of other spots than the session's")
        return self

    def find_slide(self) -> Path | None:
        """Return where the slide is: where it was, or beside the session; None if it moved."""
        if self.slide is None:
            return None
        places = (self.slide, self.folder.parent / self.slide.name, self.folder / self.slide.name)
        return next((place for place in places if place.is_file()), None)

    def check(self, slide: Slide) -> None:
        """Raise SessionError if a slide is not the one that the session was saved with."""
        if slide.fingerprint() != self.slide_fingerprint:
            raise SessionError(
                f"{slide.path} is not the slide of the session {self.folder.name} (its checksum "
                f"differs); choose the file that was called {self.slide.name if self.slide else ''}"
                " then."
            )
        if self.spots is not None:
            from ..spots import check_spots

            check_spots(self.spots, slide.width, slide.height)

    def enter(
        self,
        session: Session,
        slide: Slide | None,
        model: Model | None = None,
        tissue: Tissue | None = None,
    ) -> None:
        """Put everything into a session, beside the slides that are open.

        A slide that is open already is closed first, with what was made of it.

        Raises
        ------
        SessionError
            If it is another slide.
        SpotsError
            If the spots do not fit it.
        """
        if slide is not None:  # before anything is closed
            self.check(slide)
        there = session.shown if slide is None else session.open_slide_at(slide.path)
        if there is not None:
            session.close_slide(there)
        if session.slide is None:
            session.clear_spots()
        if slide is not None:
            session.use_slide(slide, tissue)
            if self.um_per_px is not None and slide.um_per_px_source != "file":
                session.set_um_per_px(self.um_per_px)
        if self.spots is not None:
            session.use_spots(self.spots)
        if model is not None:
            session.use_model(model)
        if self.prediction is not None:
            session.take_result(self.prediction)
        session.history.go_on_with(Steps(annotations=self.annotations))
        session.show(**{each.name: getattr(self.display, each.name) for each in fields(Display)})


def save_session(session: Session, folder: Path | str) -> Path:
    """Write everything that is open and shown to a folder; one that is a session is brought up.

    Raises
    ------
    SettingsError, OutputError
        If there is nothing to save, or it cannot be written there.
    """
    return write_snapshot(snapshot(session), Path(folder))


def snapshot(session: Session) -> Saved:
    """Return what :func:`write_snapshot` needs; quick, and on the session's own thread."""
    slide, result, model = session.slide, session.result, session.model
    if slide is None and session.spots is None:
        raise SessionError("Nothing is open, so there is nothing to save.")
    return Saved(
        folder=Path(),
        slide=None if slide is None else slide.path,
        slide_fingerprint="" if slide is None else slide.fingerprint(),
        um_per_px=slide.um_per_px if slide and slide.um_per_px_source == "user" else None,
        spots=session.spots,
        prediction=None if result is None else result.adata,
        model=None if model is None else model.path,
        display=session.display,
        annotations=session.annotations,
        saved=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def write_snapshot(saved: Saved, folder: Path) -> Path:
    """Write a snapshot to a folder; may run in a thread of its own.

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
    files = {}
    for name in ("spots", "prediction"):
        data: AnnData | None = getattr(saved, name)
        if data is not None:
            files[name] = _store(data, folder, name)
    with atomic_file(folder / FILE) as temporary:
        temporary.write_text(json.dumps(_document(saved, files), indent=1), encoding="utf-8")
    _sync(folder)
    kept = {FILE, *files.values()}
    for path in folder.iterdir():  # what an earlier state, or a crash, has left
        if path.name not in kept and _is_ours(path):
            with suppress(OSError):
                path.unlink()
    return folder


def is_session(folder: Path) -> bool:
    """Whether a folder holds a session, or what a crash left of its first save."""
    paths = list(folder.iterdir())
    return (folder / FILE) in paths or all(_is_ours(path) for path in paths)


def _is_ours(path: Path) -> bool:
    return STORED.fullmatch(path.name) is not None or is_temporary(path)


def read_session(folder: Path | str) -> Saved:
    """Read a session, every file of it checked.

    Raises
    ------
    SessionError
        Naming the file that is missing, damaged or of another kind.
    """
    folder = Path(folder)
    if folder.name == FILE:
        folder = folder.parent
    document = read_document(folder / FILE)
    try:
        return Saved(
            folder=folder,
            slide=Path(document["slide"]["path"]) if document["slide"] else None,
            slide_fingerprint=str(document["slide"]["checksum"]) if document["slide"] else "",
            um_per_px=document["slide"]["um_per_px"] if document["slide"] else None,
            spots=_load(folder, document["files"].get("spots")),
            prediction=_load(folder, document["files"].get("prediction")),
            model=Path(document["model"]) if document["model"] else None,
            display=_display(document["display"]),
            annotations=annotations_from(document["work"], str(folder / FILE)),
            saved=str(document["saved"]),
        ).whole()
    except SessionError:
        raise
    except UserError as error:
        raise SessionError(f"{folder / FILE} cannot be used: {error}") from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise SessionError(
            f"{folder / FILE} is not as this version writes it "
            f"({type(error).__name__}: {' '.join(str(error).split())[:200]}); "
            "it was changed by hand, or by a later version."
        ) from error


def read_document(path: Path) -> dict[str, Any]:
    """Return the JSON of a session, or of what autosave kept.

    Raises
    ------
    SessionError
        If it is none.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SessionError(
            f"{path.parent} is no session: {path.name} cannot be read ({error.strerror})."
        ) from error
    except ValueError as error:
        raise SessionError(f"{path} is damaged ({error}).") from error
    if not isinstance(document, dict) or document.get("kind") != KIND:
        raise SessionError(f"{path} is not the file of a session.")
    if document.get("version") != VERSION:
        raise SessionError(
            f"{path} was written as version {document.get('version')}, this program reads "
            f"version {VERSION}; update napari-mclstexp."
        )
    return document


def _document(saved: Saved, files: dict[str, str]) -> dict[str, Any]:
    slide = saved.slide
    return {
        "kind": KIND,
        "version": VERSION,
        "written_by": __version__,
        "saved": saved.saved,
        "slide": None
        if slide is None
        else {
            "path": str(slide),
            "checksum": saved.slide_fingerprint,
            "um_per_px": saved.um_per_px,
        },
        "model": None if saved.model is None else str(saved.model),
        "files": files,
        "display": asdict(saved.display),
        "work": annotations_document(saved.annotations),
    }


def _display(document: dict[str, Any]) -> Display:
    from pydantic import TypeAdapter

    known = {each.name for each in fields(Display)}
    said = {name: value for name, value in document.items() if name in known}
    return TypeAdapter(Display).validate_python(said)


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


def _load(folder: Path, name: str | None) -> AnnData | None:
    if name is None:
        return None
    import warnings

    import anndata

    path = folder / name
    if path.parent != folder or not path.is_file():
        raise SessionError(f"The session {folder} lacks its file {name}; copy the whole folder.")
    if sha256(path) != path.stem.rpartition("-")[2]:
        raise SessionError(f"{path} is damaged (its checksum differs); restore it from a copy.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return anndata.read_h5ad(path)
    except Exception as error:  # h5py and anndata raise what the damage makes them raise
        raise SessionError(f"{path} is no .h5ad file ({type(error).__name__}).") from error


def _sync(folder: Path) -> None:
    with suppress(OSError):  # not every system lets a folder be opened
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
