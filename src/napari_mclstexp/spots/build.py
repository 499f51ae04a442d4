"""Spots made of barcodes, positions and counts, checked, whatever files these came from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import anndata
import numpy as np
import pandas as pd
from anndata.utils import make_index_unique
from numpy.typing import NDArray
from scipy import sparse

from ..errors import SpotsError
from .schema import POSITIONS, SpotMetadata


def make_spots(
    *,
    barcodes: Sequence[str],
    xy: NDArray[np.float64],
    array_row: NDArray[np.int64],
    array_col: NDArray[np.int64],
    metadata: SpotMetadata,
    in_tissue: NDArray[np.bool_] | None = None,
    counts: Any = None,
    genes: Sequence[str] = (),
    gene_ids: Sequence[str] = (),
) -> anndata.AnnData:
    """Build the AnnData that the rest of the program works on.

    Parameters
    ----------
    barcodes
        n names of spots.
    xy
        (n, 2) centres as (x, y) in level-0 pixels.
    array_row, array_col
        (n,) position on the array.
    metadata
        Which platform and file they are from, and what these say.
    in_tissue
        (n,) flags; all True by default.
    counts
        (n, G) raw counts, dense or sparse; None for spots without counts.
    genes, gene_ids
        G names and, where known, Ensembl ids.

    Raises
    ------
    SpotsError
        For duplicate barcodes, missing coordinates, negative or non-integer counts.
    """
    n, source = len(barcodes), metadata.source
    repeated = pd.Index(barcodes)[pd.Index(barcodes).duplicated()]
    if len(repeated):
        raise SpotsError(
            f"{source} names the spot {repeated[0]} more than once "
            f"({len(repeated):,} duplicates in all); every barcode must be unique."
        )
    lost = ~np.isfinite(xy).all(axis=1)
    if lost.any():
        raise SpotsError(
            f"{source} gives no coordinates for the spot {barcodes[int(np.argmax(lost))]} "
            f"({lost.sum():,} spots in all); fill them in or remove these spots."
        )
    matrix = sparse.csr_matrix((n, 0), dtype=np.float32)
    if counts is not None:
        matrix = sparse.csr_matrix(counts, dtype=np.float32)
        check_counts(matrix, barcodes, genes, source)
    names = pd.Index([str(gene) for gene in genes], dtype=str)
    var = pd.DataFrame(index=make_index_unique(names) if names.has_duplicates else names)
    if len(gene_ids):
        var["gene_ids"] = [str(each) for each in gene_ids]
    obs = pd.DataFrame(
        {
            "in_tissue": np.ones(n, bool) if in_tissue is None else in_tissue.astype(bool),
            "array_row": array_row.astype(np.int64),
            "array_col": array_col.astype(np.int64),
        },
        index=pd.Index([str(each) for each in barcodes], dtype=str),
    )
    spots = anndata.AnnData(matrix, obs=obs, var=var, obsm={POSITIONS: xy.astype(np.float64)})
    metadata.write(spots)
    return spots


def check_counts(
    counts: Any, barcodes: Sequence[str], genes: Sequence[str], source: str | None
) -> None:
    """Make sure that counts are raw: whole and not negative.

    Raises
    ------
    SpotsError
        Naming the first spot, gene and value at fault.
    """
    values = counts.data
    for wrong, what, remedy in (
        (~np.isfinite(values), "is no number", "repair the table"),
        (values < 0, "is negative", "give raw counts"),
        (values != np.round(values), "is not a whole number",
         "give raw counts, not normalised or logged values"),
    ):  # fmt: skip
        if wrong.any():
            first = int(np.argmax(wrong))
            row = int(np.searchsorted(counts.indptr, first, side="right")) - 1
            raise SpotsError(
                f"{source}: the count of {genes[int(counts.indices[first])]} in spot "
                f"{barcodes[row]} is {values[first]:g}, which {what} "
                f"({int(wrong.sum()):,} such values in all); {remedy}."
            )
