"""A prediction as a file: written whole or not at all, read back with what it must have checked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import anndata

from ..anndata_file import read_anndata, write_h5ad
from ..errors import SpotsError
from ..files import atomic_file
from ..running.stages import stage
from ..spots.schema import has_positions, is_prediction


def write_prediction(
    prediction: anndata.AnnData, path: Path | str, attributes: Mapping[str, str] | None = None
) -> None:
    """Write a prediction to a compressed .h5ad file.

    Parameters
    ----------
    prediction
        As `predict` returns it.
    path
        The file.
    attributes
        Of the file's root, which AnnData does not look at.

    Raises
    ------
    OutputError
        If the folder is missing or read-only, or the disk is full.
    """
    with stage("write"), atomic_file(path) as temporary:
        write_h5ad(prediction, temporary, attributes)


def read_prediction(path: Path | str) -> anndata.AnnData:
    """Read a prediction that `write_prediction` wrote.

    Raises
    ------
    SpotsError
        If the file is missing, damaged, or no prediction of this program.
    """
    path = Path(path)
    if not path.is_file():
        raise SpotsError(f"There is no prediction {path}; check the path.")
    prediction = read_anndata(path, SpotsError)
    if not (is_prediction(prediction) and has_positions(prediction)):
        raise SpotsError(
            f"{path} is not a prediction of napari-mclstexp; load it as spots instead."
        )
    return prediction
