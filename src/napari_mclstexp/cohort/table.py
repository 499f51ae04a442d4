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
from ..files import as_cell, atomic_file, from_cell, refuse_overwriting
from ..reading import guarded, read_text

if TYPE_CHECKING:
    import pandas as pd

TABLE = "a cohort table in CSV"
LARGEST, MOST_COLUMNS = 16 * 2**20, 1000  # bytes; columns
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
    try:
        if not csv.exists():
            return nothing, [_whole(f"There is no cohort table {csv}; check the path.")]
        text = read_text(csv, TABLE, SettingsError, most=LARGEST)
        if not text.strip():
            return nothing, [_whole(f"{csv} is empty; give a header and a row for each section.")]
        columns = text.partition("\n")[0].count(",") + 1
        if columns > MOST_COLUMNS:
            return nothing, [_whole(f"{csv} has {columns:,} columns; check the file.")]
        with guarded(csv, TABLE, SettingsError):
            table = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False, header=None)
    except SettingsError as error:
        return nothing, [_whole(str(error))]
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
    rows = table.iloc[1:].set_axis(names, axis=1).map(lambda each: from_cell(each.strip()))
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
    writer.writerows([as_cell(getattr(row, column)) for column in ROW_COLUMNS] for row in rows)
    with atomic_file(path) as temporary:
        temporary.write_text(text.getvalue(), encoding="utf-8")


def read_rows(path: Path) -> tuple[SectionRow, ...]:
    """Read the rows of a cohort table, its paths made absolute; further columns are left.

    Raises
    ------
    SettingsError
        If it cannot be read as one.
    """
    text = read_text(path, TABLE, SettingsError, most=LARGEST)
    with guarded(path, TABLE, SettingsError):
        found = list(csv.DictReader(io.StringIO(text, newline="")))
    if not found or "section" not in found[0]:
        raise SettingsError(
            f"{path} is no cohort table; it needs the columns {', '.join(ROW_COLUMNS)}."
        )

    def cell(value: object) -> str:
        return from_cell(value.strip()) if isinstance(value, str) else ""

    def absolute(value: str | None) -> str:
        value = cell(value)
        return str((path.parent / value).resolve()) if value else ""

    return tuple(
        SectionRow(
            section=cell(row.get("section")),
            patient=cell(row.get("patient")),
            slide=absolute(row.get("slide")),
            spots=absolute(row.get("spots")),
            counts=absolute(row.get("counts")),
            um_per_px=cell(row.get("um_per_px")),
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
