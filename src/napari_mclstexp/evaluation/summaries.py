"""One number for each method and question, with its interval, and what follows in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .evaluation_result import OURS

TOP = 50
RESAMPLES = 2000
CEILING = "noise ceiling"
ALL, EXPRESSED = "PCC, all genes", "PCC, top 50 expressed"
SHARE = "share of ceiling, top 50 expressed"


def section_statistics(
    metrics: pd.DataFrame, expression: NDArray[np.float32], ceiling: pd.DataFrame
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

    Returns
    -------
    Mean PCC over all genes (ACG in the paper), the 50 most expressed (HEG), the 50 with the
    highest variance and the 50 best predicted (HPG); their share of the ceiling; Spearman; MSE,
    MAE and R2; and the share of genes with an FDR below 5 %.
    """
    pcc = metrics["pcc"].to_numpy()
    scored = np.isfinite(pcc)
    expressed = _top(expression.mean(axis=0, dtype=np.float64), scored)
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
        "Spearman, all genes": _mean(metrics["spearman"].to_numpy()[scored]),
        "MSE": _mean(metrics["mse"].to_numpy()),
        "MAE": _mean(metrics["mae"].to_numpy()),
        "R2, median": _median(metrics["r2"].to_numpy()),
        "genes with FDR < 5 %": float(significant.mean()) if scored.any() else float("nan"),
    }


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


def verdicts(
    per_section: Mapping[str, pd.DataFrame], baselines: Sequence[str], unmeasurable: int, genes: int
) -> tuple[str, ...]:
    """Say in words whether the method beats the best of the trivial answers, and on what."""
    said = []
    for method in [name for name in per_section if name.startswith(OURS)]:
        for statistic, over in ((ALL, "all genes"), (EXPRESSED, "the 50 most expressed genes")):
            scores = {
                name: _mean(per_section[name][statistic].to_numpy(dtype=float))
                for name in baselines
                if name in per_section
            }
            scores = {name: value for name, value in scores.items() if np.isfinite(value)}
            own = per_section[method][statistic].to_numpy(dtype=float)
            if not scores or not np.isfinite(own).any():
                continue
            best = max(scores, key=lambda name: scores[name])
            difference = own - per_section[best][statistic].to_numpy(dtype=float)
            low, high = bootstrap_interval(difference)
            mean = _mean(difference)
            level = mean > 0 and not low > 0 and not np.isnan(low)
            word = "is level with" if level else "beats" if mean > 0 else "loses to"
            interval = (
                ""
                if np.isnan(low)
                else f", 95 % interval of the difference {low:+.3f} to {high:+.3f}"
            )
            uncertainty = "" if np.isnan(low) or low > 0 or high < 0 else ", which may be chance"
            said.append(
                f"Over {over}, {method} {word} the best trivial baseline, {best}: "
                f"{_mean(own):.3f} against {scores[best]:.3f}{interval}{uncertainty}."
            )
    if unmeasurable:
        said.append(
            f"{unmeasurable:,} of the {genes:,} genes are not measurable here in any section: the "
            "counts are too few for any predictor to be judged on them."
        )
    return tuple(said)


def _top(values: NDArray[np.float64], among: NDArray[np.bool_]) -> NDArray[np.int64]:
    order = np.argsort(-np.where(among, values, -np.inf), kind="stable")
    return order[: min(TOP, int(among.sum()))]


def _mean(values: NDArray[np.float64]) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


def _median(values: NDArray[np.float64]) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else float("nan")
