"""One number for each method and question, with its interval, and what follows in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .block_bootstrap import interval
from .evaluation_result import OURS, By

TOP = 50
RESAMPLES = 2000
CEILING, MEASURED = "noise ceiling", "measured"  # rows of the table that are no methods
ALL, EXPRESSED = "PCC, all genes", "PCC, top 50 expressed"
SHARE = "share of ceiling, top 50 expressed"
MORAN, MORAN_AGREES = "Moran's I", "Moran's I, agreement"
RESIDUALS = "Pearson residuals: PCC, all genes"
RESIDUALS_EXPRESSED = "Pearson residuals: PCC, top 50 expressed"
COMPARED = {ALL: "all genes", EXPRESSED: "the 50 most expressed genes"}
APART: Mapping[By, str] = {"patient": "Patients apart", "section": "By section"}
DIFFERENCE = (
    *("method", "statistic", "baseline", "value", "baseline_value"),
    *("difference", "low", "high", "ahead", "sections"),
)


def section_statistics(
    metrics: pd.DataFrame,
    expression: NDArray[np.float32],
    ceiling: pd.DataFrame,
    structure: Mapping[str, float],
) -> dict[str, float]:
    """Summarise one method on one section.

    Parameters
    ----------
    metrics
        Its rows of that section, a row for each gene.
    expression
        (n, G) measured, in the evaluation's unit.
    ceiling
        The section's rows, in the order of the genes.
    structure
        As `structure_row` gives it.

    Returns
    -------
    Mean PCC over all genes (ACG in the paper), the 50 most expressed (HEG), the 50 with the
    highest variance and the 50 best predicted (HPG); their share of the ceiling; Moran's I of the
    predicted genes, and its correlation with that of the measured ones; PCC with the Pearson
    residuals of the counts; Spearman; MSE, MAE and R2; and the share of genes with an FDR below
    5 %.
    """
    pcc, residual = metrics["pcc"].to_numpy(), metrics["pcc_residuals"].to_numpy()
    scored = np.isfinite(pcc)
    expressed = most_expressed(pcc, expression)
    variable = _top(expression.var(axis=0, dtype=np.float64), scored)
    limit = ceiling["ceiling"].to_numpy()
    judged = expressed[ceiling["measurable"].to_numpy()[expressed]]
    share = _mean(pcc[judged]) / _mean(limit[judged]) if len(judged) else float("nan")
    fdr = metrics["fdr"].to_numpy()
    significant = (fdr[scored] < 0.05) & (pcc[scored] > 0)
    return {
        ALL: _mean(pcc[scored]),
        EXPRESSED: _mean(pcc[expressed]),
        "PCC, top 50 variable": _mean(pcc[variable]),
        "PCC, top 50 predicted": _mean(pcc[_top(pcc, scored)]),
        SHARE: share,
        MORAN: structure["moran_predicted"],
        MORAN_AGREES: structure["moran_correlation"],
        RESIDUALS: _mean(residual[scored]),
        RESIDUALS_EXPRESSED: _mean(residual[expressed]),
        "Spearman, all genes": _mean(metrics["spearman"].to_numpy()[scored]),
        "MSE": _mean(metrics["mse"].to_numpy()),
        "MAE": _mean(metrics["mae"].to_numpy()),
        "R2, median": _median(metrics["r2"].to_numpy()),
        "genes with FDR < 5 %": float(significant.mean()) if scored.any() else float("nan"),
    }


def most_expressed(pcc: NDArray[np.float64], expression: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return the columns of the 50 most expressed genes among those that were scored."""
    return _top(expression.mean(axis=0, dtype=np.float64), np.isfinite(pcc))


def ceiling_statistics(ceiling: pd.DataFrame, expression: NDArray[np.float32]) -> dict[str, float]:
    """Return the same for a perfect predictor, as far as it is known, for one section."""
    limit = ceiling["ceiling"].to_numpy()
    known = np.isfinite(limit)
    return {
        ALL: _mean(limit[known]),
        EXPRESSED: _mean(limit[_top(expression.mean(axis=0, dtype=np.float64), known)]),
        "PCC, top 50 variable": _mean(limit[_top(expression.var(axis=0, dtype=np.float64), known)]),
        SHARE: 1.0,
    }


def with_intervals(per_section: Mapping[str, pd.DataFrame], seed: int = 0) -> pd.DataFrame:
    """Average the statistics over sections, with 95 % intervals by bootstrap over sections.

    Parameters
    ----------
    per_section
        For each method, a table of sections by statistics.
    seed
        Of the bootstrap; all methods share its draws.
    """
    rows = []
    for method, table in per_section.items():
        for statistic in table.columns:
            values = table[statistic].to_numpy(dtype=float)
            low, high = bootstrap_interval(values, seed)
            rows.append((method, statistic, _mean(values), low, high))
    return pd.DataFrame(rows, columns=["method", "statistic", "value", "low", "high"])


def bootstrap_interval(values: NDArray[np.float64], seed: int = 0) -> tuple[float, float]:
    """95 % interval of the mean of some sections' values; NaN with fewer than two known."""
    known = values[np.isfinite(values)]
    if len(known) < 2:
        return float("nan"), float("nan")
    random = np.random.default_rng(seed)
    means = known[random.integers(0, len(known), (RESAMPLES, len(known)))].mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def differences_to_trivial(
    per_section: Mapping[str, pd.DataFrame],
    drawn: Mapping[str, Mapping[str, Mapping[str, NDArray[np.float64]]]],
    trivial: Sequence[str],
) -> pd.DataFrame:
    """Compare each method with the best of the trivial answers, over all genes and the top 50.

    Parameters
    ----------
    per_section
        For each method, a table of sections by statistics.
    drawn
        For each method and section, draws of both statistics from the same spatial blocks of
        spots, as `pcc_draws` gives them.
    trivial
        Names of the trivial answers.

    Returns
    -------
    The rows of ``differences``, as `ProtocolResult` has them.
    """
    rows = []
    for statistic in COMPARED:
        values = {name: table[statistic].to_numpy(float) for name, table in per_section.items()}
        means = {name: _mean(each) for name, each in values.items()}
        known = {name: means[name] for name in trivial if np.isfinite(means.get(name, np.nan))}
        if not known:
            continue
        best = max(known, key=lambda name: known[name])
        for method in [each for each in per_section if each not in trivial]:
            apart = values[method] - values[best]
            if not np.isfinite(apart).any():
                continue
            draws = [
                drawn[method][section][statistic] - drawn[best][section][statistic]
                for section in per_section[method].index
            ]
            rows.append(
                {
                    "method": method,
                    "statistic": statistic,
                    "baseline": best,
                    "value": means[method],
                    "baseline_value": means[best],
                    "difference": _mean(apart),
                    **dict(zip(("low", "high"), interval(draws), strict=True)),
                    "ahead": int((apart > 0).sum()),
                    "sections": int(np.isfinite(apart).sum()),
                }
            )
    return pd.DataFrame(rows, columns=list(DIFFERENCE))


def verdicts(differences: pd.DataFrame, by: By) -> tuple[str, ...]:
    """Say in words whether the method beats the best of the trivial answers, and on what.

    Parameters
    ----------
    differences, by
        Of a protocol.
    """
    said = []
    ours = differences[differences["method"].astype(str).str.startswith(OURS)]
    for row in ours.sort_values("method", kind="stable").to_dict("records"):
        low, high, ahead = row["low"], row["high"], row["difference"] > 0
        known = bool(np.isfinite(low))
        word = "is level with" if ahead and known and low <= 0 else "beats" if ahead else "loses to"
        sure = f", 95 % interval of the difference {low:+.3f} to {high:+.3f}" if known else ""
        chance = ", which may be chance" if known and low <= 0 <= high else ""
        said.append(
            f"{APART[by]}, over {COMPARED[row['statistic']]}, {row['method']} {word} the best "
            f"trivial baseline, {row['baseline']}: {row['value']:.3f} against "
            f"{row['baseline_value']:.3f}{sure}{chance}; it is ahead in {row['ahead']} of "
            f"{row['sections']} section{'' if row['sections'] == 1 else 's'}."
        )
    return tuple(said)


def unmeasurable(ceilings: Sequence[pd.DataFrame]) -> list[str]:
    """Return the genes that no section of any protocol can judge."""
    judged = pd.concat(ceilings).groupby("gene", sort=False)["measurable"].any()
    return [str(gene) for gene in judged.index[~judged]]


def _top(values: NDArray[np.float64], among: NDArray[np.bool_]) -> NDArray[np.int64]:
    order = np.argsort(-np.where(among, values, -np.inf), kind="stable")
    return order[: min(TOP, int(among.sum()))]


def _mean(values: NDArray[np.float64]) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


def _median(values: NDArray[np.float64]) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else float("nan")
