"""Which genes tell groups of spots apart: Wilcoxon's rank sum, gene by gene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ..errors import SettingsError
from .expression import VALUES_AT_ONCE, dense_columns, mean_of_genes

if TYPE_CHECKING:
    import pandas as pd

FEW = 8  # spots of a group up to which p is exact where no two values are equal


def marker_genes(expression: Any, genes: Sequence[str], labels: NDArray[np.str_]) -> pd.DataFrame:
    """Compare every domain with the rest, gene by gene (Wilcoxon rank sum).

    Parameters
    ----------
    expression, genes, labels
        (n, G) dense or sparse, G names, (n,) domains.

    Returns
    -------
    A row for each domain and gene, the clearest first: ``domain, gene, auc`` (the chance that a
    spot of the domain is higher than another, 0.5 being none), ``difference`` of the means, ``p``
    and ``fdr`` (Benjamini-Hochberg within the domain). Spots of one slide are not replicates: p
    says how clear the picture is, not whether another slide would show it.

    Raises
    ------
    SettingsError
        If there is one domain only.
    """
    import pandas as pd

    names, group = np.unique(labels, return_inverse=True)
    if len(names) < 2:
        raise SettingsError("There is one domain only, so nothing tells it from others.")
    ranks = rank_sums(expression, group, len(names))
    every = mean_of_genes(expression) * len(labels)
    tables = []
    for place in sorted(range(len(names)), key=lambda i: _order(str(names[i]))):
        inside = group == place
        count = int(inside.sum())
        mean = mean_of_genes(expression, inside)
        difference = mean - (every - mean * count) / (len(labels) - count)
        table = wilcoxon_table(expression, genes, ranks, place, difference)
        table.insert(0, "domain", str(names[place]))
        tables.append(table.sort_values("auc", ascending=False, kind="stable"))
    return pd.concat(tables, ignore_index=True)


@dataclass(frozen=True, eq=False)
class RankSums:
    """Sums of ranks, from which every group is compared with all the others.

    Attributes
    ----------
    group
        (n,) number of each spot's group, -1 for those that are left out.
    counts
        (d,) spots of every group.
    sums
        (d, G) sum of its spots' ranks in every gene, equal values sharing theirs.
    ties
        (G,) sum of t^3 - t over the groups of t equal values.
    """

    group: NDArray[np.integer[Any]]
    counts: NDArray[np.integer[Any]]
    sums: NDArray[np.float64]
    ties: NDArray[np.float64]


def rank_sums(expression: Any, group: NDArray[np.integer[Any]], groups: int) -> RankSums:
    """Rank the spots by every gene, once for all groups.

    Parameters
    ----------
    expression
        (n, G) dense or sparse.
    group
        (n,) number of each spot's group, below `groups`; -1 leaves it out.
    """
    n, genes = expression.shape
    taken = np.flatnonzero(group >= 0)
    own, counts = group[taken], np.bincount(group[taken], minlength=groups)
    sums, ties = np.zeros((groups, genes)), np.zeros(genes)
    if sparse.issparse(expression):
        by_gene = sparse.csc_array(expression)
        for gene in range(genes):
            entries = slice(by_gene.indptr[gene], by_gene.indptr[gene + 1])
            spots, values = by_gene.indices[entries], by_gene.data[entries]
            kept = (values != 0) & (group[spots] >= 0)
            if not kept.all():
                spots, values = spots[kept], values[kept]
            sums[:, gene], ties[gene] = _ranked(values, group[spots], counts)
        return RankSums(group, counts, sums, ties)
    step = max(1, VALUES_AT_ONCE // n)
    for start in range(0, genes, step):
        block = expression[:, start : start + step]
        block = block if len(taken) == n else block[taken]
        # Transposed, so that the spots of a gene lie side by side.
        for gene, values in enumerate(np.ascontiguousarray(block.T), start):
            sums[:, gene], ties[gene] = _ranked(values, own, counts)
    return RankSums(group, counts, sums, ties)


def wilcoxon_table(
    expression: Any,
    genes: Sequence[str],
    ranks: RankSums,
    place: int,
    difference: NDArray[np.float64],
) -> pd.DataFrame:
    """Return ``gene, auc, difference, p, fdr`` of a group against the others, in the genes' order.

    Parameters
    ----------
    expression, genes
        (n, G) and G names.
    ranks
        Of the same spots.
    place
        The group's number.
    difference
        (G,) mean of the group less that of the others.
    """
    import pandas as pd
    from scipy import stats

    n, inside = int(ranks.counts.sum()), int(ranks.counts[place])
    others = n - inside
    u = ranks.sums[place] - inside * (inside + 1) / 2
    # As scipy's mannwhitneyu has it: two-sided, corrected for ties and for continuity.
    variance = inside * others / 12 * (n + 1 - ranks.ties / (n * (n - 1)))
    larger = np.maximum(u, inside * others - u)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = (larger - inside * others / 2 - 0.5) / np.sqrt(variance)
    p = np.clip(np.nan_to_num(2 * stats.norm.sf(z), nan=1.0), 0, 1)
    if min(inside, others) <= FEW:
        chosen = ranks.group == place
        rest = (ranks.group >= 0) & ~chosen
        for gene in np.flatnonzero(ranks.ties == 0):
            values = dense_columns(expression, [gene])[:, 0].astype(np.float64)
            found = stats.mannwhitneyu(values[chosen], values[rest], method="exact")
            p[gene] = found.pvalue
    return pd.DataFrame(
        {
            "gene": list(genes),
            "auc": u / (inside * others),
            "difference": difference,
            "p": p,
            "fdr": stats.false_discovery_control(p),
        }
    )


def _ranked(
    values: NDArray[np.float32], group: NDArray[np.integer[Any]], counts: NDArray[np.integer[Any]]
) -> tuple[NDArray[np.float64], float]:
    """Return the (d,) sums of the groups' ranks, and the sum of t^3 - t over equal values.

    Parameters
    ----------
    values
        (m,) of some spots; all others are 0.
    group
        (m,) groups of the same.
    counts
        (d,) spots of every group.
    """
    zeros = int(counts.sum()) - len(values)
    order = np.argsort(values)  # which of equals comes first changes nothing
    values = values[order]
    first = np.flatnonzero(np.concatenate([[True], values[1:] != values[:-1]])[: len(values)])
    length = np.diff(np.append(first, len(values)))
    middle = first + (length + 1) / 2
    below = int(np.searchsorted(values, 0)) if zeros else 0
    middle[first >= below] += zeros
    ranks = np.repeat(middle, length)
    own = group[order]
    sums = np.bincount(own, ranks, minlength=len(counts)).astype(np.float64)
    equal = length.astype(np.float64)
    if zeros:
        known = np.bincount(own, minlength=len(counts))
        sums += (counts - known) * (below + (zeros + 1) / 2)
    return sums, float((equal**3 - equal).sum()) + float(zeros) ** 3 - zeros


def _order(name: str) -> tuple[int, str]:
    return (int(name), "") if name.isdigit() else (10**9, name)
