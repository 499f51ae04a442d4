"""The JSON file that a session's folder, or what autosave keeps, begins with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import SessionError
from ..reading import read_json
from ..reading.folder_checks import check_inside

FILE = "session.json"
KIND, VERSION = "napari-mclstexp session", 2
READABLE = (1, VERSION)


def read_document(path: Path) -> dict[str, Any]:
    """Return the JSON of a session, or of what autosave kept.

    Raises
    ------
    SessionError
        If it is none.
    """
    try:
        document = read_json(path, "the file of a session", SessionError)
    except SessionError as error:
        if path.is_file():
            raise
        raise SessionError(f"{path.parent} is no session: there is no file {path}.") from error
    check_inside(path.parent, path, SessionError)
    if not isinstance(document, dict) or document.get("kind") != KIND:
        raise SessionError(f"{path} is not the file of a session.")
    if document.get("version") not in READABLE:
        raise SessionError(
            f"{path} was written as version {document.get('version')}, this program reads "
            f"versions up to {VERSION}; update napari-mclstexp."
        )
    return document
