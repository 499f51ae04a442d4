"""Measured counts, ready to be shown beside a prediction: normalised a gene at a time."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ..model.normalisation import UNITS, Normalisation, normalise
from ..spots.schema import SpotMetadata, is_prediction
from .expression import Expression, is_large, normalised_counts

if TYPE_CHECKING:
    from anndata import AnnData

COUNTS_UNIT = UNITS["ln-1e4-all"]


class Counts:
    """The counts of n spots, laid out so that one gene is quick to get.

    Parameters
    ----------
    spots
        AnnData whose X are raw counts; see :func:`has_counts`.
    """

    def __init__(self, spots: AnnData) -> None:
        self.genes: tuple[str, ...] = tuple(str(name) for name in spots.var_names)
        self._column = {gene: column for column, gene in enumerate(self.genes)}
        self._by_gene = sparse.csc_matrix(spots.X)
        self._totals = np.asarray(self._by_gene.sum(axis=1), dtype=np.float64).ravel()

    def values(self, gene: str) -> NDArray[np.float32] | None:
        """Return the (n,) values of a gene in :data:`COUNTS_UNIT`, or None if not measured."""
        if gene not in self._column:
            return None
        return self.matrix([gene], "ln-1e4-all")[:, 0]

    def matrix(self, genes: Sequence[str], normalisation: Normalisation) -> NDArray[np.float32]:
        """Return the (n, G) values in a model's normalisation, NaN for genes not measured.

        Parameters
        ----------
        genes
            All genes of the model, since some normalisations scale by their sum.
        normalisation
            The model's.
        """
        known = [index for index, gene in enumerate(genes) if gene in self._column]
        columns = [self._column[genes[index]] for index in known]
        values = np.full((self._totals.size, len(genes)), np.nan, dtype=np.float32)
        if known:
            values[:, known] = normalise(self._by_gene[:, columns], self._totals, normalisation)
        return values

    @cached_property
    def normalised(self) -> Expression:
        """The (n, G) values of all genes in :data:`COUNTS_UNIT`, sparse where they are large."""
        if is_large(self._by_gene.shape):
            return normalised_counts(sparse.csr_array(self._by_gene))
        return self.matrix(self.genes, "ln-1e4-all")

    def most_expressed(self) -> str:
        """Return the gene with the highest sum over all spots."""
        return self.genes[int(np.argmax(np.asarray(self._by_gene.sum(axis=0)).ravel()))]


def has_counts(spots: AnnData) -> bool:
    """Whether X holds raw counts, rather than nothing, or values that are normalised already."""
    raw = SpotMetadata.read(spots).counts in (None, "raw")
    return spots.n_vars > 0 and raw and not is_prediction(spots)
