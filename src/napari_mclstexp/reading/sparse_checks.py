"""Sparse matrices out of files: format, bounds and order, checked before any library trusts them.

A library that adds up or slices rows follows indices wherever they point, outside its memory too.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import UserError

if TYPE_CHECKING:
    from anndata import AnnData


def check_anndata(data: AnnData, path: Path, error: type[UserError]) -> None:
    """Check every sparse matrix of an AnnData, and bring its entries in order.

    Raises
    ------
    UserError
        Naming the part that is damaged.
    """
    for where, matrix in _matrices(data):
        check_matrix(matrix, where, path, error)


def check_matrix(matrix: Any, where: str, path: Path, error: type[UserError]) -> None:
    """Check a matrix if it is compressed sparse, and sort its indices where they are not.

    Parameters
    ----------
    matrix
        Anything; only scipy's csr and csc are looked at.
    where
        The part of the file, for the sentence.
    path, error
        The file, and the class of what is raised.

    Raises
    ------
    UserError
        If its parts do not fit each other, or an index is out of bounds.
    """
    if getattr(matrix, "format", None) not in ("csr", "csc"):
        return
    rows, columns = matrix.shape
    major, minor = (rows, columns) if matrix.format == "csr" else (columns, rows)
    check_parts(matrix.indptr, matrix.indices, len(matrix.data), major, minor, where, path, error)
    _trim(matrix)
    # Flags that a library set before anything was checked tell nothing.
    for flag in ("_has_sorted_indices", "_has_canonical_format"):
        if hasattr(matrix, flag):
            delattr(matrix, flag)
    if not matrix.has_canonical_format:
        matrix.sum_duplicates()


def check_parts(
    indptr: NDArray[Any],
    indices: NDArray[Any],
    n_values: int,
    major: int,
    minor: int,
    where: str,
    path: Path,
    error: type[UserError],
) -> None:
    """Check the parts of a compressed sparse matrix.

    Parameters
    ----------
    indptr, indices
        As scipy names them.
    n_values
        Length of the values.
    major, minor
        Number of rows (of columns, for csc), and of what is in one.
    where, path, error
        As for `check_matrix`.

    Raises
    ------
    UserError
        If they do not fit each other, or an index is out of bounds.
    """
    indptr, indices = np.asarray(indptr), np.asarray(indices)

    def damaged(what: str) -> UserError:
        return error(
            f"{path} is damaged: in the sparse matrix {where} {what}; copy it again, or write it "
            "anew."
        )

    if indptr.dtype.kind not in "iu" or indices.dtype.kind not in "iu":
        raise damaged("indices are no whole numbers")
    if indptr.ndim != 1 or indices.ndim != 1 or len(indptr) != major + 1 or indptr[0] != 0:
        raise damaged(f"the starts of {major:,} rows are wrong")
    if (indptr[1:] < indptr[:-1]).any():
        raise damaged("a row ends before it begins")
    stored = int(indptr[-1])
    if stored > len(indices) or len(indices) != n_values:
        raise damaged(f"{stored:,} values are announced and {min(len(indices), n_values):,} there")
    if len(indices) and (int(indices.min()) < 0 or int(indices.max()) >= minor):
        wrong = (indices < 0) | (indices >= minor)
        at = int(np.argmax(wrong))
        raise damaged(f"the index {int(indices[at])} lies outside the {minor:,} that there are")


def _trim(matrix: Any) -> None:
    stored = int(matrix.indptr[-1])
    if stored < len(matrix.data):
        matrix.data, matrix.indices = matrix.data[:stored], matrix.indices[:stored]


def _matrices(data: AnnData) -> Iterator[tuple[str, Any]]:
    yield "X", data.X
    if data.raw is not None:
        yield "raw", data.raw.X
    for name, group in (
        ("layers", data.layers), ("obsm", data.obsm), ("varm", data.varm),
        ("obsp", data.obsp), ("varp", data.varp),
    ):  # fmt: skip
        for key in list(group):
            yield f'{name}["{key}"]', group[key]
