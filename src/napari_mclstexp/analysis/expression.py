"""The expression that is analysed: dense where it is small, sparse where it is large."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ..errors import SettingsError

if TYPE_CHECKING:
    from anndata import AnnData

Expression: TypeAlias = "NDArray[np.float32] | sparse.csr_array"  # (n, G)
DENSE_UP_TO = 20_000_000  # values; of more, those that are mostly zeros are kept sparse
MOSTLY_ZEROS = 1 / 3  # share of other values below which a sparse matrix is the smaller one
VALUES_AT_ONCE = 2**23  # 64 MiB in double precision


def expression_of(data: AnnData) -> Expression:
    """Return (n, G) expression to analyse; raw counts are scaled to 10,000 and ln(1 + x).

    More than `DENSE_UP_TO` values come as a sparse matrix of rows if they are sparse in `data`, or
    are counts that are mostly zeros.

    Raises
    ------
    SettingsError
        If there are no genes, or values that are no numbers.
    """
    x: Any = data.layers.get("counts", data.X)
    if data.n_vars == 0 or data.n_obs == 0 or x is None:
        raise SettingsError("There is no expression in it, so there are no domains to find.")
    if sparse.issparse(x):
        x = sparse.csr_array(x)
        if not x.has_canonical_format:
            x = x.copy()  # the result itself is left as it was
            x.sum_duplicates()
        values = normalised_counts(x) if _are_counts(x.data[:, None]) else x.astype(np.float32)
        return values if is_large(x.shape) else values.toarray()
    x = np.asarray(x)
    if not _are_counts(x):
        return np.asarray(x, dtype=np.float32)
    if is_large(x.shape) and np.count_nonzero(x) < MOSTLY_ZEROS * x.size:
        blocks = [sparse.csr_array(x[rows]) for rows in row_blocks(*x.shape)]
        return normalised_counts(sparse.vstack(blocks, format="csr"))
    out = np.empty(x.shape, dtype=np.float32)
    for rows in row_blocks(*x.shape):
        counts = x[rows].astype(np.float64)
        totals = counts.sum(axis=1, keepdims=True)
        out[rows] = np.log1p(counts / np.where(totals > 0, totals, 1) * 1e4)
    return out


def is_large(shape: tuple[int, ...]) -> bool:
    """Whether (n, G) expression has more than `DENSE_UP_TO` values."""
    return int(shape[0]) * int(shape[1]) > DENSE_UP_TO


def normalised_counts(counts: Any) -> Any:
    """Return (n, G) counts, a sparse matrix of rows, scaled to 10,000 a spot, ln(1 + x)."""
    scaled = np.empty(counts.nnz, dtype=np.float32)
    for rows in row_blocks(counts.shape[0], max(1, counts.nnz // counts.shape[0])):
        limits = counts.indptr[rows.start : rows.stop + 1]
        entries = slice(limits[0], limits[-1])
        values = counts.data[entries].astype(np.float64)
        spot = np.repeat(np.arange(len(limits) - 1), np.diff(limits))
        totals = np.bincount(spot, values, minlength=len(limits) - 1)
        scaled[entries] = np.log1p(values / np.where(totals > 0, totals, 1)[spot] * 1e4)
    return sparse.csr_array((scaled, counts.indices, counts.indptr), shape=counts.shape)


def row_blocks(rows: int, columns: int, values: int = VALUES_AT_ONCE) -> Iterator[slice]:
    """Yield slices of the rows of a matrix with at most so many values each."""
    step = max(1, values // max(1, columns))
    for start in range(0, rows, step):
        yield slice(start, min(start + step, rows))


def mean_of_genes(
    expression: Expression, spots: NDArray[np.bool_] | None = None
) -> NDArray[np.float64]:
    """Return the (G,) means over all spots or over some; NaN where there are none.

    Parameters
    ----------
    expression
        (n, G)
    spots
        (n,) which count.
    """
    n, genes = expression.shape
    chosen = np.ones(n, dtype=bool) if spots is None else spots
    total = np.zeros(genes)
    if sparse.issparse(expression):
        total += expression.T @ chosen.astype(np.float64)
    else:
        for rows in row_blocks(n, genes):
            if chosen[rows].any():
                total += expression[rows][chosen[rows]].sum(axis=0, dtype=np.float64)
    count = int(chosen.sum())
    return total / count if count else np.full(genes, np.nan)


def moments(x: Expression) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (G,) mean and variance of every gene; the variance of a constant one is 0."""
    if sparse.issparse(x):
        from sklearn.utils.sparsefuncs import mean_variance_axis

        mean, variance = mean_variance_axis(sparse.csr_matrix(x.astype(np.float64)), axis=0)
        constant = x.max(axis=0).toarray().ravel() == x.min(axis=0).toarray().ravel()
        return mean, np.where(constant, 0, variance)
    n, genes = x.shape
    mean, square = np.zeros(genes), np.zeros(genes)
    for rows in row_blocks(n, genes):
        mean += x[rows].sum(axis=0, dtype=np.float64)
    mean /= n
    for rows in row_blocks(n, genes):
        square += ((x[rows] - mean) ** 2).sum(axis=0)
    return mean, np.where(np.ptp(x, axis=0) > 0, square / n, 0)


def correlation_with(expression: Expression, values: NDArray[Any]) -> NDArray[np.float64]:
    """Return (G,) Pearson's correlation of every gene with (n,) values; NaN where one is constant.

    As `pcc_per_gene`, without a copy of the expression.
    """
    mean, variance = moments(expression)
    apart = np.asarray(values, dtype=np.float64) - np.mean(values, dtype=np.float64)
    together = np.zeros(len(mean))
    if sparse.issparse(expression):
        together += expression.T @ apart - apart.sum() * mean
    else:
        for rows in row_blocks(*expression.shape):
            together += (expression[rows] - mean).T @ apart[rows]
    norm = np.sqrt(variance * len(apart) * (apart**2).sum()) if np.ptp(values) else 0 * mean
    return together / np.where(norm > 0, norm, np.nan)


def mean_over_genes(expression: Expression, genes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the (n,) means over the genes in some columns."""
    if sparse.issparse(expression):
        chosen = np.zeros(expression.shape[1])
        chosen[genes] = 1 / len(genes)
        return np.asarray(expression @ chosen)
    blocks = row_blocks(len(expression), len(genes))
    parts = [expression[rows][:, genes].mean(axis=1, dtype=np.float64) for rows in blocks]
    return np.concatenate(parts)


def dense_columns(expression: Expression, genes: Any) -> NDArray[np.float32]:
    """Return the (n, g) values of the genes in some columns."""
    part: Any = expression[:, genes]
    values: NDArray[np.float32] = part.toarray() if sparse.issparse(part) else part
    return values


def _are_counts(values: NDArray[Any]) -> bool:
    """Whether all values are whole and not negative.

    Raises
    ------
    SettingsError
        If one is no number.
    """
    whole = True
    for rows in row_blocks(*values.shape):
        block = values[rows]
        if not np.isfinite(block).all():
            raise SettingsError(
                "Some values are no numbers; domains need every gene at every spot."
            )
        whole = whole and bool((block >= 0).all() and (block == np.round(block)).all())
    return whole
