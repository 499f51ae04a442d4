"""How AnnData is written: compressed where that saves room."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from anndata import AnnData

LOOKED_AT = 10_000  # numbers of an array


def write_h5ad(data: AnnData, path: Path, attributes: Mapping[str, str] | None = None) -> None:
    """Write AnnData as an .h5ad file, compressed where that saves room, by way of memory.

    Attributes go to its root. Predicted values have no zeros and hardly a bit in common:
    compressing a grid of them took longer than making them, and saved a seventh.

    On a full disk, HDF5 writing by itself fails many times over, and loudly, when its handles are
    closed; bytes fail once, with an OSError that `atomic_file` understands.
    """
    import h5py
    from anndata.experimental import write_dispatched

    def write(write_elem: Callable[..., None], group: Any, key: str, elem: Any, **_: Any) -> None:
        options = {} if _is_dense(elem) else {"compression": "gzip"}
        write_elem(group, key, elem, dataset_kwargs=options)

    content = BytesIO()
    with h5py.File(content, "w") as file:
        write_dispatched(file, "/", data, write)
        file.attrs.update(attributes or {})
    path.write_bytes(content.getbuffer())


def _is_dense(elem: Any) -> bool:
    """Whether most of a sample of an array's numbers are fractions other than 0."""
    import numpy as np

    if not isinstance(elem, np.ndarray) or elem.dtype.kind != "f" or not elem.size:
        return False
    some = elem.reshape(-1)[:: max(1, elem.size // LOOKED_AT)]
    return bool((some != 0).mean() > 0.5)
