"""The tables of the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ...pages.render import Cell, Row, Table, number, texts
from ..evaluation_result import OURS, Evaluation
from ..summaries import ALL, CEILING

LESS_IS_MORE = ("MSE", "MAE")
STRUCTURE = {
    "moran_predicted": "Moran's I, predicted",
    "moran_measured": "Moran's I, measured",
    "moran_correlation": "Moran's I, correlation",
    "gene_correlation": "gene-gene correlation kept",
    "ari": "ARI",
    "nmi": "NMI",
}


def main_table(evaluation: Evaluation) -> Table:
    """Methods by statistics, with intervals; the noise ceiling last."""
    summary = evaluation.summary
    statistics = list(dict.fromkeys(summary["statistic"]))
    wide = summary.set_index(["method", "statistic"])[["value", "low", "high"]].unstack()
    wide = wide.reindex([each for each in (*evaluation.methods, CEILING) if each in wide.index])
    values = wide["value"].drop(index=CEILING, errors="ignore")
    best = {
        each: values[each].idxmin() if each in LESS_IS_MORE else values[each].idxmax()
        for each in statistics
        if values[each].notna().any()
    }

    def cell(method: str, row: Any, statistic: str) -> Cell:
        value, low, high = (float(row[part, statistic]) for part in ("value", "low", "high"))
        if method == CEILING and np.isnan(value):
            return Cell("")  # there is no such limit
        interval = "" if np.isnan(low) else f"{low:.3f} to {high:.3f}"
        kind = "best" if best.get(statistic) == method else ""
        return Cell(number(value), kind, interval)

    rows = (
        _row(method, tuple(cell(str(method), row, each) for each in statistics))
        for method, row in wide.iterrows()
    )
    return Table(("", *statistics), tuple(rows))


def section_table(evaluation: Evaluation) -> Table:
    """Methods by sections: the mean PCC over all genes."""
    mean = evaluation.metrics.groupby(["method", "section"], sort=False)["pcc"].mean().unstack()
    return _numbers(ALL, mean.reindex(evaluation.methods))


def structure_table(evaluation: Evaluation) -> Table:
    """Methods by measures of structure, means over the sections."""
    known = [each for each in STRUCTURE if each in evaluation.structure]
    mean = evaluation.structure.groupby("method")[known].mean().dropna(axis=1, how="all")
    mean = mean.reindex([each for each in evaluation.methods if each in mean.index])
    return _numbers("", mean.rename(columns=STRUCTURE))


def unmeasurable_genes(evaluation: Evaluation) -> list[str]:
    """Names of the genes that no section can judge."""
    judged = evaluation.ceilings.groupby("gene", sort=False)["measurable"].any()
    return [str(gene) for gene in judged.index[~judged]]


def folds_table(evaluation: Evaluation) -> Table:
    """Who was tested, and what it was learned from."""
    rows = (
        Row(fold.name, texts((", ".join(fold.tested), ", ".join(fold.trained_on))))
        for fold in evaluation.folds
    )
    return Table((evaluation.by, "tested", "learned from"), tuple(rows))


def facts_table(facts: Mapping[str, str]) -> Table:
    """Names and values."""
    return Table((), tuple(Row(str(key), texts([str(value)])) for key, value in facts.items()))


def checksums_table(evaluation: Evaluation) -> Table:
    """What the data were, so that another evaluation can say it used the same."""
    return facts_table(
        {
            f"{section}, {what}": digest
            for section, digests in evaluation.checksums.items()
            for what, digest in digests.items()
        }
    )


def _numbers(corner: str, table: pd.DataFrame) -> Table:
    rows = (_row(m, tuple(Cell(number(each)) for each in row)) for m, row in table.iterrows())
    return Table((corner, *map(str, table.columns)), tuple(rows))


def _row(method: Any, cells: tuple[Cell, ...]) -> Row:
    name = str(method)
    kind = "ours" if name.startswith(OURS) else "limit" if name == CEILING else "other"
    return Row(name, cells, kind)
