"""The cohort table as written: its columns, and its rows as text."""

from __future__ import annotations

import csv
import difflib
import io
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ..errors import SettingsError
from ..files import atomic_file, refuse_overwriting

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("section", "patient", "slide", "spots")
OPTIONAL = ("counts", "um_per_px")


@dataclass(frozen=True)
class Problem:
    """Something wrong with a cohort.

    Attributes
    ----------
    line
        Of the table, counting its header as 1; None where it is the whole table's.
    section, column
        Which section, and which column; "" where it is not a single one's.
    what
        A sentence: what is wrong, and what to do.
    severity
        Whether it can be trained on regardless.
    """

    line: int | None
    section: str
    column: str
    what: str
    severity: Literal["error", "warning"] = "error"


def read_cohort_table(csv: Path) -> tuple[pd.DataFrame, list[Problem]]:
    """Read the table as text; it is empty where it cannot be worked with."""
    import pandas as pd

    nothing = pd.DataFrame()
    if not csv.is_file():
        return nothing, [_whole(f"There is no cohort table {csv}; check the path.")]
    try:
        table = pd.read_csv(
            csv, dtype=str, keep_default_na=False, encoding="utf-8-sig", header=None
        )
    except pd.errors.EmptyDataError:
        return nothing, [_whole(f"{csv} is empty; give a header and a row for each section.")]
    except (ValueError, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        return nothing, [_whole(f"{csv} cannot be read as a CSV table ({reason}).")]
    names = [str(each).strip() for each in table.iloc[0]]
    problems = [
        _whole(f"{csv} has the column {name} more than once; keep one of them.", name)
        for name in dict.fromkeys(names)
        if name and names.count(name) > 1
    ]
    for column in COLUMNS:
        if column not in names:
            alike = difflib.get_close_matches(column, [n.lower() for n in names], n=1)
            hint = f"; did you mean {alike[0]}?" if alike else "."
            problems.append(
                _whole(
                    f"{csv} has no column {column}; it needs {', '.join(COLUMNS)} "
                    f"and may have {', '.join(OPTIONAL)}{hint}",
                    column,
                )
            )
    if problems:
        return nothing, problems
    rows = table.iloc[1:].set_axis(names, axis=1).map(str.strip)
    if rows.empty:
        problems.append(_whole(f"{csv} names no sections; give each one a row."))
    return rows, problems


def _whole(what: str, column: str = "") -> Problem:
    return Problem(None, "", column, what)


ROW_COLUMNS = ("section", "patient", "slide", "spots", "counts", "um_per_px")


PATHS = ("slide", "spots", "counts")


@dataclass(frozen=True)
class SectionRow:
    """One row of a cohort table, as a person fills it in; paths as text, "" where empty."""

    section: str = ""
    patient: str = ""
    slide: str = ""
    spots: str = ""
    counts: str = ""
    um_per_px: str = ""


def write_rows(rows: Sequence[SectionRow], path: Path) -> None:
    """Write rows as a cohort table.

    Raises
    ------
    OutputError
        If it cannot be written there, or is one of the files that the rows name.
    """
    for row in rows:
        for what in PATHS:
            named = getattr(row, what)
            files = {f"the {what} of section {row.section}": Path(named) if named else None}
            refuse_overwriting(path, files)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(ROW_COLUMNS)
    writer.writerows([getattr(row, column) for column in ROW_COLUMNS] for row in rows)
    with atomic_file(path) as temporary:
        temporary.write_text(text.getvalue(), encoding="utf-8")


def read_rows(path: Path) -> tuple[SectionRow, ...]:
    """Read the rows of a cohort table, its paths made absolute; further columns are left.

    Raises
    ------
    SettingsError
        If it cannot be read as one.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            found = list(csv.DictReader(file))
    except (OSError, ValueError, csv.Error) as error:
        raise SettingsError(f"{path} cannot be read as a cohort table ({error}).") from error
    if not found or "section" not in found[0]:
        raise SettingsError(
            f"{path} is no cohort table; it needs the columns {', '.join(ROW_COLUMNS)}."
        )

    def absolute(value: str | None) -> str:
        return str((path.parent / value.strip()).resolve()) if value and value.strip() else ""

    return tuple(
        SectionRow(
            section=(row.get("section") or "").strip(),
            patient=(row.get("patient") or "").strip(),
            slide=absolute(row.get("slide")),
            spots=absolute(row.get("spots")),
            counts=absolute(row.get("counts")),
            um_per_px=(row.get("um_per_px") or "").strip(),
        )
        for row in found
    )


def cohort_files(cohort: Path) -> dict[str, Path | None]:
    """Return a cohort table and the files that it names, so that none of them is written over.

    What is wrong with the table is not said here.
    """
    found: dict[str, Path | None] = {"--cohort": cohort}
    with suppress(SettingsError):
        for row in read_rows(cohort):
            for what in PATHS:
                path = getattr(row, what)
                found[f"the {what} of section {row.section}"] = Path(path) if path else None
    return found
