"""What a person gives to the shelf is recognised by its content, not by its name."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import LibraryError
from ..files import atomic_file, sha256
from .catalogue import Catalogue, CataloguedFile, Entry
from .shelf import Shelf


@dataclass(frozen=True)
class Recognised:
    """Local files that are those of an entry."""

    entry: Entry
    files: dict[str, Path] = field(hash=False)  # by their names in the catalogue


def recognise_weights(path: Path, catalogue: Catalogue) -> Recognised | None:
    """Return which encoder's weights a file is by its checksum, or None."""
    digest = sha256(path)
    for entry in catalogue.entries:
        if entry.kind == "encoder":
            for file in entry.files:
                if digest.startswith(file.checksum):
                    return Recognised(entry, {file.path: path})
    return None


def recognise_dataset(folder: Path, catalogue: Catalogue) -> Recognised:
    """Return which data set a folder holds, whatever its files are called there.

    Raises
    ------
    LibraryError
        If it holds none as a whole; of the one it has most of, a missing file is named.
    """
    there = sorted(path for path in folder.rglob("*") if path.is_file())
    best: tuple[Entry, dict[str, Path], CataloguedFile] | None = None
    for entry in catalogue.entries:
        if entry.kind != "dataset":
            continue
        found = _found(entry.files, there)
        missing = [each for each in entry.files if each.path not in found]
        if not missing:
            return Recognised(entry, found)
        if found and (best is None or len(found) > len(best[1])):
            best = (entry, found, missing[0])
    if best is None:
        names = ", ".join(each.name for each in catalogue.entries if each.kind == "dataset")
        raise LibraryError(
            f"{folder} is no model folder and holds no file of a data set of the catalogue "
            f"({names}); choose another folder."
        )
    entry, found, first = best
    raise LibraryError(
        f"{folder} holds {len(found)} of the {len(entry.files)} files of {entry.name}; "
        f"{first.name} ({first.facts}) is the first that is missing or was changed."
    )


def put(recognised: Recognised, shelf: Shelf) -> Path:
    """Copy files to their places, each whole or not at all.

    Returns
    -------
    Path
        The weights file, or the data set's folder.

    Raises
    ------
    OutputError
        If the shelf cannot be written to.
    """
    entry = recognised.entry
    places = [
        copy_to(path, shelf.folder(entry) / name, shelf) for name, path in recognised.files.items()
    ]
    return places[0] if entry.kind == "encoder" else shelf.folder(entry)


def copy_to(path: Path, place: Path, shelf: Shelf) -> Path:
    """Copy a file to a place on the shelf, and return the place."""
    shelf.make(place.parent)
    if not (place.exists() and place.samefile(path)):
        with atomic_file(place) as temporary:
            shutil.copyfile(path, temporary)
    return place


def _found(files: Iterable[CataloguedFile], there: list[Path]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for file in files:
        # Reading every slide of a large folder would take minutes; its size tells most apart.
        alike = (path for path in there if file.size in (None, path.stat().st_size))
        right = next((path for path in alike if file.matches(path)), None)
        if right is not None:
            found[file.path] = right
    return found
