"""What the commands on a finished result share: the file that they read, and checks of outputs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import OutputError, SettingsError
from ..files import refuse_overwriting

if TYPE_CHECKING:
    from anndata import AnnData

Source = Annotated[
    Path,
    typer.Argument(
        metavar="IN.h5ad", help="A prediction, or any h5ad (or AnnData in zarr) with expression"
    ),
]


def read_result(path: Path) -> AnnData:
    """Read an .h5ad file or a .zarr folder of AnnData, of this program or another.

    Raises
    ------
    SettingsError
        If it is missing or damaged.
    """
    import anndata

    with _readable(path):
        return anndata.read_zarr(path) if path.is_dir() else anndata.read_h5ad(path)


@contextmanager
def opened_result(path: Path) -> Iterator[tuple[AnnData, Any]]:
    """Read a result but for its matrices; yield it, and (n, G) X, read by rows from the file.

    Raises
    ------
    SettingsError
        If it is missing or damaged.
    """
    from ..anndata_file import opened_anndata

    with ExitStack() as open_file:
        with _readable(path):
            data, x = open_file.enter_context(opened_anndata(path))
        yield data, None if x is None else _Rows(path, x)


@dataclass(frozen=True)
class _Rows:
    """A matrix in a file, of which a slice of rows is read, or said to be damaged."""

    path: Path
    matrix: Any

    def __getitem__(self, rows: slice) -> Any:
        with _readable(self.path):
            return self.matrix[rows]


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    import warnings

    if (
        not path.is_file()
        and not (path / ".zgroup").is_file()
        and not (path / "zarr.json").is_file()
    ):
        if path.is_dir():
            raise SettingsError(f"{path} is a folder, but no AnnData in zarr; give an .h5ad file.")
        raise SettingsError(f"There is no file {path}; check the path.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # other versions of anndata warn about each other
            yield
    except Exception as error:  # h5py and anndata raise what the damage makes them raise
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        what = "AnnData in zarr" if path.is_dir() else ".h5ad file"
        raise SettingsError(f"{path} is damaged or no {what} ({reason}).") from error


def check_out_csv(option: str, out: Path, inputs: dict[str, Path]) -> None:
    """Make sure, before the work, that a table is written to a file and over no input.

    Raises
    ------
    OutputError
        If it is a folder, or one of the inputs.
    """
    if out.is_dir():
        raise OutputError(f"{option} {out} is a folder; give the name of a .csv file.")
    refuse_overwriting(out, inputs)
