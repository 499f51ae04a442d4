"""What the commands on a finished result share: the file that they read, and checks of outputs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import OutputError, SettingsError
from ..files import check_writable, refuse_overwriting
from ..reading import check_file

if TYPE_CHECKING:
    from anndata import AnnData

Source = Annotated[
    Path,
    typer.Argument(
        metavar="IN.h5ad",
        help="A prediction, or any h5ad (or AnnData or SpatialData in zarr) with expression",
    ),
]


def read_result(path: Path) -> AnnData:
    """Read an .h5ad file or a .zarr folder of AnnData, of this program or another.

    Genes of one name are told apart by a number behind it, as scanpy does.

    Raises
    ------
    SettingsError
        If it is missing or damaged.
    """
    from ..anndata_file import read_anndata

    _check_there(path)
    data = read_anndata(path, SettingsError)
    _with_genes_apart(data)
    return data


@contextmanager
def opened_result(path: Path) -> Iterator[tuple[AnnData, Any]]:
    """Read a result but for its matrices; yield it, and (n, G) X, read by rows from the file.

    Raises
    ------
    SettingsError
        If it is missing or damaged.
    """
    from ..anndata_file import opened_anndata

    _check_there(path)
    with opened_anndata(path, SettingsError) as (data, x):
        _with_genes_apart(data)
        yield data, x


def _with_genes_apart(data: AnnData) -> None:
    from anndata.utils import make_index_unique

    if data.var_names.has_duplicates:
        data.var_names = make_index_unique(data.var_names.astype(str))


def _check_there(path: Path) -> None:
    from ..anndata_file import is_zarr

    folder = path.is_dir()
    if folder and not is_zarr(path):
        raise SettingsError(f"{path} is a folder, but no AnnData in zarr; give an .h5ad file.")
    if not folder:
        check_file(path, "an .h5ad file", SettingsError)


def check_out_csv(option: str, out: Path, inputs: dict[str, Path]) -> None:
    """Make sure, before the work, that a table can be written to a file and is no input.

    Raises
    ------
    OutputError
        If it is a folder or one of the inputs, or cannot be written there.
    """
    if out.is_dir():
        raise OutputError(f"{option} {out} is a folder; give the name of a .csv file.")
    refuse_overwriting(out, inputs)
    check_writable(out)
