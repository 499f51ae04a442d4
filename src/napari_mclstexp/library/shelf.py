"""The shelf: the folder of this machine in which weights, data sets and models are kept.

It lies in the user's data folder; the environment variable NAPARI_MCLSTEXP_DATA names another one,
for instance one that a whole department shares.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import OutputError
from .catalogue import Catalogue, CataloguedFile, Entry

VARIABLE = "NAPARI_MCLSTEXP_DATA"
WEIGHTS = (".safetensors", ".pth", ".pt")  # what holds an encoder's weights


@dataclass(frozen=True)
class Held:
    """What of an entry is on this machine.

    Attributes
    ----------
    here
        Where its files are, by their names in the catalogue; only those with the right checksum.
    lacking
        The files that are not there.
    damaged
        Files that stand in its place but are something else, by their checksum.
    complete
        Whether it can be used.
    """

    here: dict[str, Path] = field(hash=False)
    lacking: tuple[CataloguedFile, ...]
    damaged: tuple[Path, ...]
    complete: bool

    @property
    def state(self) -> str:
        """The same in two words."""
        if self.complete:
            return "here"
        if self.damaged:
            return "damaged"
        return "in part" if self.here else "not here"


@dataclass(frozen=True)
class ShelvedModel:
    """A model folder on the shelf: its own name, and how many genes it predicts."""

    path: Path
    name: str
    n_genes: int


@dataclass(frozen=True)
class Shelf:
    """Where things are kept.

    Attributes
    ----------
    root
        The folder.
    elsewhere
        Folders that encoder weights are looked for in too, but never written to.
    """

    root: Path
    elsewhere: tuple[Path, ...] = ()

    @property
    def weights(self) -> Path:
        """Folder of encoder weights."""
        return self.root / "weights"

    @property
    def datasets(self) -> Path:
        """Folder of data sets, each a folder."""
        return self.root / "datasets"

    @property
    def models(self) -> Path:
        """Folder of models, each a folder."""
        return self.root / "models"

    @property
    def downloads(self) -> Path:
        """Folder of what has not arrived as a whole."""
        return self.root / "downloads"

    @property
    def cohorts(self) -> Path:
        """Folder of the tables that models of public data were learned from."""
        return self.root / "cohorts"

    def folder(self, entry: Entry) -> Path:
        """Return the folder of an entry's files."""
        return self.weights if entry.kind == "encoder" else self.datasets / entry.name

    def place(self, entry: Entry, file: CataloguedFile) -> Path:
        """Return where a file of an entry stands, or would."""
        return self.folder(entry) / file.path

    def held(self, entry: Entry) -> Held:
        """Look what of an entry is here; every file is checked by its checksum."""
        here: dict[str, Path] = {}
        lacking, damaged = [], []
        more = self.elsewhere if entry.kind == "encoder" else ()
        for file in entry.files:
            places = (self.place(entry, file), *(folder / file.path for folder in more))
            there = [path for path in places if path.is_file()]
            right = next((path for path in there if file.matches(path)), None)
            if right is not None:
                here[file.path] = right
                continue
            lacking.append(file)
            damaged += there[:1]
        complete = bool(here) if entry.kind == "encoder" else not lacking
        return Held(here, tuple(lacking), tuple(damaged), complete)

    def find_weights(self, encoder: str, catalogue: Catalogue) -> Path | None:
        """Return the file with an encoder's weights, or None.

        Parameters
        ----------
        encoder
            As of the option ``--encoder``: ``"densenet121"`` or ``"timm:<name>"``.
        catalogue
            Says what such files are called; one called like the encoder is found as well.
        """
        entry = catalogue.get("encoder", encoder)
        listed = [] if entry is None else [each.path for each in entry.files]
        own = [f"{plain_name(encoder)}{ending}" for ending in WEIGHTS]
        places = [folder / name for name in (*listed, *own)
                  for folder in (self.weights, *self.elsewhere)]  # fmt: skip
        return next((path for path in places if path.is_file()), None)

    def shelved_models(self) -> tuple[ShelvedModel, ...]:
        """Return the models, the latest first, without verifying them."""
        found = [_model(path) for path in self.models.glob("*/config.json")]
        there = (each for each in found if each is not None)
        return tuple(sorted(there, key=lambda each: -each.path.stat().st_mtime))

    def make(self, folder: Path) -> Path:
        """Make a folder of the shelf if it is not there, and return it.

        Raises
        ------
        OutputError
            If it cannot be made.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"The folder {folder} cannot be made ({error.strerror}); name another place for "
                f"weights, data and models by the environment variable {VARIABLE}."
            ) from error
        return folder


def user_shelf() -> Shelf:
    """Return the user's shelf, or the one that NAPARI_MCLSTEXP_DATA names."""
    from platformdirs import user_data_path

    named = os.environ.get(VARIABLE)
    root = Path(named) if named else user_data_path("napari-mclstexp", appauthor=False)
    return Shelf(root.expanduser().absolute(), (_torch_checkpoints(),))


def plain_name(encoder: str) -> str:
    """Return an encoder's name as it can stand in a file's."""
    return encoder.removeprefix("timm:").replace("/", "_").replace(":", "_")


def _torch_checkpoints() -> Path:
    """Return where torch keeps what was downloaded for it, without loading torch."""
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    home = os.environ.get("TORCH_HOME") or f"{cache}/torch"
    return Path(home).expanduser() / "hub" / "checkpoints"


def _model(config: Path) -> ShelvedModel | None:
    try:
        said = json.loads(config.read_text(encoding="utf-8"))
        return ShelvedModel(config.parent, str(said["name"]), len(said["genes"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
