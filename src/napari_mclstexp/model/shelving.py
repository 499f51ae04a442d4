"""Putting on the shelf what a person has as files: a model, an encoder's weights, a data set."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..errors import LibraryError
from ..files import MARKER, atomic_folder, sha256
from ..library.catalogue import Catalogue
from ..library.recognise import copy_to, put, recognise_dataset, recognise_weights
from ..library.shelf import WEIGHTS, Shelf, plain_name


@dataclass(frozen=True)
class Shelved:
    """What was put on the shelf, what it is called there, and where it is."""

    kind: Literal["model", "encoder", "dataset"]
    name: str
    path: Path


def add_to_shelf(
    path: Path, shelf: Shelf, catalogue: Catalogue, name: str | None = None
) -> Shelved:
    """Copy a model folder, a weights file or the folder of a data set to the shelf.

    Parameters
    ----------
    path
        The file or folder; it stays as it is.
    shelf, catalogue
        Where it goes, and what is known by its checksum.
    name
        For weights that the catalogue does not know: of which encoder (``"densenet121"``,
        ``"timm:<name>"``). For a model: its name on the shelf; the folder's own by default.

    Raises
    ------
    LibraryError
        If it is nothing of these, or another model has its name.
    ModelError
        If the model is damaged, or the file does not hold the weights of that encoder.
    OutputError
        If the shelf cannot be written to.
    """
    if path.is_dir():
        if (path / "config.json").is_file():
            return _add_model(path, shelf, name or path.resolve().name)
        found = recognise_dataset(path, catalogue)
        return Shelved("dataset", found.entry.name, put(found, shelf))
    if not path.is_file():
        raise LibraryError(f"There is no file or folder {path}; check the path.")
    known = recognise_weights(path, catalogue)
    if known is not None:
        return Shelved("encoder", known.entry.name, put(known, shelf))
    if name is None:
        raise LibraryError(
            f"{path} is none of the files of the catalogue (SHA-256 {sha256(path)}); if it holds "
            "an encoder's weights, say of which one: --as densenet121, or --as timm:NAME."
        )
    return _add_weights(path, shelf, name)


def _add_weights(path: Path, shelf: Shelf, encoder: str) -> Shelved:
    from .backbones import build_backbone, load_backbone_weights

    if path.suffix not in WEIGHTS:
        raise LibraryError(
            f"{path} does not end as files of weights do ({', '.join(WEIGHTS)}); give such a file."
        )
    load_backbone_weights(build_backbone(encoder)[0], path)
    place = shelf.weights / f"{plain_name(encoder)}{path.suffix}"
    return Shelved("encoder", encoder, copy_to(path, place, shelf))


def _add_model(folder: Path, shelf: Shelf, name: str) -> Shelved:
    from .folder import CHECKSUMS, KIND, verify_folder

    verify_folder(folder)
    if not re.fullmatch(r"[^\W_][\w .()+-]*", name):
        raise LibraryError(f"{name!r} cannot be the name of a folder; give another one with --as.")
    place = shelf.models / name
    if (place / CHECKSUMS).is_file():
        if (place / CHECKSUMS).read_bytes() == (folder / CHECKSUMS).read_bytes():
            verify_folder(place)
            return Shelved("model", name, place)
        raise LibraryError(f"Another model {name} is on the shelf; give this one a name with --as.")
    shelf.make(shelf.models)
    with atomic_folder(place, KIND) as temporary:
        ignored = shutil.ignore_patterns(MARKER)  # a copy gets its own
        shutil.copytree(folder, temporary, ignore=ignored, dirs_exist_ok=True)
        verify_folder(temporary)
    return Shelved("model", name, place)
