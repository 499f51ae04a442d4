"""The evaluation as one HTML file that needs nothing else: no network, no other files."""

from __future__ import annotations

from html import escape
from importlib.resources import files
from pathlib import Path

from ...files import atomic_file
from ..evaluation_result import Evaluation
from .plots import calibration_section, gene_plot_section, maps_section
from .score_tables import (
    checksums_table,
    facts_table,
    folds_table,
    main_table,
    section_table,
    structure_table,
    unmeasurable_list,
)

MUST_NOT_CONCLUDE = (
    "Spots of one slide are not independent samples: the number of sections, not of spots, says "
    "how sure a comparison is.",
    "A held-out section of a patient whose other sections were learned from is easier than a new "
    "patient, and a new patient is easier than a new hospital, stain or scanner.",
    "A correlation within a section says that high and low places are told apart, not that the "
    "level itself is right; it says nothing about differences between patients.",
    "A low score of a gene that is not measurable here says nothing about the model, and a high "
    "one cannot be trusted either.",
    "The noise ceiling is an estimate from the counts alone and errs on the high side for genes "
    "with few counts.",
    "For research. Nothing here supports a diagnosis.",
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
    here = files(__package__)
    style = (here / "report.css").read_text(encoding="utf-8")
    script = (here / "report.js").read_text(encoding="utf-8")
    n_sections = len(evaluation.maps)
    parts = (
        f"<h1>How well is expression read here?</h1><p class=lead>{_subject(evaluation)}</p>",
        _sentences(evaluation.verdicts, "verdict"),
        _sentences(evaluation.warnings, "warning"),
        _part(
            "The table",
            "Each method saw the same folds, genes and scaling. Values are means over "
            f"{n_sections} section{'s' if n_sections > 1 else ''}, with the 95 % interval by "
            "bootstrap over sections in small print; the best of each column is bold.",
            main_table(evaluation),
        ),
        _part("By section", "Mean PCC over all genes.", section_table(evaluation)),
        gene_plot_section(evaluation),
        maps_section(evaluation),
        calibration_section(evaluation),
        _part(
            "Structure of the tissue",
            "Moran's I says how smoothly genes vary over the tissue (mean of the predicted and of "
            "the measured genes, and their correlation); gene-gene correlation says how much of "
            "which genes go together is kept; ARI and NMI compare k-means domains with labels, "
            "where there are any. Means over sections.",
            structure_table(evaluation),
        ),
        _part(
            "Not measurable here",
            "Genes whose counts are too few in every section for any predictor to be judged "
            "(noise ceiling below 0.3, or not surely above 0).",
            unmeasurable_list(evaluation),
        ),
        _part("Folds", "Who was tested, and what each was learned from.", folds_table(evaluation)),
        _part(
            "What must not be concluded",
            "",
            "<ul>" + "".join(f"<li>{escape(each)}</li>" for each in MUST_NOT_CONCLUDE) + "</ul>",
        ),
        _part(
            "How it was run",
            "",
            facts_table(evaluation.settings, "Settings")
            + facts_table(evaluation.versions, "Versions")
            + checksums_table(evaluation),
        ),
    )
    return (
        "<!doctype html><html lang=en><head><meta charset=utf-8>"
        '<meta name=viewport content="width=device-width, initial-scale=1">'
        f"<title>Evaluation by {escape(evaluation.by)}</title><style>{style}</style></head>"
        f"<body><main>{''.join(parts)}</main><div id=tip role=status></div>"
        f"<script>{script}</script></body></html>"
    )


def _subject(evaluation: Evaluation) -> str:
    genes = evaluation.metrics["gene"].nunique()
    sections = evaluation.metrics["section"].nunique()
    patients = evaluation.metrics["patient"].nunique()
    return (
        f"{genes:,} genes, {sections} section{'s' if sections > 1 else ''} of {patients} "
        f"patient{'s' if patients > 1 else ''}, each {escape(evaluation.by)} left out in turn. "
        f"Expression in {escape(evaluation.unit)}. {len(evaluation.methods)} methods."
    )


def _sentences(sentences: tuple[str, ...], kind: str) -> str:
    if not sentences:
        return ""
    return f"<ul class={kind}>" + "".join(f"<li>{escape(e)}</li>" for e in sentences) + "</ul>"


def _part(title: str, said: str, content: str) -> str:
    told = f"<p>{escape(said)}</p>" if said else ""
    return f"<section><h2>{escape(title)}</h2>{told}{content}</section>" if content else ""
