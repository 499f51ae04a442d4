"""The tables of the report."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd

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


def main_table(evaluation: Evaluation) -> str:
    """Methods by statistics, with intervals; the noise ceiling last."""
    summary = evaluation.summary
    statistics = list(dict.fromkeys(summary["statistic"]))
    cells: dict[tuple[str, str], Any] = {
        (str(row.method), str(row.statistic)): row for row in summary.itertuples()
    }
    known = {method for method, _ in cells}
    best = {each: _best(summary, each) for each in statistics}
    rows = []
    for method in (*evaluation.methods, CEILING):
        if method not in known:
            continue
        row = [_name(method)]
        for each in statistics:
            if (method, each) not in cells:
                row.append("<td></td>")
                continue
            found = cells[method, each]
            kind = " class=best" if method == best[each] else ""
            row.append(f"<td{kind}>{_with_interval(found.value, found.low, found.high)}")
        rows.append("".join(row))
    return _table(["", *statistics], rows)


def section_table(evaluation: Evaluation) -> str:
    """Methods by sections: the mean PCC over all genes."""
    mean = evaluation.metrics.groupby(["method", "section"])["pcc"].mean()
    table: dict[Any, float] = {key: float(value) for key, value in mean.to_dict().items()}
    sections = list(dict.fromkeys(evaluation.metrics["section"]))
    rows = [
        _name(method)
        + "".join(f"<td>{_number(table.get((method, each)))}</td>" for each in sections)
        for method in evaluation.methods
    ]
    return _table([ALL, *sections], rows)


def structure_table(evaluation: Evaluation) -> str:
    """Methods by measures of structure, means over the sections."""
    columns = [c for c in STRUCTURE if c in evaluation.structure]
    columns = [c for c in columns if evaluation.structure[c].notna().any()]
    means = evaluation.structure.groupby("method")
    mean: list[dict[Any, float]] = [means[each].mean().to_dict() for each in columns]
    rows = [
        _name(method) + "".join(f"<td>{_number(values[method])}</td>" for values in mean)
        for method in evaluation.methods
        if any(method in values for values in mean)
    ]
    return _table(["", *(STRUCTURE[each] for each in columns)], rows)


def unmeasurable_list(evaluation: Evaluation) -> str:
    """Names of the genes that no section can judge, folded away where they are many."""
    judged = evaluation.ceilings.groupby("gene", sort=False)["measurable"].any()
    names = [str(gene) for gene in judged.index[~judged]]
    if not names:
        return "<p>None: every gene can be judged in at least one section.</p>"
    listed = ", ".join(escape(each) for each in names)
    return (
        f"<details><summary>{len(names):,} of {len(judged):,} genes</summary>"
        f"<p class=names>{listed}</p></details>"
    )


def folds_table(evaluation: Evaluation) -> str:
    """Who was tested, and what it was learned from."""
    rows = [
        f"<th scope=row>{escape(fold.name)}</th><td class=text>{escape(', '.join(fold.tested))}"
        f"</td><td class=text>{escape(', '.join(fold.trained_on))}</td>"
        for fold in evaluation.folds
    ]
    return _table([evaluation.by, "tested", "learned from"], rows)


def facts_table(facts: Mapping[str, str], title: str) -> str:
    """Names and values, folded away."""
    rows = [
        f"<th scope=row>{escape(str(key))}</th><td class=text>{escape(str(value))}</td>"
        for key, value in facts.items()
    ]
    return f"<details><summary>{escape(title)}</summary>{_table((), rows)}</details>"


def checksums_table(evaluation: Evaluation) -> str:
    """What the data were, so that another evaluation can say it used the same."""
    facts = {
        f"{section}, {what}": digest
        for section, digests in evaluation.checksums.items()
        for what, digest in digests.items()
    }
    return facts_table(facts, "Checksums of the data (SHA-256 of picture and counts)")


def _best(summary: pd.DataFrame, statistic: str) -> str | None:
    rows = summary[
        (summary["statistic"] == statistic)
        & (summary["method"] != CEILING)
        & summary["value"].notna()
    ]
    if rows.empty:
        return None
    place = rows["value"].idxmin() if statistic in LESS_IS_MORE else rows["value"].idxmax()
    return str(rows["method"].to_dict()[place])


def _name(method: str) -> str:
    kind = "ours" if method.startswith(OURS) else "limit" if method == CEILING else "other"
    return f"<th scope=row class={kind}>{escape(method)}</th>"


def _with_interval(value: float, low: float, high: float) -> str:
    interval = "" if math.isnan(low) else f"<small>{low:.3f} to {high:.3f}</small>"
    return f"{_number(value)}{interval}</td>"


def _number(value: float | None) -> str:
    return "–" if value is None or math.isnan(value) else f"{value:.3f}"


def _table(header: Sequence[str], rows: Sequence[str]) -> str:
    head = "".join(f"<th scope=col>{escape(each)}</th>" for each in header)
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    top = f"<thead><tr>{head}</tr></thead>" if header else ""
    return f"<div class=scroll><table>{top}<tbody>{body}</tbody></table></div>"
