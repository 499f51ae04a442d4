"""A cohort table and all it names, as sections."""

from __future__ import annotations

from pathlib import Path

from ..errors import SettingsError
from .section import Section


def load_cohort(csv: Path | str) -> list[Section]:
    """Read a cohort table and the spots of every section in it.

    Parameters
    ----------
    csv
        Table with the columns section, patient, slide, spots and, for legacy ST, counts; paths
        are relative to it; a column um_per_px may give the scale of slides that do not state it.

    Raises
    ------
    SettingsError
        Naming the first row that is wrong, why, and how many more there are.
    """
    from .checks import check_cohort

    checked = check_cohort(csv)
    if checked.errors:
        first, number = checked.errors[0], len(checked.errors)
        where = f"{csv}, line {first.line} (section {first.section}): " if first.line else ""
        hint = f" One of {number} problems; napari-mclstexp check {csv} lists all."
        raise SettingsError(f"{where}{first.what}{hint if number > 1 else ''}")
    return list(checked.sections)
