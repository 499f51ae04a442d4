"""Everything that is wrong with a cohort, at once: each row by itself, then all together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse

from ..errors import UserError
from ..reading.numbers import as_numbers
from ..spots.readers.choose import read_spots
from ..spots.schema import SpotMetadata
from .checks_across import problems_across
from .section import Section
from .table import Problem, read_cohort_table

FEW_WITH_COUNTS = 0.5  # share of the spots; below, the two files may not belong together


@dataclass(frozen=True)
class Checked:
    """A cohort after its check.

    Attributes
    ----------
    sections
        Those without errors.
    problems
        All that was found, in the order of the table.
    """

    sections: tuple[Section, ...]
    problems: tuple[Problem, ...] = field(default=())

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that must be mended."""
        return tuple(each for each in self.problems if each.severity == "error")

    def as_table(self) -> str:
        """Return the problems as aligned text, a line each."""
        rows = [("line", "section", "column", "", "problem")]
        for each in self.problems:
            line = "" if each.line is None else str(each.line)
            rows.append((line, each.section, each.column, each.severity, each.what))
        widths = [max(len(row[i]) for row in rows) for i in range(4)]
        return "\n".join(
            "  ".join([*(cell.ljust(w) for cell, w in zip(row, widths, strict=False)), row[4]])
            for row in rows
        )


def check_cohort(
    csv: Path | str, *, genes: Sequence[str] | None = None, held_out: Sequence[str] = ()
) -> Checked:
    """Read a cohort table and all it names, and list everything that is wrong.

    Parameters
    ----------
    csv
        Table with the columns section, patient, slide, spots and, for legacy ST, counts; paths
        are relative to it; um_per_px may give the scale of slides that do not state it.
    genes
        Genes that shall be learned, if they are known already.
    held_out
        Names of sections that shall not be learned from.

    Returns
    -------
    Checked
        Bad content never raises; it is a problem.
    """
    csv = Path(csv)
    table, problems = read_cohort_table(csv)
    sections: list[tuple[int, Section]] = []
    seen: set[str] = set()
    for line, (_, row) in enumerate(table.iterrows(), start=2):
        section, found = _check_row(csv.parent, line, row)
        if row["section"] in seen:
            what = f"The section {row['section']} is named twice; give each its own name."
            found.insert(0, Problem(line, row["section"], "section", what))
        seen.add(row["section"])
        problems += found
        if section is not None and not any(each.severity == "error" for each in found):
            sections.append((line, section))
    across = problems_across(sections, [str(each) for each in seen], genes, held_out)
    bad = {each.section for each in across if each.severity == "error" and each.line is not None}
    whole = sorted([*problems, *across], key=lambda each: each.line or 0)
    good = tuple(section for _, section in sections if section.name not in bad)
    return Checked(good, tuple(whole))


def _check_row(
    folder: Path, line: int, row: pd.Series[str]
) -> tuple[Section | None, list[Problem]]:
    name = str(row["section"])
    problems: list[Problem] = []

    def wrong(column: str, what: str, *, warning: bool = False) -> None:
        problems.append(Problem(line, name, column, what, "warning" if warning else "error"))

    if not name:
        wrong("section", "section is empty; give it a name.")
    if not row["patient"]:
        wrong("patient", f"patient is empty, so {name} counts as one by itself.", warning=True)
    for column in ("slide", "spots", "counts"):
        value = row.get(column, "")
        if not value and column != "counts":
            wrong(column, f"{column} is empty; give its path.")
        elif value and not _is_there(folder / value):
            wrong(column, f"there is no {column} {str(folder / value)[:300]}; check the path.")
    scale, um_per_px = row.get("um_per_px", ""), None
    if scale:
        um_per_px = float(as_numbers(pd.Series([scale]))[0])
        if not um_per_px > 0 or not np.isfinite(um_per_px):
            wrong("um_per_px", f"um_per_px is {scale!r}, which is no number above 0.")
            um_per_px = None
    if any(each.column in ("spots", "counts") for each in problems):
        _check_slide(folder / row["slide"], problems, wrong)
        return None, problems
    counts = row.get("counts", "")
    try:
        spots = read_spots(folder / row["spots"], folder / counts if counts else None)
    except UserError as error:
        wrong("counts" if counts and str(folder / counts) in str(error) else "spots", str(error))
        _check_slide(folder / row["slide"], problems, wrong)
        return None, problems
    section = Section(name, row["patient"] or name, folder / row["slide"], spots, um_per_px)
    for column, what, warning in _about_spots(section):
        wrong(column, what, warning=warning)
    if any(each.column == "spots" and each.severity == "error" for each in problems):
        _check_slide(section.slide_path, problems, wrong)
    elif not any(each.column == "slide" for each in problems):
        try:
            section.open().close()
        except UserError as error:
            about_spots = str(error).startswith(SpotMetadata.read(spots).source or "")
            wrong("spots" if about_spots else "slide", str(error))
    return section, problems


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name that no disk takes, or a folder that is closed to us
        return False


def _check_slide(path: Path, problems: list[Problem], wrong: object) -> None:
    """Look at the slide alone, where its spots cannot be read."""
    if any(each.column == "slide" for each in problems):
        return
    from ..slides import open_slide

    try:
        open_slide(path).close()
    except UserError as error:
        wrong("slide", str(error))  # type: ignore[operator]


def _about_spots(section: Section) -> list[tuple[str, str, bool]]:
    """What is wrong with spots that could be read: column, sentence, whether only a warning."""
    spots, known = section.spots, SpotMetadata.read(section.spots)
    if not spots.n_vars:
        note = known.counts_note or "no counts were given or found"
        return [("counts", f"nothing can be learned without raw counts: {note}.", False)]
    if spots.n_obs == 0:
        return [("spots", "there are no spots in it.", False)]
    if spots.n_obs == 1:
        return [("spots", "it has one spot only; nothing can be compared within it.", False)]
    out = []
    totals = np.asarray(sparse.csr_matrix(spots.X).sum(axis=1)).ravel()
    if not totals.any():
        out.append(("counts", "all counts are zero; give the raw counts of this section.", False))
    without = known.n_spots_without_counts or 0
    if without and spots.n_obs / (spots.n_obs + without) < FEW_WITH_COUNTS:
        what = (
            f"only {spots.n_obs:,} of {spots.n_obs + without:,} spots have counts; "
            "check that both files are of this section."
        )
        out.append(("counts", what, True))
    if (np.asarray(spots.obs[["array_row", "array_col"]]) < 0).any():
        out.append(("spots", "an array position is below 0; positions count from 0.", False))
    return out
