"""AnnData files: what a full disk says, and reading without the matrices."""

from __future__ import annotations

import errno
import gc

import numpy as np
import pytest
from anndata import AnnData, read_h5ad
from scipy import sparse

from napari_mclstexp.anndata_file import opened_anndata, write_h5ad, write_zarr
from napari_mclstexp.errors import SettingsError
from support.session_kit import make_spots


@pytest.fixture
def largest():
    """Return what limits the size of files, as a disk that fills does, until the test ends."""
    resource = pytest.importorskip("resource", reason="needs limits of processes")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("size", [100, 5_000, 1_079_296, 1_500_000])
def test_a_full_disk_is_one_error_and_no_noise(size, largest, tmp_path, capfd):
    data = AnnData(np.random.default_rng(0).random((900, 300), dtype=np.float32))
    data.layers["more"], data.obs["text"] = data.X, "x"
    largest(size)
    with pytest.raises(OSError, match="File too large") as raised:
        write_h5ad(data, tmp_path / "x.h5ad")
    assert raised.value.errno == errno.EFBIG
    gc.collect()
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
    with opened_anndata(tmp_path / f"x.{kind}", SettingsError) as (data, x):
        assert data.X is None
        assert not data.layers
        assert data.raw is None
        assert data.obs.equals(whole.obs)
        assert data.var.equals(whole.var)
        np.testing.assert_array_equal(data.obsm["spatial"], whole.obsm["spatial"])
        rows = x[3:9]
        rows = rows.toarray() if sparse.issparse(rows) else rows
        np.testing.assert_array_equal(rows, values[3:9])
