"""An evaluation as files: tables for programs, and the report for people."""

from __future__ import annotations

from pathlib import Path

from ..files import as_cell, atomic_file, placing
from .evaluation_result import TABLES, Evaluation
from .report.page import write_report

REPORT = "report.html"
FILES = ("metrics.parquet", *(f"{name}.csv" for name in TABLES), REPORT)
KIND = "an evaluation"


def write_evaluation(evaluation: Evaluation, folder: Path) -> Path:
    """Write ``metrics.parquet`` and CSV, the other tables as CSV, and ``report.html``.

    Every table begins with the column ``by``, which says what was left out at a time.

    Parameters
    ----------
    evaluation, folder
        What was found, and a folder that exists. Files that are there already are replaced if an
        evaluation wrote them.

    Returns
    -------
    The report.

    Raises
    ------
    OutputError
        If the folder cannot be written to, or holds a file of such a name that is not ours.
    """
    with placing(folder, KIND, FILES):
        with atomic_file(folder / "metrics.parquet") as temporary:
            evaluation.table("metrics").to_parquet(temporary, index=False)
        for name in TABLES:
            with atomic_file(folder / f"{name}.csv") as temporary:
                evaluation.table(name).map(as_cell).to_csv(temporary, index=False)
        write_report(evaluation, folder / REPORT)
    return folder / REPORT
