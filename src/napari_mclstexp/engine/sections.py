"""A section is a slide with its spots; a cohort is a CSV table of sections."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import anndata
import pandas as pd

from ..errors import SettingsError, UserError
from ..slides import Slide, open_slide
from ..spots import check_spots, read_spots
from .prediction import know_scale

COLUMNS = ("section", "patient", "slide", "spots")
OPTIONAL = ("counts", "um_per_px")


@dataclass(frozen=True, eq=False)
class Section:
    """One tissue section: a slide, its spots and their counts.

    Attributes
    ----------
    name, patient
        Who it is; sections of one patient are not independent.
    slide_path
        The slide file.
    spots
        As `read_spots` gives them, with raw counts in X when trained on.
    um_per_px
        Level-0 scale given by a person; None takes the file's, else the spot grid's.
    """

    name: str
    patient: str
    slide_path: Path
    spots: anndata.AnnData
    um_per_px: float | None = None

    def open(self) -> Slide:
        """Open the slide, with its scale known and the spots checked against it.

        Raises
        ------
        SlideError, SpotsError
            If the slide cannot be opened, its scale is not known, or the spots do not fit.
        """
        slide = open_slide(self.slide_path)
        try:
            if self.um_per_px is not None:
                slide.calibrate(self.um_per_px, "user")
            check_spots(self.spots, slide.width, slide.height)
            know_scale(slide, self.spots)
        except BaseException:
            slide.close()
            raise
        return slide


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
        Naming the row that is wrong, and why.
    """
    csv = Path(csv)
    if not csv.is_file():
        raise SettingsError(f"There is no cohort table {csv}; check the path.")
    try:
        table = pd.read_csv(csv, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (ValueError, OSError) as error:
        raise SettingsError(f"{csv} cannot be read as a CSV table ({error}).") from error
    lacking = [column for column in COLUMNS if column not in table]
    if lacking:
        raise SettingsError(
            f"{csv} has no column {lacking[0]}; it needs {', '.join(COLUMNS)} "
            f"and may have {', '.join(OPTIONAL)}."
        )
    if table.empty:
        raise SettingsError(f"{csv} names no sections; give each one a row.")
    repeated = table["section"][table["section"].duplicated()]
    if len(repeated):
        raise SettingsError(f"{csv} names the section {repeated.iloc[0]} twice; names are unique.")
    return [_section(csv, line, row) for line, (_, row) in enumerate(table.iterrows(), start=2)]


def _section(csv: Path, line: int, row: pd.Series[str]) -> Section:
    name = row["section"].strip()
    for column in ("slide", "spots", "counts"):
        value = row.get(column, "").strip()
        if column != "counts" and not value:
            raise SettingsError(f"{csv}, line {line} (section {name}): {column} is empty.")
        if value and not (csv.parent / value).exists():
            raise SettingsError(
                f"{csv}, line {line} (section {name}): there is no {column} {csv.parent / value}."
            )
    counts, scale = row.get("counts", "").strip(), row.get("um_per_px", "").strip()
    try:
        um_per_px = float(scale) if scale else None
    except ValueError as error:
        raise SettingsError(
            f"{csv}, line {line} (section {name}): um_per_px is {scale!r}, which is no number."
        ) from error
    try:
        spots = read_spots(
            csv.parent / row["spots"].strip(), csv.parent / counts if counts else None
        )
    except UserError as error:
        raise SettingsError(f"{csv}, line {line} (section {name}): {error}") from error
    patient = row["patient"].strip() or name
    return Section(name, patient, csv.parent / row["slide"].strip(), spots, um_per_px)
