"""Space Ranger's counts: the .h5 file, or the folder of three files; turned to spots x genes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
from scipy import sparse

from ...errors import SpotsError
from ...reading import guarded
from ...reading.hdf5_checks import check_hdf5, check_unpacked
from ...reading.numbers import EXACT
from ...reading.sparse_checks import check_matrix, check_parts
from .text_table import open_unpacked, unpacked_lines

GENE_EXPRESSION = "Gene Expression"
WHAT = "a 10x count matrix"
_LEAST_ENTRY = 6  # bytes of an entry in an mtx file: "1 1 1" and its end
_LONGEST_HEADER = 1000  # lines of remarks


@dataclass(frozen=True)
class Matrix:
    """Counts as Space Ranger writes them, turned to spots x genes."""

    counts: sparse.csr_matrix
    barcodes: list[str]
    genes: list[str]
    gene_ids: list[str]


def read_h5(path: Path) -> Matrix:
    """Read a filtered_feature_bc_matrix.h5, of any version.

    Raises
    ------
    SpotsError
        If it is damaged, or its parts do not fit each other.
    """
    import scanpy

    check_hdf5(path, WHAT, SpotsError)
    with guarded(path, WHAT, SpotsError, quiet=True):  # names that repeat are made unique later
        with h5py.File(path, "r") as file:
            for group in (file["matrix"],) if "matrix" in file else tuple(file.values()):
                _check_group(group, path)
        found = scanpy.read_10x_h5(path)
        counts = sparse.csr_matrix(found.X)
        check_matrix(counts, "matrix", path, SpotsError)
        names = [str(name) for name in found.var_names]
        return Matrix(
            counts, found.obs_names.tolist(), names, list(map(str, found.var["gene_ids"]))
        )


def read_mtx(folder: Path) -> Matrix:
    """Read matrix.mtx, barcodes.tsv and features.tsv (or genes.tsv), packed or not.

    Raises
    ------
    SpotsError
        If one is missing or damaged, or they do not fit each other.
    """
    barcodes = [line.split("\t")[0] for line in unpacked_lines(_there(folder, "barcodes.tsv"))]
    named = "features.tsv" if _which(folder, "features.tsv") else "genes.tsv"
    features = [line.split("\t") for line in unpacked_lines(_there(folder, named))]
    path = _there(folder, "matrix.mtx")
    with guarded(path, WHAT, SpotsError), open_unpacked(path, WHAT) as file:
        n_entries = _announced(file, path, len(features), len(barcodes))
        counts = _entries(file, len(features), len(barcodes), n_entries)
    kinds = [row[2] for row in features] if all(len(row) > 2 for row in features) else None
    return _keep_expression(
        counts,
        barcodes,
        [row[1] if len(row) > 1 else row[0] for row in features],
        [row[0] for row in features],
        kinds,
    )


def _check_group(group: Any, path: Path) -> None:
    """Check a matrix of genes x spots by columns, before anything slices it."""
    parts = ("indptr", "indices", "data", "shape")
    if not isinstance(group, h5py.Group) or not all(name in group for name in parts):
        raise ValueError(f"it lacks a matrix of {', '.join(parts)}")
    indptr, indices, shape = (np.asarray(group[name]) for name in ("indptr", "indices", "shape"))
    if shape.shape != (2,) or (shape < 0).any():
        raise ValueError("its shape is not that of a matrix")
    genes, spots = (int(length) for length in shape)
    n_values = len(group["data"])
    check_parts(indptr, indices, n_values, spots, genes, group.name, path, SpotsError)
    # Named otherwise before Cell Ranger 3; `genes` itself, there, are the identifiers.
    features = group.get("features/id", group.get("genes"))
    for named, length in ((features, genes), (group.get("barcodes"), spots)):
        if named is not None and len(named) != length:
            raise ValueError(
                f"it names {len(named):,} {'genes' if named is features else 'barcodes'} for "
                f"{length:,}"
            )


def _announced(file: Any, path: Path, n_genes: int, n_spots: int) -> int:
    """Return how many counts an mtx file announces, checked before memory is asked for them."""
    begins = file.readline(200).lower().split()
    if begins[:3] != [b"%%matrixmarket", b"matrix", b"coordinate"] or begins[4:] != [b"general"]:
        raise ValueError("it does not begin as a sparse, general MatrixMarket file")
    line = b"%"
    for _ in range(_LONGEST_HEADER):
        if not line.startswith(b"%") and line.strip():
            break
        line = file.readline(10_000)
        if not line:
            break
    announced = [int(each) for each in line.split()]
    if len(announced) != 3 or min(announced) < 0:
        raise ValueError("its header does not say how large it is")
    rows, columns, entries = announced
    if (rows, columns) != (n_genes, n_spots):
        raise SpotsError(
            f"{path} is of {rows:,} genes and {columns:,} barcodes, and {n_genes:,} and "
            f"{n_spots:,} are named beside it; copy the whole folder again."
        )
    size, packed = path.stat().st_size, path.suffix == ".gz"
    if entries * _LEAST_ENTRY > size * (1100 if packed else 1) + 100:
        raise ValueError(f"it announces {entries:,} counts, more than a file of its size holds")
    check_unpacked(path, WHAT, SpotsError, 16 * entries, size)
    return entries


def _entries(file: Any, n_genes: int, n_spots: int, n_entries: int) -> sparse.csr_matrix:
    """Return the counts that follow, (spots, genes).

    pandas reads them, since scipy's reader of this format crashes the interpreter where a number
    is damaged.
    """
    names = ("gene", "spot", "count")
    kinds = {"gene": np.int64, "spot": np.int64, "count": np.float64}
    if not n_entries:
        return sparse.csr_matrix((n_spots, n_genes), dtype=np.float32)
    table = pd.read_csv(
        file, sep=r"\s+", header=None, dtype=np.float64, nrows=n_entries, float_precision=EXACT
    )
    if table.shape[1] != len(names):
        raise ValueError("a count is no line of row, column and value")
    table = table.set_axis(names, axis=1).astype(kinds)
    if len(table) != n_entries:
        raise ValueError(f"it announces {n_entries:,} counts and holds {len(table):,}")
    gene, spot = (table[name].to_numpy() - 1 for name in names[:2])
    for places, length in ((gene, n_genes), (spot, n_spots)):
        if places.min() < 0 or places.max() >= length:
            raise ValueError(f"a count of row or column {int(places.max()) + 1:,} of {length:,}")
    counts = table["count"].to_numpy(dtype=np.float32)
    return sparse.csr_matrix((counts, (spot, gene)), shape=(n_spots, n_genes))


def _keep_expression(
    counts: sparse.csr_matrix,
    barcodes: list[str],
    genes: list[str],
    gene_ids: list[str],
    kinds: list[str] | None,
) -> Matrix:
    """Leave out antibodies, CRISPR guides and other features that are no gene's expression."""
    if kinds is not None and any(kind != GENE_EXPRESSION for kind in kinds):
        kept = [i for i, kind in enumerate(kinds) if kind == GENE_EXPRESSION]
        counts = counts[:, kept]
        genes, gene_ids = [genes[i] for i in kept], [gene_ids[i] for i in kept]
    return Matrix(counts, barcodes, genes, gene_ids)


def _which(folder: Path, name: str) -> Path | None:
    return next((p for p in (folder / f"{name}.gz", folder / name) if p.is_file()), None)


def _there(folder: Path, name: str) -> Path:
    path = _which(folder, name)
    if path is None:
        raise SpotsError(f"{folder} has no {name} or {name}.gz; copy the folder again.")
    return path
