"""The classes of regions that a person's new sessions begin with, kept in a small file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from ..analysis.region_classes import BUILT_IN, RegionClass, checked_classes
from ..errors import OutputError, UserError
from ..files import atomic_file


class ClassDefaults:
    """Reads and writes them.

    Parameters
    ----------
    file
        By default ``region_classes.json`` in the user's configuration folder.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = file or _file()

    def classes(self) -> tuple[RegionClass, ...]:
        """Return them; the built-in ones where the file is missing or unreadable."""
        try:
            stored = json.loads(self._file.read_text(encoding="utf-8"))
            return checked_classes([_class(each) for each in stored])
        except (OSError, ValueError, TypeError, KeyError, UserError):
            return BUILT_IN

    def keep(self, classes: Sequence[RegionClass]) -> None:
        """Have new sessions begin with these.

        Raises
        ------
        OutputError
            If the file cannot be written.
        """
        stored = [{"name": each.name, "colour": list(each.colour)} for each in classes]
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"The classes cannot be kept for new sessions in {self._file.parent} "
                f"({error.strerror}); they hold in this one."
            ) from error
        with atomic_file(self._file) as temporary:
            temporary.write_text(json.dumps(stored, indent=1), encoding="utf-8")


def _class(stored: dict[str, object]) -> RegionClass:
    red, green, blue = (int(each) for each in stored["colour"])  # type: ignore[attr-defined]
    if not all(0 <= each <= 255 for each in (red, green, blue)):
        raise ValueError("no colour")
    return RegionClass(str(stored["name"]), (red, green, blue))


def _file() -> Path:
    from platformdirs import user_config_path

    return user_config_path("napari-mclstexp", appauthor=False) / "region_classes.json"
