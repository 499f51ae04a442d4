"""What was made of a slide since it was last saved, kept so that a crash loses next to nothing.

Each slide has a folder of its own, written as a session of that slide alone.
"""

from __future__ import annotations

import shutil
import threading
import uuid
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import OutputError, UserError
from ..spots.schema import GRID, SpotMetadata
from .read_session import read_session
from .saved_session import SavedSession, SavedSlide
from .write_session import write_session

if TYPE_CHECKING:
    from anndata import AnnData

    from .annotations import Annotations
    from .write_session import Stored


@dataclass(frozen=True, eq=False)
class Kept:
    """Work of an earlier, unsaved session on a slide.

    Attributes
    ----------
    path
        Where it is kept.
    when
        The last change, local time.
    slide
        The slide with what was made of it.
    """

    path: Path
    when: datetime
    slide: SavedSlide

    @property
    def annotations(self) -> Annotations:
        """Regions, domains, signatures, notes and a comparison."""
        return self.slide.annotations

    @property
    def grid(self) -> AnnData | None:
        """The spots, where they were laid and not loaded."""
        spots = self.slide.spots
        laid = spots is not None and SpotMetadata.read(spots).platform == GRID
        return spots if laid else None

    def fits(self, spots: AnnData | None) -> bool:
        """Whether domains, comparison and prediction are of these spots."""
        kept = self.slide.spots
        if spots is None or kept is None:
            return False
        return spots_checksum(spots) == spots_checksum(kept)

    def for_spots(self, spots: AnnData | None) -> dict[str, Any]:
        """Return the fields of the annotations that fit these spots, for ``Session.edit``."""
        made = self.annotations
        names = ["regions", "signatures", "notes", "landmarks"]
        if self.fits(spots):
            names += ["domains", "comparison"]
        found = {name: getattr(made, name) for name in names}
        return {name: value for name, value in found.items() if value is not None}


class Recovery:
    """Keeps one folder for each slide that this session works on.

    Parameters
    ----------
    folder
        By default ``recovery`` in the user's state folder.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or _default_folder()
        self._own = uuid.uuid4().hex[:8]
        self._stored: dict[str, Stored] = {}
        self._last: dict[str, int] = {}
        # A worker keeps what the window's thread may be about to forget.
        self._lock = threading.Lock()

    def keep(self, fingerprint: str, saved: SavedSession, number: int = 0) -> None:
        """Keep the work on a slide, in place of what this session kept before.

        Parameters
        ----------
        fingerprint
            Of the slide.
        saved
            A session of that slide alone.
        number
            Larger for what is later: an older state never replaces a newer one.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        with self._lock:
            if number < self._last.get(fingerprint, 0):
                return
            self._last[fingerprint] = number
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise OutputError(
                    f"Work cannot be kept in {self._folder} ({error.strerror}); save the session "
                    "often."
                ) from error
            stored = self._stored.setdefault(fingerprint, [])
            write_session(saved, self._path(fingerprint, self._own), stored)

    def find(self, fingerprint: str) -> Kept | None:
        """Return the latest work on a slide that another session left unsaved, or None."""
        found: list[Kept] = []
        for path in self._others(fingerprint):
            try:
                saved = read_session(path)
                when = datetime.fromisoformat(saved.saved).astimezone()
                (slide,) = saved.slides
                found.append(Kept(path, when, slide))
            except (UserError, ValueError):
                continue  # half of something is no work that could be offered
        return max(found, key=lambda kept: kept.when, default=None)

    def forget(self, fingerprint: str, *, own: bool, number: int = 0) -> None:
        """Remove this session's folder of a slide, or those of others.

        Parameters
        ----------
        number
            As of :meth:`keep`: what is older is not kept any more either.
        """
        with self._lock:
            if own:
                self._last[fingerprint] = max(number, self._last.get(fingerprint, 0))
                self._stored.pop(fingerprint, None)
            paths = [self._path(fingerprint, self._own)] if own else self._others(fingerprint)
            for path in paths:
                shutil.rmtree(path, ignore_errors=True)

    def _others(self, fingerprint: str) -> list[Path]:
        own = self._path(fingerprint, self._own)
        found = self._folder.glob(f"{fingerprint[:24]}-*") if self._folder.is_dir() else ()
        return [path for path in found if path != own]

    def _path(self, fingerprint: str, owner: str) -> Path:
        return self._folder / f"{fingerprint[:24]}-{owner}"


def spots_checksum(spots: AnnData) -> str:
    """Return what tells these spots from others: a checksum of their names, in their order."""
    return sha256("\n".join(map(str, spots.obs_names)).encode()).hexdigest()[:24]


def _default_folder() -> Path:
    from platformdirs import user_state_path

    return user_state_path("napari-mclstexp", appauthor=False) / "recovery"
