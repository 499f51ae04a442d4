"""Where a reference spot of a model is, if its section is among the open slides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..spots.schema import SpotMetadata, positions

if TYPE_CHECKING:
    from .open_slide import OpenSlide
    from .session import Session


def find_spot(
    session: Session, section: str, barcode: str
) -> tuple[OpenSlide, tuple[float, float]] | None:
    """Return the open slide that has a spot of a section, and its (x, y) in level-0 px.

    A bank says only what its sections were called: an open slide is one if it has a spot of that
    name, and its file, the folder of that, or the file of its spots begins with the section's name.

    Parameters
    ----------
    section, barcode
        As the bank of the model has them.

    Returns
    -------
    None where no such slide is open.
    """
    for opened in session.open_slides:
        if opened.spots is None or barcode not in opened.spots.obs_names:
            continue
        if any(name.casefold().startswith(section.casefold()) for name in _names(opened)):
            x, y = positions(opened.spots)[opened.spots.obs_names.get_loc(barcode)]
            return opened, (float(x), float(y))
    return None


def _names(opened: OpenSlide) -> list[str]:
    from pathlib import Path

    source = SpotMetadata.read(opened.spots).source if opened.spots is not None else None
    paths = [opened.slide.path if opened.slide is not None else None, source and Path(source)]
    return [name for path in paths if path for name in (path.name, path.parent.name)]
