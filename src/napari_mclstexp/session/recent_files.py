"""Folders used lately, models and sessions, remembered in small files of the user's."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from ..errors import OutputError
from ..files import atomic_file

_KEPT = 8


class RecentFolders:
    """Folders of one kind, the latest first.

    Parameters
    ----------
    file
        Where the list is kept. One that is missing or unreadable is an empty one.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def paths(self) -> tuple[Path, ...]:
        """Return the folders that still exist, the latest first."""
        try:
            stored = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return ()
        if not isinstance(stored, list):
            return ()
        paths = (Path(entry) for entry in stored if isinstance(entry, str))
        return tuple(path for path in paths if path.is_dir())

    def add(self, folder: Path | str) -> None:
        """Put a folder first. A list that cannot be written is not worth an interruption."""
        folder = Path(folder).resolve()
        paths = [folder, *(path for path in self.paths() if path != folder)][:_KEPT]
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with atomic_file(self._file) as temporary:
                temporary.write_text(json.dumps([str(path) for path in paths]), encoding="utf-8")
        except (OSError, OutputError):
            return


class Favourites:
    """Genes that the person marked, remembered in a small file.

    Parameters
    ----------
    file
        By default ``favourite_genes.json`` in the user's configuration folder.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = file or _config() / "favourite_genes.json"

    def genes(self) -> frozenset[str]:
        """Return the marked genes; none where the list is missing or unreadable."""
        try:
            stored = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return frozenset()
        return frozenset(map(str, stored)) if isinstance(stored, list) else frozenset()

    def toggle(self, gene: str) -> frozenset[str]:
        """Mark a gene, or mark it no longer; return the marked genes."""
        genes = self.genes() ^ {gene}
        with suppress(OSError, OutputError):  # not worth an interruption
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with atomic_file(self._file) as temporary:
                temporary.write_text(json.dumps(sorted(genes)), encoding="utf-8")
        return genes


def recent_models() -> RecentFolders:
    """Return the models used lately."""
    return RecentFolders(_config() / "recent_models.json")


def recent_sessions() -> RecentFolders:
    """Return the sessions saved or opened lately."""
    return RecentFolders(_config() / "recent_sessions.json")


def _config() -> Path:
    from platformdirs import user_config_path

    return user_config_path("napari-mclstexp", appauthor=False)
