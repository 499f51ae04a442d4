"""From raw counts to expression, by the three published rules (DESIGN section 2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

if TYPE_CHECKING:
    import anndata

Normalisation = Literal["ln-1e4-all", "log10-1e4-listed", "ln-1e6-listed"]

UNITS: dict[Normalisation, str] = {
    "ln-1e4-all": "ln(1 + counts per 10,000)",
    "log10-1e4-listed": "log10(1 + counts per 10,000 of the listed genes)",
    "ln-1e6-listed": "ln(1 + counts per million of the listed genes)",
}


def normalise(counts: Any, totals: NDArray[Any] | None, kind: Normalisation) -> NDArray[np.float32]:
    """Scale each spot to a common total and take logarithms.

    Parameters
    ----------
    counts
        (n, G) raw counts of the listed genes, dense or sparse.
    totals
        (n,) counts of each spot over *all* measured genes; read by ``"ln-1e4-all"`` only.
    kind
        ``"ln-1e4-all"``: all measured genes scaled to 1e4, ln(1 + x), the scverse custom and the
        default here; ``"log10-1e4-listed"``: the listed genes scaled to 1e4, log10(1 + x), the
        authors' code; ``"ln-1e6-listed"``: the listed genes scaled to 1e6, ln(1 + x), the paper.

    Returns
    -------
    (n, G) float32. A spot without counts stays at zero.

    Raises
    ------
    ValueError
        If `totals` is needed and missing.

    Examples
    --------
    >>> normalise(np.array([[1.0, 3.0]]), np.array([10.0]), "ln-1e4-all").round(3)
    array([[6.909, 8.007]], dtype=float32)
    """
    x = counts.toarray() if sparse.issparse(counts) else np.asarray(counts)
    x = x.astype(np.float64)
    if kind == "ln-1e4-all":
        if totals is None:
            raise ValueError("totals over all measured genes are needed for ln-1e4-all")
        sums = np.asarray(totals, dtype=np.float64)
    else:
        sums = x.sum(axis=1)
    target = 1e6 if kind == "ln-1e6-listed" else 1e4
    x *= (target / np.where(sums > 0, sums, np.inf))[:, None]
    logarithm = np.log1p(x)
    if kind == "log10-1e4-listed":
        logarithm /= np.log(10)
    result: NDArray[np.float32] = logarithm.astype(np.float32)
    return result


def measured_expression(
    spots: anndata.AnnData, genes: Sequence[str], normalisation: Normalisation
) -> NDArray[np.float32]:
    """Normalise the counts of some genes.

    Parameters
    ----------
    spots
        With raw counts in X.
    genes
        The model's G genes; rules that scale by the listed genes use all of them.
    normalisation
        The model's rule.

    Returns
    -------
    (n, G) float32, NaN in the columns of genes that were not measured.
    """
    columns = spots.var_names.get_indexer(list(genes))
    known = columns >= 0
    counts = sparse.csr_matrix(spots.X)
    totals = np.asarray(counts.sum(axis=1)).ravel()
    out = np.full((spots.n_obs, len(columns)), np.nan, dtype=np.float32)
    out[:, known] = normalise(counts[:, columns[known]], totals, normalisation)
    return out
