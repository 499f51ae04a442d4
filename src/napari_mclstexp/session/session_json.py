"""The JSON file that a session's folder, or what autosave keeps, begins with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..errors import SessionError

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
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SessionError(
            f"{path.parent} is no session: {path.name} cannot be read ({error.strerror})."
        ) from error
    except ValueError as error:
        raise SessionError(f"{path} is damaged ({error}).") from error
    if not isinstance(document, dict) or document.get("kind") != KIND:
        raise SessionError(f"{path} is not the file of a session.")
    if document.get("version") not in READABLE:
        raise SessionError(
            f"{path} was written as version {document.get('version')}, this program reads "
            f"versions up to {VERSION}; update napari-mclstexp."
        )
    return document
