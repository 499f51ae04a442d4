"""Measured expression of a model's genes, in the model's unit."""

from __future__ import annotations

from collections.abc import Sequence

import anndata
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ..model.normalisation import Normalisation, normalise


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
