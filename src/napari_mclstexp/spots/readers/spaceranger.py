"""Space Ranger's ``outs/`` folder: Visium of every version, and one bin size of Visium HD."""

from __future__ import annotations

import gzip
import json
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
from scipy import io, sparse

from ...errors import SpotsError
from ..build import make_spots
from ..schema import SpotMetadata
from .text_table import in_tissue_flags, numbers, read_table

DIAMETER_UM, PITCH_UM = 55.0, 100.0
GENE_EXPRESSION = "Gene Expression"
MATRIX_H5 = "filtered_feature_bc_matrix.h5"
MATRIX_FOLDER = "filtered_feature_bc_matrix"
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


@dataclass(frozen=True)
class Matrix:
    """Counts as Space Ranger writes them, turned to spots x genes."""

    counts: sparse.csr_matrix
    barcodes: list[str]
    genes: list[str]
    gene_ids: list[str]


def find_outs(path: Path) -> Path | None:
    """Return the folder that holds ``spatial/`` for a path at, above or inside it, if any."""
    if path.is_file():
        path = path.parent
    candidates = [path, path / "outs"]
    for folder in (path, path / "outs"):
        candidates += [folder / "binned_outputs" / name for name in HD_BINS]
        candidates += [folder / name for name in HD_BINS]
    if path.name == "spatial" or path.name == MATRIX_FOLDER:
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
    if folder is None:
        raise SpotsError(
            f"{path} is no Space Ranger output: it has no spatial/tissue_positions.csv, "
            "tissue_positions_list.csv or tissue_positions.parquet; choose the outs folder."
        )
    source, positions = _read_positions(folder / "spatial")
    metadata = _metadata(folder)
    matrix = _read_matrix(folder)
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
        try:
            table = pd.read_parquet(path)
        except (OSError, ValueError) as error:
            raise SpotsError(f"{path} cannot be read as parquet ({error}).") from error
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
    table = pd.DataFrame({"barcode": raw["barcode"].astype(str).str.strip()})
    table["in_tissue"] = in_tissue_flags(path, raw["in_tissue"], table["barcode"].tolist())
    for column in COLUMNS[2:]:
        table[column] = numbers(path, raw, column, first_line)
    return table


def _metadata(folder: Path) -> SpotMetadata:
    """Return the platform, and pitch and diameter in µm; HD states its bin size itself."""
    path = folder / "spatial" / "scalefactors_json.json"
    factors: dict[str, Any] = {}
    if path.is_file():
        try:
            factors = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise SpotsError(f"{path} is not JSON ({error}).") from error

    def factor(name: str) -> float | None:
        return float(factors[name]) if name in factors else None

    diameter_px, size = factor("spot_diameter_fullres"), factor("bin_size_um")
    if size is None:
        return SpotMetadata(
            "visium", str(folder), PITCH_UM, DIAMETER_UM, spot_diameter_px=diameter_px
        )
    return SpotMetadata(
        "visium-hd", str(folder), size, size, diameter_px, factor("microns_per_pixel")
    )


def _read_matrix(folder: Path) -> Matrix | None:
    if (folder / MATRIX_H5).is_file():
        return _read_h5(folder / MATRIX_H5)
    for name in MATRIX_FOLDERS:
        if (folder / name).is_dir():
            return _read_mtx(folder / name)
    # A download page names the file after the sample: V1_..._filtered_feature_bc_matrix.h5
    named = sorted(folder.glob(f"*{MATRIX_H5}"))
    return _read_h5(named[0]) if named else None


def _read_h5(path: Path) -> Matrix:
    import scanpy

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # names that repeat are made unique later
            found = scanpy.read_10x_h5(path)
    except Exception as error:  # scanpy and h5py raise what the damage makes them raise
        raise SpotsError(
            f"{path} is damaged or no 10x count matrix ({error}); copy the file again."
        ) from error
    names = [str(name) for name in found.var_names]
    return Matrix(found.X, found.obs_names.tolist(), names, found.var["gene_ids"].tolist())


def _read_mtx(folder: Path) -> Matrix:
    try:
        with _open_text(folder, "matrix.mtx") as file:
            by_barcode = io.mmread(file)
        barcodes = _lines(folder, "barcodes.tsv")
        named = "features.tsv" if _which(folder, "features.tsv") else "genes.tsv"
        features = [line.split("\t") for line in _lines(folder, named)]
    except (OSError, ValueError, EOFError) as error:
        raise SpotsError(f"The count matrix in {folder} cannot be read ({error}).") from error
    kinds = [row[2] for row in features] if features and len(features[0]) > 2 else None
    return _keep_expression(
        sparse.csr_matrix(by_barcode.T),
        [line.split("\t")[0] for line in barcodes],
        [row[1] if len(row) > 1 else row[0] for row in features],
        [row[0] for row in features],
        kinds,
    )


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


def _open_text(folder: Path, name: str) -> Any:
    path = _which(folder, name)
    if path is None:
        raise SpotsError(f"{folder} has no {name} or {name}.gz; copy the folder again.")
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")


def _lines(folder: Path, name: str) -> list[str]:
    with _open_text(folder, name) as file:
        return [line.rstrip("\r\n") for line in file.read().decode().split("\n") if line.strip()]
