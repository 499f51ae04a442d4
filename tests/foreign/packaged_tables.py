"""Counts and spots out of others' packages, each held to scanpy's or anndata's own reader."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
from scipy import sparse

from napari_mclstexp.anndata_file import read_anndata
from napari_mclstexp.errors import SpotsError
from napari_mclstexp.spots.readers.choose import read_spots
from napari_mclstexp.spots.readers.count_matrix import Matrix, read_h5, read_mtx
from napari_mclstexp.spots.schema import has_positions, positions

from .results import Result, same

LIST = "tissue_positions_list.csv"


def dense(values: Any) -> np.ndarray:
    """Return a matrix of any kind as an array."""
    return np.asarray(values.toarray() if sparse.issparse(values) else values)


def packaged_tables(sources: dict[str, Path], scratch: Path) -> Iterator[Result]:
    """Yield a result for each table and folder in the sources."""
    for package, home in sources.items():
        for path in sorted(home.rglob("*")):
            found = _check_of(path)
            if found is not None:
                kind, check = found
                name = str(path.relative_to(next(home.iterdir())))
                yield same(kind, package, name, check)


def _check_of(path: Path) -> tuple[str, Callable[[], str]] | None:
    if path.suffix == ".h5ad":
        return "h5ad", lambda: check_anndata(path)
    if path.suffix == ".zarr" and path.is_dir():
        return "AnnData in zarr", lambda: check_anndata(_only(path))
    if path.suffix == ".h5" and "10x" in str(path):
        return "10x matrix in HDF5", lambda: _check_matrix(path, read_h5)
    if path.name in ("matrix.mtx", "matrix.mtx.gz"):
        return "10x matrix in MatrixMarket", lambda: _check_matrix(path.parent, read_mtx)
    if (path / "spatial" / LIST).is_file() or path.name == "2.1.0":
        return "Space Ranger folder", lambda: _check_visium(path)
    if path.suffix in (".csv", ".tsv") and path.name.startswith("adata"):
        return "table of spots", lambda: f"{read_spots(path).n_obs} spots"
    return None


def _only(path: Path) -> Path:
    """Return the folder itself, or the one that an archive holds in it."""
    inside = [each for each in path.iterdir() if each.is_dir() and each.suffix == ".zarr"]
    return inside[0] if len(inside) == 1 else path


def check_anndata(path: Path) -> str:
    """Hold AnnData to what the package anndata reads; its spots too, where it has any."""
    found = read_anndata(path, SpotsError)
    expected = (anndata.read_zarr if path.is_dir() else anndata.read_h5ad)(path)
    if expected.X is not None:
        np.testing.assert_array_equal(dense(found.X), dense(expected.X))
    pd.testing.assert_frame_equal(found.obs, expected.obs)
    pd.testing.assert_frame_equal(found.var, expected.var)
    for name, layer in expected.layers.items():
        np.testing.assert_array_equal(dense(found.layers[name]), dense(layer))
    said = f"{found.n_obs:,} x {found.n_vars:,} values, obs and var equal anndata's"
    if has_positions(found):
        spots = read_spots(path)
        np.testing.assert_array_equal(spots.obsm["spatial"], positions(expected))
        return f"{said}; {spots.n_obs:,} spots"
    return f"{said}; no positions, so no spots"


def _check_matrix(path: Path, read: Callable[[Path], Matrix]) -> str:
    import scanpy

    found = read(path)
    if path.is_dir():
        expected = scanpy.read_10x_mtx(path, var_names="gene_ids")
        ids = list(expected.var_names)
    else:
        expected = scanpy.read_10x_h5(path)
        ids = expected.var["gene_ids"].tolist()
    np.testing.assert_array_equal(dense(found.counts), dense(expected.X))
    assert found.barcodes == list(expected.obs_names)
    assert found.gene_ids == ids
    spots, genes = found.counts.shape
    return f"{spots:,} x {genes:,} counts equal scanpy's"


def _check_visium(folder: Path) -> str:
    import scanpy

    spots = read_spots(folder)
    counts = scanpy.read_10x_h5(next(folder.glob("*filtered_feature_bc_matrix.h5")))
    table = pd.read_csv(folder / "spatial" / LIST, header=None, index_col=0)
    table = table[table[1] == 1]
    wanted = [barcode for barcode in table.index if barcode in counts.obs_names]
    assert spots.obs_names.tolist() == wanted
    np.testing.assert_array_equal(dense(spots.X), dense(counts[wanted].X))
    np.testing.assert_array_equal(spots.obsm["spatial"], table.loc[wanted, [5, 4]])
    factors = json.loads((folder / "spatial" / "scalefactors_json.json").read_text())
    assert spots.uns["mclstexp"]["spot_diameter_px"] == factors["spot_diameter_fullres"]
    return f"{spots.n_obs:,} spots, {spots.n_vars:,} genes, places and scale equal scanpy's"
