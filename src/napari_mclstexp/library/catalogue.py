"""The catalogue: which weights and data sets have a name, whence they come, and their checksums.

It is a file of the package, `catalogue.json`. Another one, for instance of a hospital that keeps
copies inside its own network, is named by the environment variable NAPARI_MCLSTEXP_CATALOGUE.
"""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ..errors import LibraryError
from ..files import sha256

VARIABLE = "NAPARI_MCLSTEXP_CATALOGUE"
PACKAGED = Path(__file__).with_name("catalogue.json")

Digits = Annotated[str, Field(pattern=r"^[0-9a-f]+$")]


class CataloguedFile(BaseModel):
    """A file that has a place on the shelf.

    Attributes
    ----------
    path
        Its name on the shelf, within the folder of its entry, with forward slashes.
    size, about
        In bytes: exactly, or roughly where the exact size is not known.
    sha256, sha256_prefix
        Its checksum as 64 hexadecimal digits; or only the first of them, as torchvision and timm
        have them in their files' names.
    url
        Where it can be fetched; "" if it only can be added from a local file.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    size: int | None = Field(None, ge=0)
    about: int | None = Field(None, ge=0)
    sha256: Annotated[Digits, Field(min_length=64, max_length=64)] | None = None
    sha256_prefix: Annotated[Digits, Field(min_length=8, max_length=63)] | None = None
    url: Annotated[str, Field(pattern=r"^(https?://.+)?$")] = ""

    @model_validator(mode="after")
    def _can_be_checked_and_stays_on_the_shelf(self) -> Self:
        if (self.sha256 is None) == (self.sha256_prefix is None):
            raise ValueError("give either sha256 or sha256_prefix")
        path = PurePosixPath(self.path)
        if not path.name or path.is_absolute() or ".." in path.parts or "\\" in self.path:
            raise ValueError("path must be a name within the entry's folder")
        return self

    @property
    def name(self) -> str:
        """The file's name without its folders."""
        return PurePosixPath(self.path).name

    @property
    def checksum(self) -> str:
        """The digits that its SHA-256 checksum must begin with, all 64 if they are known."""
        return self.sha256 or self.sha256_prefix or ""

    @property
    def bytes(self) -> int:
        """Its size, roughly if it is not known exactly; 0 if nothing is known."""
        return self.size if self.size is not None else self.about or 0

    @property
    def facts(self) -> str:
        """Size and checksum in words, to recognise the file by."""
        known = "" if self.size is None else f"{self.size:,} bytes, "
        begins = "" if self.sha256 else "beginning with "
        return f"{known}SHA-256 {begins}{self.checksum}"

    def matches(self, path: Path) -> bool:
        """Whether a local file is this one, by size and checksum."""
        if not path.is_file() or self.size not in (None, path.stat().st_size):
            return False
        return sha256(path).startswith(self.checksum)


class Entry(BaseModel):
    """Something that can be had by name.

    Attributes
    ----------
    kind
        An encoder's weights, of which any one of the files is enough; or a data set, which is all
        of its files.
    name
        What a person calls it; an encoder's is that of the option ``--encoder``.
    title, source, licence
        What it is, who offers it, and on which terms.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["encoder", "dataset"]
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9:._-]*$")]
    title: str
    source: str
    licence: str
    files: Annotated[tuple[CataloguedFile, ...], Field(min_length=1)]

    @property
    def wanted(self) -> tuple[CataloguedFile, ...]:
        """The files that a fetch brings; none if it cannot be fetched."""
        offered = tuple(each for each in self.files if each.url)
        if self.kind == "encoder":
            return offered[:1]
        return offered if len(offered) == len(self.files) else ()

    @property
    def bytes(self) -> int:
        """What a fetch brings, or the first of several equal files."""
        return sum(each.bytes for each in self.wanted or self.files[:1])


class Catalogue(BaseModel):
    """All entries, each name once."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1]
    entries: tuple[Entry, ...]

    @model_validator(mode="after")
    def _names_are_told_apart(self) -> Self:
        names = [each.name for each in self.entries]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"{twice[0]} stands there twice")
        return self

    def find(self, name: str) -> Entry:
        """Return the entry of a name.

        Raises
        ------
        LibraryError
            If there is none; it lists the names.
        """
        for each in self.entries:
            if each.name == name:
                return each
        names = ", ".join(each.name for each in self.entries)
        raise LibraryError(f"Nothing is called {name!r} in the catalogue; there are {names}.")

    def get(self, kind: Literal["encoder", "dataset"], name: str) -> Entry | None:
        """Return the entry of an encoder or a data set, or None."""
        found = (each for each in self.entries if (each.kind, each.name) == (kind, name))
        return next(found, None)


def read_catalogue() -> Catalogue:
    """Read the packaged catalogue, or the one that NAPARI_MCLSTEXP_CATALOGUE names.

    Raises
    ------
    LibraryError
        If it is missing or says something that cannot be used.
    """
    path = Path(os.environ.get(VARIABLE) or PACKAGED)
    try:
        return Catalogue.model_validate_json(path.read_bytes())
    except OSError as error:
        raise LibraryError(
            f"The catalogue {path} cannot be read ({error.strerror}); {_mend(path)}"
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise LibraryError(
            f"The catalogue {path} cannot be used ({where or 'as a whole'}: {first['msg']}); "
            f"{_mend(path)}"
        ) from error


def _mend(path: Path) -> str:
    if path == PACKAGED:
        return "install napari-mclstexp again."
    return f"correct it, or unset {VARIABLE}."
