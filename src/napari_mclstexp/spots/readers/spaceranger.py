"""Space Ranger's ``outs/`` folder: Visium of every version, and one bin size of Visium HD."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import anndata
import numpy as np
import pandas as pd
from pydantic import BaseModel, Field

from ...errors import SpotsError
from ...reading import read_json
from ...reading.checked_values import validated
from ..build import make_spots
from ..schema import SpotMetadata
from .count_matrix import Matrix, read_h5, read_mtx
from .parquet_table import read_parquet
from .text_table import in_tissue_flags, numbers, read_table

DIAMETER_UM, PITCH_UM = 55.0, 100.0
GENE_EXPRESSION = "Gene Expression"
MATRIX_FOLDER, RAW_FOLDER = "filtered_feature_bc_matrix", "raw_feature_bc_matrix"
MATRIX_H5, RAW_H5 = f"{MATRIX_FOLDER}.h5", f"{RAW_FOLDER}.h5"
MATRIX_FOLDERS = (MATRIX_FOLDER, "filtered_count_matrix")  # the latter as Wu et al. 2021 name it
POSITIONS = (
    "tissue_positions.parquet",
    "tissue_positions.csv",
    "tissue_positions_list.csv",
)
COLUMNS = (
    "barcode", "in_tissue", "array_row", "array_col", "pxl_row_in_fullres", "pxl_col_in_fullres",
)  # fmt: skip
HD_BINS = ("square_008um", "square_016um", "square_002um")  # in the order they are tried


SCALE_FACTORS = "Space Ranger's scale factors"
PARQUET = "a parquet table of positions"
Length = Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)]


class ScaleFactors(BaseModel):
    """What Space Ranger says of a section's scale, as far as it is used here."""

    spot_diameter_fullres: Length | None = None
    bin_size_um: Length | None = None
    microns_per_pixel: Length | None = None


def find_outs(path: Path) -> Path | None:
    """Return the folder that holds ``spatial/`` for a path at, above or inside it, if any."""
    if path.is_file():
        path = path.parent
    candidates = [path, path / "outs"]
    for folder in (path, path / "outs"):
        candidates += [folder / "binned_outputs" / name for name in HD_BINS]
        candidates += [folder / name for name in HD_BINS]
    if path.name in ("spatial", MATRIX_FOLDER, RAW_FOLDER):
        candidates.append(path.parent)
    for folder in candidates:
        if any((folder / "spatial" / name).is_file() for name in POSITIONS):
            return folder
    return None


def read_spaceranger(path: Path) -> anndata.AnnData:
    """Read an ``outs/`` folder: the spots in tissue, with their counts where there is a matrix.

    Parameters
    ----------
    path
        ``outs``, its parent, a folder in it, or of Visium HD a bin folder (``square_008um`` is
        taken where several are there).

    Raises
    ------
    SpotsError
        Naming what is missing or wrong.
    """
    folder = find_outs(path)
    if folder is None and (path / "cell_segmentations.geojson").is_file():
        raise SpotsError(
            f"{path} holds cells, not spots; choose a folder of bins beside it, such as "
            "binned_outputs/square_008um."
        )
    if folder is None:
        raise SpotsError(
            f"{path} is no Space Ranger output: it has no spatial/tissue_positions.csv, "
            "tissue_positions_list.csv or tissue_positions.parquet; choose the outs folder."
        )
    source, positions = _read_positions(folder / "spatial")
    metadata = _metadata(folder)
    matrix, metadata = _read_matrix(folder, metadata)
    in_tissue = positions[positions["in_tissue"]]
    counts: dict[str, Any] = {}
    if matrix is not None:
        place = {barcode: i for i, barcode in enumerate(matrix.barcodes)}
        with_counts = in_tissue["barcode"].isin(place)
        if not with_counts.any():
            raise SpotsError(
                f"No barcode of {source} stands in the count matrix of {folder}; "
                "the files belong to different samples."
            )
        metadata = replace(metadata, n_spots_without_counts=int((~with_counts).sum()))
        in_tissue = in_tissue[with_counts]
        rows = [place[barcode] for barcode in in_tissue["barcode"]]
        counts = {
            "counts": matrix.counts[rows], "genes": matrix.genes, "gene_ids": matrix.gene_ids,
        }  # fmt: skip
    return make_spots(
        barcodes=in_tissue["barcode"].tolist(),
        xy=in_tissue[["pxl_col_in_fullres", "pxl_row_in_fullres"]].to_numpy(dtype=np.float64),
        array_row=in_tissue["array_row"].to_numpy(dtype=np.int64),
        array_col=in_tissue["array_col"].to_numpy(dtype=np.int64),
        metadata=metadata,
        **counts,
    )


def _read_positions(spatial: Path) -> tuple[Path, pd.DataFrame]:
    path = next(spatial / name for name in POSITIONS if (spatial / name).is_file())
    if path.suffix == ".parquet":
        table = read_parquet(path, PARQUET, COLUMNS, texts=COLUMNS[:2])
        return path, _checked(path, table, first_line=1)
    raw = read_table(path, sep=",", header=None)
    first_line = 1
    # Up to Space Ranger 1.x there was no header; since 2.0 there is one.
    if len(raw) and str(raw.iloc[0, 0]).strip().lower() == "barcode":
        raw.columns = [str(name).strip() for name in raw.iloc[0]]
        raw, first_line = raw.iloc[1:].reset_index(drop=True), 2
    elif raw.shape[1] == len(COLUMNS):
        raw.columns = list(COLUMNS)
    return path, _checked(path, raw, first_line)


def _checked(path: Path, raw: pd.DataFrame, first_line: int) -> pd.DataFrame:
    """Return the columns of a table of positions with the values that they must have."""
    lacking = [name for name in COLUMNS if name not in raw]
    if lacking:
        raise SpotsError(
            f"{path} has no column {lacking[0]}; Space Ranger writes {', '.join(COLUMNS)}."
        )
    unnamed = raw["barcode"].isna() | (raw["barcode"].astype(str).str.strip() == "")
    if unnamed.any():
        raise SpotsError(
            f"{path}, line {int(np.argmax(unnamed)) + first_line}: there is no barcode "
            f"({int(unnamed.sum()):,} such lines in all); copy the folder again."
        )
    table = pd.DataFrame({"barcode": raw["barcode"].astype(str).str.strip()})
    table["in_tissue"] = in_tissue_flags(path, raw["in_tissue"], table["barcode"].tolist())
    for column in COLUMNS[2:]:
        table[column] = numbers(path, raw, column, first_line)
    return table


def _metadata(folder: Path) -> SpotMetadata:
    """Return the platform, and pitch and diameter in µm; HD states its bin size itself."""
    path = folder / "spatial" / "scalefactors_json.json"
    factors = ScaleFactors()
    if os.path.lexists(path):
        said = read_json(path, SCALE_FACTORS, SpotsError, most=2**20)
        factors = validated(ScaleFactors, said, path, SpotsError)
    diameter_px, size = factors.spot_diameter_fullres, factors.bin_size_um
    if size is None:
        return SpotMetadata(
            "visium", str(folder), PITCH_UM, DIAMETER_UM, spot_diameter_px=diameter_px
        )
    return SpotMetadata(
        "visium-hd", str(folder), size, size, diameter_px, factors.microns_per_pixel
    )


def _read_matrix(folder: Path, known: SpotMetadata) -> tuple[Matrix | None, SpotMetadata]:
    """Return the counts, and what is known of the spots, which says so where they are raw."""
    raw = replace(known, counts_note=f"there is no {MATRIX_FOLDER}, so {RAW_FOLDER} is taken")
    for h5, folders, said in (
        (MATRIX_H5, MATRIX_FOLDERS, known),
        (RAW_H5, (RAW_FOLDER,), raw),
    ):
        if (folder / h5).is_file():
            return read_h5(folder / h5), said
        for name in folders:
            if (folder / name).is_dir():
                return read_mtx(folder / name), said
        # A download page names the file after the sample: V1_..._filtered_feature_bc_matrix.h5
        named = sorted(folder.glob(f"*{h5}"))
        if named:
            return read_h5(named[0]), said
    return None, known
