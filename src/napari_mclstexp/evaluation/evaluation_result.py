"""What an evaluation found, as tables; the report, the files and the shell all read this."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import anndata
import pandas as pd

OURS = "mclSTExp"  # methods of which this is the name, or its beginning, are the method's own
By = Literal["section", "patient"]
TABLES = (
    *("metrics", "sections", "summary", "differences"),
    *("ceilings", "structure", "uncertainty"),
)


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
class ProtocolResult:
    """Every method on the folds of one protocol: sections apart, or patients apart.

    Attributes
    ----------
    by
        ``"section"`` or ``"patient"``: what was left out at a time.
    folds
        What was held out, and what each was learned from.
    metrics
        A row for each method, section and gene: ``method, section, patient, gene, n_spots,
        pcc, spearman, mse, mae, r2, p, fdr, pcc_residuals`` (p of the PCC against 0, and its
        Benjamini-Hochberg FDR over the section's genes; the last is the PCC with the Pearson
        residuals of the counts). NaN where a gene has no variance.
    sections
        A row for each method and section: ``method, fold, section, patient`` and all statistics.
    summary
        A row for each method and statistic: ``method, statistic, value, low, high``, the
        interval by bootstrap over sections (NaN with fewer than two).
    differences
        A row for each method that is no trivial answer and each of two statistics: ``method,
        statistic, baseline, value, baseline_value, difference, low, high, ahead, sections``
        against the best trivial answer; the interval by paired bootstrap of sections and
        of spatial blocks of their spots, and in how many of the sections the method is ahead.
    ceilings
        A row for each section and gene: ``section, gene, mean_count, mean_expression, variance,
        ceiling, ceiling_low, ceiling_high, measurable`` (highest PCC that any predictor could
        show against these counts, with its interval).
    structure
        A row for each method and section: ``method, section, moran_predicted,
        moran_measured, moran_correlation, gene_correlation, ari, nmi`` (the last two NaN where
        there are no labels).
    uncertainty
        For methods that give intervals or samples, a row for each section, group of genes and
        measure: ``method, section, group, genes, measure, value``; empty without such methods.
    maps
        The predictions of the first method for each section: predicted expression in ``X``,
        measured in ``layers["measured"]``, positions in level-0 px.
    """

    by: By
    folds: tuple[Fold, ...]
    metrics: pd.DataFrame
    sections: pd.DataFrame
    summary: pd.DataFrame
    differences: pd.DataFrame
    ceilings: pd.DataFrame
    structure: pd.DataFrame
    uncertainty: pd.DataFrame
    maps: Mapping[str, anndata.AnnData]


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Every method on the same folds, genes and scaling.

    Attributes
    ----------
    unit
        Of expression, of MSE's root and of MAE.
    methods
        Names, in the order in which they are shown.
    protocols
        The results with patients apart first, if there are several patients, then by section.
    settings, versions, checksums
        How it was run: options; packages; SHA-256 of each section's slide and counts.
    warnings
        Sentences that a reader must see beside the numbers.
    verdicts
        Sentences in words: who beats whom, on what.
    """

    unit: str
    methods: tuple[str, ...]
    protocols: tuple[ProtocolResult, ...]
    settings: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    checksums: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    verdicts: tuple[str, ...] = ()

    @property
    def strictest(self) -> ProtocolResult:
        """The result that is closest to use: patients apart, where there are several."""
        return self.protocols[0]

    def protocol(self, by: By) -> ProtocolResult:
        """Return the result of one protocol.

        Raises
        ------
        KeyError
            If it was not evaluated.
        """
        return {each.by: each for each in self.protocols}[by]

    def table(self, name: str) -> pd.DataFrame:
        """Return a table of all protocols, with the column ``by`` in front.

        Parameters
        ----------
        name
            One of ``TABLES``: a table of `ProtocolResult`.
        """
        parts = []
        for each in self.protocols:
            part: pd.DataFrame = getattr(each, name).copy()
            part.insert(0, "by", each.by)
            parts.append(part)
        return pd.concat([each for each in parts if len(each)] or parts[:1], ignore_index=True)
