"""How AnnData is read, checked before it is trusted, and written, packed where that saves room."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import UserError
from .reading import guarded
from .reading.folder_checks import check_zarr
from .reading.hdf5_checks import check_hdf5
from .reading.sparse_checks import check_anndata, check_matrix, check_parts

if TYPE_CHECKING:
    from anndata import AnnData

LOOKED_AT = 10_000  # numbers of an array
# Of several in a SpatialData folder: ours, the one of most readers, and Visium HD's bins.
USUAL_TABLES = ("expression", "table", "square_008um", "square_016um")


def is_zarr(path: Path) -> bool:
    """Whether a path is a folder of zarr, of either format."""
    return any((path / name).is_file() for name in (".zgroup", ".zattrs", "zarr.json"))


def table_folder(path: Path, error: type[UserError]) -> Path:
    """Return where the AnnData of a path lies: the table of a SpatialData folder, else itself.

    Raises
    ------
    UserError
        If a SpatialData folder has no table, or several of which none is the usual one.
    """
    tables = path / "tables"
    if not tables.is_dir():
        return path
    with guarded(tables, "SpatialData", error):
        names = sorted(each.name for each in tables.iterdir() if each.is_dir())
    if not names:
        raise error(f"{path} is SpatialData without a table of expression; add one.")
    chosen = names[0] if len(names) == 1 else next((t for t in USUAL_TABLES if t in names), None)
    if chosen is None:
        raise error(
            f"{path} holds the tables {', '.join(names)[:200]}; write the one to be read as "
            "AnnData, in h5ad or zarr."
        )
    return tables / chosen


def read_anndata(path: Path, error: type[UserError]) -> AnnData:
    """Read an .h5ad file, or a .zarr folder of AnnData or SpatialData, whoever wrote it.

    Parameters
    ----------
    path
        The file or folder.
    error
        Class of what is raised.

    Raises
    ------
    UserError
        If it is missing or damaged, leads out of itself, or does not fit into memory.
    """
    import anndata

    path = table_folder(path, error)
    with _trusted(path, error):
        data = anndata.read_zarr(path) if path.is_dir() else anndata.read_h5ad(path)
        check_anndata(data, path, error)
    return data


@contextmanager
def _trusted(path: Path, error: type[UserError]) -> Iterator[None]:
    """Check a file or folder, and guard the block that reads it."""
    what = "AnnData in zarr" if path.is_dir() else "an .h5ad file"
    (check_zarr if path.is_dir() else check_hdf5)(path, what, error)
    with guarded(path, what, error, quiet=True):  # versions of anndata warn about each other
        yield


def write_h5ad(data: AnnData, path: Path, attributes: Mapping[str, str] | None = None) -> None:
    """Write AnnData as an .h5ad file, compressed where that saves room.

    Attributes go to its root. Predicted values have no zeros and hardly a bit in common:
    compressing a grid of them took longer than making them, and saved a seventh.

    Raises
    ------
    OSError
        If it cannot be written, as on a full disk. HDF5 writing by itself fails many times over
        then, and loudly, when its handles are closed.
    """
    import h5py
    from anndata.experimental import write_dispatched

    def write(write_elem: Callable[..., None], group: Any, key: str, elem: Any, **_: Any) -> None:
        options = {} if _is_dense(elem) else {"compression": "gzip"}
        write_elem(group, key, elem, dataset_kwargs=options)

    with (
        path.open("w+b", buffering=0) as file,
        _Patient(file) as content,
        h5py.File(content, "w") as h5,
    ):
        write_dispatched(h5, "/", data, write)
        h5.attrs.update(attributes or {})


def write_zarr(data: AnnData, folder: Path) -> None:
    """Write AnnData into a folder, in zarr's format 2, which all versions of anndata read."""
    import zarr
    from anndata.io import write_elem

    write_elem(zarr.open_group(folder, mode="w", zarr_format=2), "/", data)


@contextmanager
def opened_anndata(path: Path, error: type[UserError]) -> Iterator[tuple[AnnData, Any]]:
    """Read an .h5ad file or a .zarr folder, but for its layers and what was before it (``raw``).

    Parameters
    ----------
    path, error
        As of `read_anndata`.

    Yields
    ------
    The AnnData, without X, and (n, G) X as it is in the file, of which rows are read by a slice;
    None if it has none.

    Raises
    ------
    UserError
        As of `read_anndata`, also from a slice.
    """
    import h5py
    import zarr

    path = table_folder(path, error)
    with ExitStack() as open_file:
        with _trusted(path, error):
            opened = zarr.open_group(path, mode="r") if path.is_dir() else h5py.File(path, "r")
            file = opened if path.is_dir() else open_file.enter_context(opened)
            lacking = [each for each in ("obs", "var") if each not in file]
            if lacking:
                raise error(f"{path} is no AnnData: it has no {lacking[0]}; write it anew.")
            x, data = _matrix_of(file, path, error), _without_matrices(file)
            check_anndata(data, path, error)
        yield data, None if x is None else _Rows(path, x, error)


def _matrix_of(file: Any, path: Path, error: type[UserError]) -> Any:
    import h5py
    import numpy as np
    import zarr
    from anndata.io import sparse_dataset

    x = file.get("X")
    if not isinstance(x, h5py.Group | zarr.Group):
        return x
    x = sparse_dataset(x)
    if x.format == "csr":
        group, (rows, columns) = file["X"], x.shape
        indptr, indices = (np.asarray(group[name][:]) for name in ("indptr", "indices"))
        check_parts(indptr, indices, group["data"].shape[0], rows, columns, "X", path, error)
        return x
    x = x.to_memory()
    check_matrix(x, "X", path, error)
    return x.tocsr()


def _without_matrices(file: Any) -> AnnData:
    from anndata import AnnData
    from anndata.experimental import read_dispatched

    left_out = ("X", "layers", "raw")

    def read(read_elem: Callable[[Any], Any], name: str, elem: Any, **_: Any) -> Any:
        if name not in ("", "/"):
            return read_elem(elem)
        parts = (key for key in elem if key.split(".")[0] not in left_out)
        return AnnData(**{key: read_dispatched(elem[key], read) for key in parts})

    data: AnnData = read_dispatched(file, read)
    return data


@dataclass(frozen=True)
class _Rows:
    """A matrix in a file, of which a slice of rows is read, or said to be damaged."""

    path: Path
    matrix: Any
    error: type[UserError]

    def __getitem__(self, rows: slice) -> Any:
        with guarded(self.path, "AnnData", self.error, quiet=True):
            part = self.matrix[rows]
            check_matrix(part, "X", self.path, self.error)
        return part


def sharing_matrices(data: AnnData) -> AnnData:
    """Return another AnnData over the same matrices, with tables of its own."""
    from anndata import AnnData

    return AnnData(
        data.X,
        obs=data.obs.copy(),
        var=data.var.copy(),
        uns=dict(data.uns),
        obsm=dict(data.obsm),
        varm=dict(data.varm),
        layers=dict(data.layers),
        obsp=dict(data.obsp),
        varp=dict(data.varp),
    )


class _Patient(io.RawIOBase):
    """A file for HDF5 to write to, whose first error is kept until HDF5 is done."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._error: OSError | None = None

    def __exit__(self, *raised: object) -> None:
        if self._error is not None:
            raise self._error

    def write(self, content: Any) -> int:
        left = memoryview(content)
        try:
            while self._error is None and left:
                left = left[self._file.write(left) :]  # a disk that fills takes a part first
        except OSError as error:
            self._error = error
        return len(content)

    def readinto(self, buffer: Any) -> int:
        if self._error is not None:
            return len(buffer)
        return int(self._file.readinto(buffer))

    def seek(self, offset: int, whence: int = 0) -> int:
        return int(self._file.seek(offset, whence))

    def tell(self) -> int:
        return int(self._file.tell())

    def truncate(self, size: int | None = None) -> int:
        try:
            return int(self._file.truncate(size))
        except OSError as error:
            self._error = self._error or error
        return size or 0

    def flush(self) -> None:
        """Leave it to the end: a file that is not whole has no use."""

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True


def _is_dense(elem: Any) -> bool:
    """Whether most of a sample of an array's numbers are fractions other than 0."""
    import numpy as np

    if not isinstance(elem, np.ndarray) or elem.dtype.kind != "f" or not elem.size:
        return False
    if not elem.flags.c_contiguous:  # of which a flat view would be a copy
        elem = elem[:: max(1, len(elem) // LOOKED_AT)]
    some = elem.reshape(-1)[:: max(1, elem.size // LOOKED_AT)]
    return bool((some != 0).mean() > 0.5)
