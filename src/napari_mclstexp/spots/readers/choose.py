"""Which reader reads which spots, told by content."""

from __future__ import annotations

from pathlib import Path

import anndata

from ...anndata_file import is_zarr
from ...errors import SpotsError
from ...reading import guarded
from . import spaceranger
from .h5ad import read_h5ad_spots
from .legacy_st import is_selection, read_legacy
from .text_table import read_table
from .xy_table import read_xy

TABLES = (".tsv", ".csv", ".txt")


def read_spots(path: Path | str, counts: Path | str | None = None) -> anndata.AnnData:
    """Read where the spots are and, where there are any, their counts.

    Parameters
    ----------
    path
        A Space Ranger ``outs`` folder, a legacy ST selection table, an .h5ad file, a .zarr folder
        of AnnData or SpatialData, or a table with x and y in pixels.
    counts
        The counts table of a legacy ST section; looked for by name if not given.

    Returns
    -------
    AnnData
        ``X`` raw counts (no columns where there are none), ``obsm["spatial"]`` (x, y) in level-0
        pixels, ``obs`` array_row, array_col, in_tissue; what else is known says
        :class:`~napari_mclstexp.spots.schema.SpotMetadata`.

    Raises
    ------
    SpotsError
        If something is missing or wrong, with file and line.

    Examples
    --------
    >>> from napari_mclstexp.samples import sample_section
    >>> spots = read_spots(sample_section(1).spots)
    >>> sorted(spots.obs.columns)[:2]
    ['array_col', 'array_row']
    """
    path = Path(path)
    with guarded(path, "a file or folder of spots", SpotsError):
        if not path.exists():
            raise SpotsError(f"There is no file or folder {path}; check the path.")
        return _read(path, counts)


def _read(path: Path, counts: Path | str | None) -> anndata.AnnData:
    if is_zarr(path):
        return _without_counts_file(read_h5ad_spots(path), counts)
    if path.is_dir():
        return _without_counts_file(spaceranger.read_spaceranger(path), counts)
    if path.suffix == ".h5ad":
        return _without_counts_file(read_h5ad_spots(path), counts)
    if path.name in (*spaceranger.POSITIONS, spaceranger.MATRIX_H5, spaceranger.RAW_H5):
        return _without_counts_file(spaceranger.read_spaceranger(path), counts)
    if not set(path.suffixes) & set(TABLES):
        raise SpotsError(
            f"{path} is of a kind that is not known here; spots come as a Space Ranger outs "
            "folder, a legacy ST selection .tsv, an .h5ad or .zarr, or a .csv with x and y."
        )
    table = read_table(path)
    if is_selection(list(table.columns)):
        return read_legacy(path, None if counts is None else Path(counts))
    return _without_counts_file(read_xy(path, table), counts)


def _without_counts_file(spots: anndata.AnnData, counts: Path | str | None) -> anndata.AnnData:
    if counts is not None:
        raise SpotsError(
            f"{counts} cannot be used: a separate counts table belongs to legacy ST selection "
            "files only; leave it out."
        )
    return spots
