"""The tables of the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ...pages.render import Cell, Row, Table, number, texts
from ..evaluation_result import OURS, Evaluation, ProtocolResult
from ..summaries import ALL, CEILING, EXPRESSED, MEASURED, MORAN

LESS_IS_MORE = ("MSE", "MAE")
NEITHER = (MORAN,)  # best where it is nearest to the measured one
NAMED = 3  # sections in a head; more are counted
STRUCTURE = {
    "moran_predicted": "Moran's I, predicted",
    "moran_measured": "Moran's I, measured",
    "moran_correlation": "Moran's I, correlation",
    "gene_correlation": "gene-gene correlation kept",
    "ari": "ARI",
    "nmi": "NMI",
}


def main_table(result: ProtocolResult) -> Table:
    """Methods by statistics, with intervals; the noise ceiling and the measured last."""
    summary = result.summary
    statistics = list(dict.fromkeys(summary["statistic"]))
    wide = summary.set_index(["method", "statistic"])[["value", "low", "high"]].unstack()
    wide = wide.reindex([each for each in summary["method"].unique() if each in wide.index])
    values = wide["value"].drop(index=[CEILING, MEASURED], errors="ignore")
    best = {
        each: values[each].idxmin() if each in LESS_IS_MORE else values[each].idxmax()
        for each in statistics
        if each not in NEITHER and values[each].notna().any()
    }

    def cell(method: str, row: Any, statistic: str) -> Cell:
        value, low, high = (float(row[part, statistic]) for part in ("value", "low", "high"))
        if method in (CEILING, MEASURED) and np.isnan(value):
            return Cell("")  # there is no such limit
        interval = "" if np.isnan(low) else f"{low:.3f} to {high:.3f}"
        kind = "best" if best.get(statistic) == method else ""
        return Cell(number(value), kind, interval)

    rows = (
        _row(method, tuple(cell(str(method), row, each) for each in statistics))
        for method, row in wide.iterrows()
    )
    return Table(("", *statistics), tuple(rows))


def fold_table(result: ProtocolResult) -> Table:
    """Methods by what was held out: PCC over all genes, and over the most expressed ones."""
    mean = result.sections.groupby(["method", "fold"], sort=False)[[ALL, EXPRESSED]].mean()
    methods = list(dict.fromkeys(result.sections["method"]))
    rows = []
    for method in methods:
        values = [mean.loc[(method, fold.name)] for fold in result.folds]
        rows.append(_row(method, tuple(Cell(" / ".join(map(number, each))) for each in values)))
    return Table((f"{ALL} / top 50", *directions(result)), tuple(rows))


def directions(result: ProtocolResult) -> list[str]:
    """Say of each fold what it learns from and what it reads: patients, or else sections."""
    patient = dict(zip(result.sections["section"], result.sections["patient"], strict=True))

    def named(sections: Sequence[str]) -> str:
        known = result.by == "patient" and all(each in patient for each in sections)
        names = list(dict.fromkeys(patient[each] if known else each for each in sections))
        what = "patients" if known else "sections"
        return ", ".join(names) if len(names) <= NAMED else f"{len(names)} {what}"

    return [f"learn {named(fold.trained_on)}, read {named(fold.tested)}" for fold in result.folds]


def difference_table(result: ProtocolResult) -> Table:
    """How far each method is from the best trivial answer, over all and the expressed genes."""
    table = result.differences
    rows = []
    for method, found in table.groupby("method", sort=False):
        cells = []
        for row in found.to_dict("records"):
            known = np.isfinite(row["low"])
            small = f"{row['low']:+.3f} to {row['high']:+.3f}" if known else ""
            kind = "best" if known and row["low"] > 0 else ""
            cells.append(Cell(f"{row['difference']:+.3f}", kind, small))
            cells.append(Cell(f"{row['ahead']} of {row['sections']}"))
        rows.append(_row(method, tuple(cells)))
    best = table.drop_duplicates("statistic").set_index("statistic")["baseline"]
    heads = (h for each in best.index for h in (f"{each}, minus {best[each]}", "sections ahead"))
    return Table(("", *heads), tuple(rows))


def section_table(result: ProtocolResult) -> Table:
    """Methods by sections: the mean PCC over all genes."""
    wide = result.sections.pivot(index="method", columns="section", values=ALL)
    return _numbers(
        ALL, wide.loc[result.sections["method"].unique(), result.sections["section"].unique()]
    )


def structure_table(result: ProtocolResult) -> Table:
    """Methods by measures of structure, means over the sections."""
    known = [each for each in STRUCTURE if each in result.structure]
    mean = result.structure.groupby("method", sort=False)[known].mean().dropna(axis=1, how="all")
    return _numbers("", mean.rename(columns=STRUCTURE))


def uncertainty_table(result: ProtocolResult) -> Table:
    """Methods and groups of genes by intervals and samples, means over the sections."""
    found = result.uncertainty
    if found.empty:
        return Table((), ())
    mean = found.groupby(["method", "group", "measure"], sort=False)["value"].mean().unstack()
    mean = mean[list(dict.fromkeys(found["measure"]))]
    mean.index = pd.Index([f"{method}: {group}" for method, group in mean.index])
    return _numbers("", mean)


def folds_table(result: ProtocolResult) -> Table:
    """Who was tested, and what it was learned from."""
    rows = (
        Row(fold.name, texts((", ".join(fold.tested), ", ".join(fold.trained_on))))
        for fold in result.folds
    )
    return Table((result.by, "tested", "learned from"), tuple(rows))


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
    limit = name in (CEILING, MEASURED)
    kind = "ours" if name.startswith(OURS) else "limit" if limit else "other"
    return Row(name, cells, kind)
