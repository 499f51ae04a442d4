"""What is known of a slide's result: whether it stands, what it was made from, how it went.

The record of a result is an attribute of the .h5ad itself, so that one rename brings both: there is
no moment at which a result stands without its record, or a record without its result.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

from .cohort_settings import CohortSettings
from .slide_list import SlideEntry

ATTRIBUTE = "napari-mclstexp-cohort"  # of the root of a result's .h5ad

State = Literal["waiting", "running", "done", "failed", "elsewhere", "stopped"]


@dataclass(frozen=True)
class Stamp:
    """What tells whether a file is still the same.

    A file whose size and time of change are those of the record is taken for the same without being
    read: on a network drive, thousands of slides are looked at in seconds. Where the time differs
    (the file was copied or fetched again), pieces all over its content decide.

    Attributes
    ----------
    size, changed_ns
        Bytes, and when they were changed.
    probe
        Checksum of the size and of pieces all over the file.
    """

    size: int
    changed_ns: int
    probe: str

    @classmethod
    def of(cls, path: Path) -> Self:
        """Return the stamp of a file, or of the files of spots in a folder, as it is now."""
        size, changed = _size_and_time(path)
        return cls(size, changed, _probe(path))

    def fits(self, path: Path) -> bool:
        """Whether a file is still the same."""
        size, changed = _size_and_time(path)
        return size == self.size and (changed == self.changed_ns or _probe(path) == self.probe)


@dataclass(frozen=True)
class MadeFrom:
    """What a result was made from, so that a later run can tell whether it is the one it wants.

    Attributes
    ----------
    model
        Id of the model, which is a checksum of all that decides its values.
    settings
        Digest of the settings, the slide's own scale among them.
    slide, spots, counts
        The files.
    """

    model: str
    settings: str
    slide: Stamp | None
    spots: Stamp | None = None
    counts: Stamp | None = None

    @classmethod
    def now(cls, entry: SlideEntry, model: str, settings: CohortSettings) -> Self:
        """Return what a result would be made from now; a file that is missing is None."""
        stamps = (_stamp(path) for path in (entry.slide, entry.spots, entry.counts))
        return cls(model, _settings_of(entry, settings), *stamps)

    def is_still(self, entry: SlideEntry, model: str, settings: CohortSettings) -> bool:
        """Whether it is what the slide's result would be made from now.

        A file that has been taken away since does not make a result wrong.
        """
        if (self.model, self.settings) != (model, _settings_of(entry, settings)):
            return False
        pairs = (
            (self.slide, entry.slide),
            (self.spots, entry.spots),
            (self.counts, entry.counts),
        )
        for stamp, path in pairs:
            if path is not None and path.exists() and (stamp is None or not stamp.fits(path)):
                return False
        return True


@dataclass(frozen=True)
class SlideState:
    """How it stands with one slide; small, since it is all that a worker sends back.

    Attributes
    ----------
    name
        Of the slide.
    state
        ``"done"``, ``"failed"``, ``"elsewhere"`` (another process has it in hand), ``"stopped"``
        (something that is not the slide's fault ends the run), ``"waiting"`` or ``"running"``.
    seconds
        From opening the slide to the result on disk.
    spots
        How many.
    sentence
        Why it failed.
    facts
        Of quality: see :mod:`.slide_facts`.
    signatures
        Mean score of each published signature that the predicted genes allow.
    host
        The machine that did it.
    """

    name: str
    state: State
    seconds: float | None = None
    spots: int | None = None
    sentence: str = ""
    facts: dict[str, Any] = field(default_factory=dict, hash=False)
    signatures: dict[str, float] = field(default_factory=dict, hash=False)
    host: str = ""


@dataclass(frozen=True)
class SlideRecord:
    """A slide's state, and what it was reached from."""

    made_from: MadeFrom
    state: SlideState
    traceback: str = ""

    def text(self) -> str:
        """Return it as JSON."""
        from pydantic import TypeAdapter

        return TypeAdapter(SlideRecord).dump_json(self).decode()

    @classmethod
    def read(cls, text: str | bytes) -> SlideRecord | None:
        """Return the record of a JSON text, or None if it is none."""
        from pydantic import TypeAdapter

        try:
            return TypeAdapter(SlideRecord).validate_json(text)
        except ValueError:
            return None


def read_record(path: Path) -> SlideRecord | None:
    """Return the record in a result's file, or None where there is no such file or record."""
    import h5py

    try:
        with h5py.File(path) as file:
            return SlideRecord.read(file.attrs.get(ATTRIBUTE, ""))
    except (OSError, TypeError):
        return None


def _settings_of(entry: SlideEntry, settings: CohortSettings) -> str:
    own = "" if entry.um_per_px is None else f" {entry.um_per_px!r}"
    return settings.digest(has_spots=entry.spots is not None) + own


def _stamp(path: Path | None) -> Stamp | None:
    return Stamp.of(path) if path is not None and path.exists() else None


def _files(path: Path) -> list[Path]:
    """Return the files that a path stands for: of a folder, those that spots are read from."""
    if not path.is_dir():
        return [path]
    found = [*path.rglob("spatial/*"), *path.rglob("filtered_*/*"), *path.glob("filtered_*")]
    return sorted({each for each in found if each.is_file()})


def _size_and_time(path: Path) -> tuple[int, int]:
    stats = [each.stat() for each in _files(path)]
    return sum(each.st_size for each in stats), max((each.st_mtime_ns for each in stats), default=0)


def _probe(path: Path) -> str:
    from ..inference.feature_cache import file_probe

    digest = hashlib.sha256()
    for each in _files(path):
        digest.update(file_probe(each).encode())
    return digest.hexdigest()[:32]
