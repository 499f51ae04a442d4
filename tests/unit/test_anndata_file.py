"""AnnData files: what a full disk says, and reading without the matrices."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pytest
from anndata import AnnData, read_h5ad
from scipy import sparse

from napari_mclstexp.anndata_file import opened_anndata, write_h5ad, write_zarr
from support.session_kit import make_spots


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("genes", [3, 3000])
def test_a_full_disk_is_one_error_and_no_noise(genes, capfd):
    data = AnnData(np.random.default_rng(0).random((900, genes), dtype=np.float32))
    with pytest.raises(OSError, match="No space left") as raised:
        write_h5ad(data, Path("/dev/full"))
    assert raised.value.errno == errno.ENOSPC
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix, sparse.csc_matrix])
@pytest.mark.parametrize("kind", ["h5ad", "zarr"])
def test_all_but_the_matrices_is_read_and_rows_when_asked_for(tmp_path, form, kind):
    spots = make_spots()
    values = np.asarray(spots.to_df(), dtype=np.float32)
    spots.X = form(values)
    spots.layers["spread"] = values
    spots.raw = spots
    write_h5ad(spots, tmp_path / "x.h5ad", {"attribute": "kept"})
    whole = read_h5ad(tmp_path / "x.h5ad")
    if kind == "zarr":
        write_zarr(spots, tmp_path / "x.zarr")
    with opened_anndata(tmp_path / f"x.{kind}") as (data, x):
        assert data.X is None
        assert not data.layers
        assert data.raw is None
        assert data.obs.equals(whole.obs)
        assert data.var.equals(whole.var)
        np.testing.assert_array_equal(data.obsm["spatial"], whole.obsm["spatial"])
        rows = x[3:9]
        rows = rows.toarray() if sparse.issparse(rows) else rows
        np.testing.assert_array_equal(rows, values[3:9])
