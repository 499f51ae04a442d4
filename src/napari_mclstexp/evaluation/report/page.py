"""The evaluation as one HTML file that needs nothing else: no network, no other files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ...files import atomic_file
from ...pages.render import Table, render
from ..evaluation_result import By, Evaluation, ProtocolResult
from ..summaries import unmeasurable
from .plots import best_and_worst, calibration, gene_plot
from .score_tables import (
    checksums_table,
    difference_table,
    facts_table,
    fold_table,
    folds_table,
    main_table,
    section_table,
    structure_table,
    uncertainty_table,
)


def write_report(evaluation: Evaluation, path: Path) -> None:
    """Write an evaluation as a self-contained HTML page.

    Parameters
    ----------
    evaluation
        What was found.
    path
        The file.

    Raises
    ------
    OutputError
        If it cannot be written there.
    """
    with atomic_file(path) as temporary:
        temporary.write_text(report_html(evaluation), encoding="utf-8")


@dataclass(frozen=True)
class View:
    """The tables of one protocol, and what the page calls it."""

    by: str
    title: str
    sections: int
    hidden: str
    main: Table
    by_fold: Table
    differences: Table
    by_section: Table
    structure: Table
    uncertainty: Table
    folds: Table


TITLES: Mapping[By, tuple[str, str]] = {
    "patient": ("Patients apart", "No section of a tested patient was learned from."),
    "section": ("By section", "Other sections of a tested patient may have been learned from."),
}


def report_html(evaluation: Evaluation) -> str:
    """Return the page."""
    metrics = evaluation.table("metrics")
    return render(
        "evaluation.html.j2",
        unit=evaluation.unit,
        methods=evaluation.methods,
        genes=metrics["gene"].nunique(),
        sections=metrics["section"].nunique(),
        patients=metrics["patient"].nunique(),
        verdicts=evaluation.verdicts,
        warnings=evaluation.warnings,
        protocols=[_view(each) for each in evaluation.protocols],
        gene_plot=gene_plot(evaluation),
        maps=best_and_worst(evaluation),
        calibration=calibration(evaluation),
        unmeasurable=unmeasurable([each.ceilings for each in evaluation.protocols]),
        settings=facts_table(evaluation.settings),
        versions=facts_table(evaluation.versions),
        checksums=checksums_table(evaluation),
    )


def _view(result: ProtocolResult) -> View:
    title, hidden = TITLES[result.by]
    return View(
        by=result.by,
        title=title,
        sections=result.sections["section"].nunique(),
        hidden=hidden,
        main=main_table(result),
        by_fold=fold_table(result),
        differences=difference_table(result),
        by_section=section_table(result),
        structure=structure_table(result),
        uncertainty=uncertainty_table(result),
        folds=folds_table(result),
    )
