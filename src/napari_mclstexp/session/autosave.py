"""What was made of a slide since it was last saved, kept so that a crash loses next to nothing."""

from __future__ import annotations

import json
import uuid
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import OutputError, UserError
from ..files import atomic_file
from .annotations import Annotations
from .annotations_json import annotations_document, annotations_from
from .session_json import KIND, VERSION, read_document

if TYPE_CHECKING:
    from anndata import AnnData


@dataclass(frozen=True, eq=False)
class Kept:
    """Work of an earlier, unsaved session on a slide.

    Attributes
    ----------
    path
        Where it is kept.
    when
        The last change, local time.
    work
        What was made; its domains fit the spots with the checksum `spots` only.
    """

    path: Path
    when: datetime
    annotations: Annotations
    spots: str

    def for_spots(self, spots: AnnData | None) -> dict[str, Any]:
        """Return the fields of the work that fit what is loaded, for ``Session.edit``."""
        fits = spots is not None and spots_checksum(spots) == self.spots
        domains = (
            {"domains": self.annotations.domains}
            if fits and self.annotations.domains is not None
            else {}
        )
        return {
            "regions": self.annotations.regions,
            "signatures": self.annotations.signatures,
            "notes": self.annotations.notes,
            **domains,
        }


class Recovery:
    """Keeps one file for each slide that this session works on.

    Parameters
    ----------
    folder
        By default ``recovery`` in the user's state folder.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or _default_folder()
        self._own = uuid.uuid4().hex[:8]

    def keep(self, fingerprint: str, annotations: Annotations, spots: AnnData | None) -> None:
        """Keep the work on a slide, in place of what this session kept before.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        document = {
            "kind": KIND,
            "version": VERSION,
            "when": datetime.now(UTC).isoformat(timespec="seconds"),
            "spots": "" if spots is None else spots_checksum(spots),
            "work": annotations_document(annotations),
        }
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"Work cannot be kept in {self._folder} ({error.strerror}); save the session often."
            ) from error
        with atomic_file(self._path(fingerprint, self._own)) as temporary:
            temporary.write_text(json.dumps(document), encoding="utf-8")

    def find(self, fingerprint: str) -> Kept | None:
        """Return the latest work on a slide that another session left unsaved, or None."""
        found: list[Kept] = []
        for path in self._others(fingerprint):
            try:
                document = read_document(path)
                annotations = annotations_from(document["work"], str(path))
                when = datetime.fromisoformat(document["when"]).astimezone()
                found.append(Kept(path, when, annotations, str(document["spots"])))
            except (UserError, KeyError, TypeError, ValueError, AttributeError):
                continue  # half of something is no work that could be offered
        return max(
            (k for k in found if not k.annotations.empty), key=lambda k: k.when, default=None
        )

    def forget(self, fingerprint: str, *, own: bool) -> None:
        """Remove this session's file of a slide, or those of others."""
        paths = [self._path(fingerprint, self._own)] if own else self._others(fingerprint)
        for path in paths:
            with suppress(OSError):
                path.unlink(missing_ok=True)

    def _others(self, fingerprint: str) -> list[Path]:
        own = self._path(fingerprint, self._own)
        found = self._folder.glob(f"{fingerprint[:24]}-*.json") if self._folder.is_dir() else ()
        return [path for path in found if path != own]

    def _path(self, fingerprint: str, owner: str) -> Path:
        return self._folder / f"{fingerprint[:24]}-{owner}.json"


def spots_checksum(spots: AnnData) -> str:
    """Return what tells these spots from others: a checksum of their names, in their order."""
    return sha256("\n".join(map(str, spots.obs_names)).encode()).hexdigest()[:24]


def _default_folder() -> Path:
    from platformdirs import user_state_path

    return user_state_path("napari-mclstexp", appauthor=False) / "recovery"
