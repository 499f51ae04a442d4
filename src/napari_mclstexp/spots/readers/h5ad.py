"""Spots as AnnData, in .h5ad or zarr: of scanpy, squidpy, SpatialData, or a prediction of ours."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from ...anndata_file import read_anndata, table_folder
from ...errors import SpotsError
from ...reading.numbers import as_numbers
from ..build import make_spots
from ..schema import FARTHEST_PX, SpotMetadata, has_positions, is_prediction, positions
from .spatialdata_shapes import place_by_shapes
from .text_table import MOST_COLUMNS, in_tissue_flags

PLATFORM = "h5ad"
AT_ONCE = 2**22  # values


def read_h5ad_spots(path: Path) -> anndata.AnnData:
    """Read spots and, where they are raw, counts, out of an .h5ad file or a .zarr folder.

    Counts are looked for in ``layers["counts"]``, then ``raw``, then ``X``; values that are not
    whole are left out, since nothing can be normalised from them, and the metadata say so.

    Raises
    ------
    SpotsError
        If it is damaged or does not say where the spots are.
    """
    found = read_anndata(path, SpotsError)
    known = SpotMetadata.read(found)
    table = table_folder(path, SpotsError)
    if table != path and not has_positions(found):
        diameter = place_by_shapes(found, path)
        known = replace(known, spot_diameter_px=known.spot_diameter_px or diameter)
    if not has_positions(found):
        raise SpotsError(
            f'{path} has no obsm["spatial"] with x and y in pixels, and no x_pixel and y_pixel in '
            "obs; spots need to be somewhere."
        )
    counts, genes, ids, note = _counts(found)
    spots = make_spots(
        barcodes=list(found.obs_names),
        xy=positions(found),
        array_row=_position(found.obs, "array_row"),
        array_col=_position(found.obs, "array_col"),
        in_tissue=(
            in_tissue_flags(path, found.obs["in_tissue"], found.obs_names)
            if "in_tissue" in found.obs
            else None
        ),
        metadata=SpotMetadata(
            platform=known.platform or PLATFORM,
            source=str(path),
            pitch_um=known.pitch_um,
            spot_diameter_um=known.spot_diameter_um,
            spot_diameter_px=known.spot_diameter_px,
            counts_note=note or None,
        ),
        counts=counts,
        genes=genes,
        gene_ids=ids,
    )
    others = found.obs.columns.difference(spots.obs.columns)
    if len(others) > MOST_COLUMNS or found.obs.columns.has_duplicates:
        raise SpotsError(
            f"{path} has {len(others):,} columns in obs, or two of one name; a table of spots has "
            f"at most {MOST_COLUMNS:,}, each named once."
        )
    for column in others:
        spots.obs[column] = found.obs[column].to_numpy()
    return spots


def _counts(found: anndata.AnnData) -> tuple[Any, list[str], list[str], str]:
    if is_prediction(found):  # a prediction: its X was never counted
        return None, [], [], "the file is a prediction, which has no counts"
    candidates: list[tuple[str, Any, pd.DataFrame]] = []
    if "counts" in found.layers:
        candidates.append(('layers["counts"]', found.layers["counts"], found.var))
    if found.raw is not None:
        candidates.append(("raw", found.raw.X, found.raw.var))
    if found.X is not None:
        candidates.append(("X", found.X, found.var))
    for _, values, var in candidates:
        if values.shape[1] and _are_whole(values):
            ids = var["gene_ids"].astype(str).tolist() if "gene_ids" in var else []
            return sparse.csr_matrix(values), [str(name) for name in var.index], ids, ""
    if not candidates:
        return None, [], [], ""
    places = ", ".join(place for place, _, _ in candidates)
    return None, [], [], f"{places} hold no whole numbers, so there are no counts"


def _are_whole(values: Any) -> bool:
    """Whether (n, G) values are whole numbers; of others, a few tell."""
    numbers = np.asarray(values.data if sparse.issparse(values) else values)
    if numbers.dtype.kind not in "iufb":
        return False
    step = max(1, AT_ONCE * len(numbers) // max(1, numbers.size))
    blocks = (numbers[i : i + step] for i in range(0, len(numbers), step))
    return all((block == np.round(block)).all() for block in blocks)


def _position(obs: pd.DataFrame, column: str) -> NDArray[np.int64]:
    if column not in obs:
        return np.zeros(len(obs), dtype=np.int64)
    values = as_numbers(obs[column])
    return np.where(np.abs(values) < FARTHEST_PX, values, 0).astype(np.int64)
