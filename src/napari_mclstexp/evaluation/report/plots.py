"""The pictures of the report: genes, maps on tissue, calibration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ...pages.render import Picture, png_url
from ...spots.schema import positions
from ..evaluation_result import Evaluation

SHOWN_GENES = 4  # best, and as many worst
COLOURS = "viridis"
BINS = 10


@dataclass(frozen=True)
class GeneMap:
    """A gene on the tissue of one section, measured beside predicted, and how well that went."""

    gene: str
    place: str
    section: str
    pcc: float
    mean: float
    url: str


def gene_plot(evaluation: Evaluation) -> dict[str, Any]:
    """Every gene of a method: its PCC, mean expression and noise ceiling, for the page's script."""
    result = evaluation.strictest
    ceilings = result.ceilings.groupby("gene", sort=False)[["mean_expression", "ceiling"]]
    limits = ceilings.mean()
    scores = result.metrics.groupby(["method", "gene"], sort=False)["pcc"].mean()
    return {
        "genes": [str(gene) for gene in limits.index],
        "expression": _rounded(limits["mean_expression"]),
        "ceiling": _rounded(limits["ceiling"]),
        "pcc": {
            method: _rounded(scores[method].reindex(limits.index))
            for method in evaluation.methods
            if scores[method].notna().any()
        },
        "unit": evaluation.unit,
    }


def best_and_worst(evaluation: Evaluation) -> list[GeneMap]:
    """The best and the worst judged genes of the first method, measured beside predicted."""
    result = evaluation.strictest
    first = result.metrics[result.metrics["method"] == evaluation.methods[0]]
    judged = result.ceilings[["section", "gene", "measurable"]]
    rows = first.merge(judged, on=["section", "gene"])
    rows = rows[rows["measurable"] & rows["pcc"].notna()]
    if rows.empty:
        return []
    mean = rows.groupby("gene")["pcc"].mean().sort_values(ascending=False)
    few = max(1, min(SHOWN_GENES, len(mean) // 2))
    worst = mean.index[-few:][::-1] if len(mean) > 1 else mean.index[:0]
    maps = []
    for place, genes in (("best", mean.index[:few]), ("worst", worst)):
        for gene in genes:
            of_gene = rows[rows["gene"] == gene].sort_values("pcc")
            shown = of_gene.iloc[-1 if place == "best" else 0]
            section = str(shown["section"])
            picture = _map(result.maps[section], str(gene))
            maps.append(GeneMap(str(gene), place, section, shown["pcc"], mean[gene], picture))
    return maps


def calibration(evaluation: Evaluation) -> Picture | None:
    """Whether a predicted level means what it says: measured means of predicted deciles."""
    maps = evaluation.strictest.maps.values()
    pairs = [(np.asarray(each.X), np.asarray(each.layers["measured"])) for each in maps]
    predicted, measured = (np.concatenate([pair[i].ravel() for pair in pairs]) for i in (0, 1))
    known = np.isfinite(predicted) & np.isfinite(measured)
    predicted, measured = predicted[known], measured[known]
    if len(predicted) < BINS or np.ptp(predicted) == 0:
        return None
    slope = _slope(pairs)
    said = (
        "Within a gene, a step of 1 in the prediction goes with a step of "
        f"{slope:.2f} in the measurement: "
        + (
            "predictions vary less than the tissue does."
            if slope > 1.1
            else "predictions vary more than the tissue does."
            if slope < 0.9
            else "the range is about right."
        )
    )
    return Picture(_calibration(predicted, measured, evaluation.unit), said)


def _slope(pairs: list[tuple[NDArray[Any], NDArray[Any]]]) -> float:
    """Regression of measured on predicted, each gene around its section's mean."""
    above = below = 0.0
    for predicted, measured in pairs:
        p = predicted - predicted.mean(axis=0)
        m = measured - measured.mean(axis=0)
        both = np.isfinite(p) & np.isfinite(m)
        above += float((p[both] * m[both]).sum())
        below += float((p[both] ** 2).sum())
    return above / below if below else float("nan")


def _map(section: AnnData, gene: str) -> str:
    xy = positions(section)
    column = section.var_names.get_loc(gene)
    figure = Figure(figsize=(6.4, 2.9), layout="constrained")
    size = float(np.clip(9000 / max(len(xy), 1), 3, 40))
    for axes, title, values in zip(
        figure.subplots(1, 2),
        ("measured", "predicted"),
        (section.layers["measured"], section.X),
        strict=True,
    ):
        dots = axes.scatter(*xy.T, c=np.asarray(values)[:, column], s=size, cmap=COLOURS, lw=0)
        axes.set(title=title, aspect="equal", xticks=[], yticks=[])
        axes.margins(0.05)
        axes.invert_yaxis()
        for spine in axes.spines.values():
            spine.set_visible(False)
        bar = figure.colorbar(dots, ax=axes, fraction=0.05)
        bar.ax.tick_params(labelsize=7)
    return png_url(figure)


def _calibration(predicted: NDArray[Any], measured: NDArray[Any], unit: str) -> str:
    edges = np.quantile(predicted, np.linspace(0, 1, BINS + 1))
    place = np.clip(np.searchsorted(edges, predicted, side="right") - 1, 0, BINS - 1)
    table = pd.DataFrame({"place": place, "p": predicted, "m": measured}).groupby("place").mean()
    figure = Figure(figsize=(5, 4), layout="constrained")
    axes = figure.subplots()
    limits = (min(table.min()), max(table.max()))
    axes.plot(limits, limits, color="0.7", lw=1)
    axes.plot(table["p"], table["m"], "o-", color="#3b6ea8")
    axes.set_xlabel(f"predicted, {unit}")
    axes.set_ylabel("measured")
    axes.spines[["top", "right"]].set_visible(False)
    return png_url(figure)


def _rounded(values: pd.Series[float]) -> list[float | None]:
    return [round(float(each), 4) if np.isfinite(each) else None for each in values]
