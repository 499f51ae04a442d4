"""What an evaluation found, as tables; the report, the files and the shell all read this."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import anndata
import pandas as pd

OURS = "mclSTExp"  # methods of which this is the name, or its beginning, are the method's own


@dataclass(frozen=True)
class Fold:
    """Sections that were held out together.

    Attributes
    ----------
    name
        The section, or the patient whose sections they are.
    tested, trained_on
        Names of the sections on either side.
    """

    name: str
    tested: tuple[str, ...]
    trained_on: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Every method on the same folds, genes and scaling.

    Attributes
    ----------
    by
        ``"section"`` or ``"patient"``: what was left out at a time.
    unit
        Of expression, of MSE's root and of MAE.
    methods
        Names, in the order in which they are shown.
    folds
        What was held out, and what each was learned from.
    metrics
        A row for each method, section and gene: ``method, section, patient, gene, n_spots,
        pcc, spearman, mse, mae, r2, p, fdr`` (p of the PCC against 0, and its Benjamini-Hochberg
        FDR over the section's genes). NaN where a gene has no variance.
    ceilings
        A row for each section and gene: ``section, gene, mean_count, mean_expression, variance,
        ceiling, ceiling_low, ceiling_high, measurable`` (highest PCC that any predictor could
        show against these counts, with its interval).
    summary
        A row for each method and statistic: ``method, statistic, value, low, high``, the
        interval by bootstrap over sections (NaN with fewer than two).
    structure
        A row for each method and section: ``method, section, moran_predicted,
        moran_measured, moran_correlation, gene_correlation, ari, nmi`` (the last two NaN where
        there are no labels).
    maps
        The predictions of the first method for each section: predicted expression in ``X``,
        measured in ``layers["measured"]``, positions in level-0 px.
    settings, versions, checksums
        How it was run: options; packages; SHA-256 of each section's slide and counts.
    warnings
        Sentences that a reader must see beside the numbers.
    verdicts
        Sentences in words: who beats whom, on what.
    """

    by: str
    unit: str
    methods: tuple[str, ...]
    folds: tuple[Fold, ...]
    metrics: pd.DataFrame
    ceilings: pd.DataFrame
    summary: pd.DataFrame
    structure: pd.DataFrame
    maps: Mapping[str, anndata.AnnData]
    settings: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    checksums: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    verdicts: tuple[str, ...] = ()
