"""npe2 readers: a slide, a Space Ranger folder or an h5ad file dropped on the window.

Where docks are open, their workspace reads the file in the background and napari gets no layers of
its own; else napari gets the layers that a session would draw, to be taken over by docks later.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ...spots.schema import holds_prediction
from ..workspace import workspace_in_use
from .handover import Opened, layer_data, read_opened_prediction

Paths = str | Sequence[str]
LayerData = tuple[Any, ...]
Reader = Callable[[Paths], list[LayerData]]

TAKEN: list[LayerData] = [(None,)]  # npe2's word for "read, but there is nothing to add"


def get_slide_reader(path: Paths) -> Reader | None:
    """Return a reader for a slide; what is no slide says so when it is read."""
    return _read_slide if _one(path) is not None else None


def get_outs_reader(path: Paths) -> Reader | None:
    """Return a reader for a Space Ranger folder, or None for any other folder."""
    folder = _one(path)
    return _read_spots if folder is not None and _is_outs(folder) else None


def get_h5ad_reader(path: Paths) -> Reader | None:
    """Return a reader for an h5ad file, a prediction or measured spots."""
    file = _one(path)
    if file is None or not file.is_file():
        return None
    return _read_prediction if holds_prediction(file) else _read_spots


def _read_slide(path: Paths) -> list[LayerData]:
    from ...slides import open_slide

    workspace = workspace_in_use()
    if workspace is None:
        return layer_data(Opened(slide=open_slide(_path(path))))
    workspace.open_slide(_path(path))
    return TAKEN


def _read_spots(path: Paths) -> list[LayerData]:
    from ...spots.readers.choose import read_spots

    workspace = workspace_in_use()
    if workspace is None:
        return layer_data(Opened(spots=read_spots(_path(path))))
    workspace.load_spots(_path(path))
    return TAKEN


def _read_prediction(path: Paths) -> list[LayerData]:
    workspace = workspace_in_use()
    if workspace is None:
        return layer_data(read_opened_prediction(_path(path)))
    workspace.open_prediction(_path(path))
    return TAKEN


def _is_outs(folder: Path) -> bool:
    places = (folder, folder / "outs", folder.parent)
    return folder.is_dir() and any(
        (place / "spatial").is_dir() and any((place / "spatial").glob("tissue_positions*"))
        for place in places[: 3 if folder.name == "spatial" else 2]
    )


def _one(path: Paths) -> Path | None:
    """Return the path if it is a single one; stacks of slides mean nothing here."""
    if isinstance(path, str):
        return Path(path)
    return Path(path[0]) if len(path) == 1 else None


def _path(path: Paths) -> Path:
    return Path(path if isinstance(path, str) else path[0])
