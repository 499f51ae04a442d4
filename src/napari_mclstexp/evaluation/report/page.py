"""The evaluation as one HTML file that needs nothing else: no network, no other files."""

from __future__ import annotations

from pathlib import Path

from ...files import atomic_file
from ...pages.render import render
from ..evaluation_result import Evaluation
from .plots import best_and_worst, calibration, gene_plot
from .score_tables import (
    checksums_table,
    facts_table,
    folds_table,
    main_table,
    section_table,
    structure_table,
    unmeasurable_genes,
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


def report_html(evaluation: Evaluation) -> str:
    """Return the page."""
    metrics = evaluation.metrics
    return render(
        "evaluation.html.j2",
        by=evaluation.by,
        unit=evaluation.unit,
        methods=evaluation.methods,
        genes=metrics["gene"].nunique(),
        sections=metrics["section"].nunique(),
        patients=metrics["patient"].nunique(),
        verdicts=evaluation.verdicts,
        warnings=evaluation.warnings,
        main=main_table(evaluation),
        by_section=section_table(evaluation),
        gene_plot=gene_plot(evaluation),
        maps=best_and_worst(evaluation),
        calibration=calibration(evaluation),
        structure=structure_table(evaluation),
        unmeasurable=unmeasurable_genes(evaluation),
        folds=folds_table(evaluation),
        settings=facts_table(evaluation.settings),
        versions=facts_table(evaluation.versions),
        checksums=checksums_table(evaluation),
    )
