"""Spots as other programs keep them: pixels in obs, AnnData in zarr, SpatialData."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData

from napari_mclstexp.errors import SpotsError
from napari_mclstexp.spots.readers.choose import read_spots
from support.foreign_kit import spatialdata_folder, write_zarr

pytestmark = pytest.mark.filterwarnings("ignore:zarr v3 autosharding")
BARCODES = ["AAA-1", "CCC-1", "GGG-1"]
COUNTS = np.array([[1, 0], [0, 3], [4, 0]])
XY = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])


def measured() -> AnnData:
    obs, var = pd.DataFrame(index=BARCODES), pd.DataFrame(index=["EPCAM", "CD3D"])
    return AnnData(COUNTS.astype(np.float32), obs=obs, var=var, obsm={"spatial": XY})


def unplaced() -> AnnData:
    data = measured()
    del data.obsm["spatial"]
    return data


@pytest.mark.parametrize(
    "columns",
    [("x_pixel", "y_pixel"), ("pixel_x", "pixel_y"), ("pxl_col_in_fullres", "pxl_row_in_fullres")],
)
def test_h5ad_with_pixels_in_its_table(tmp_path, columns):
    data, path = measured(), tmp_path / "o.h5ad"
    data.obs[list(columns)] = data.obsm.pop("spatial")
    data.write_h5ad(path)
    assert read_spots(path).obsm["spatial"].tolist() == XY.tolist()
    data.obs[columns[1]] = [1.0, np.nan, 3.0]
    data.write_h5ad(path)
    with pytest.raises(SpotsError, match="no coordinates for the spot CCC-1"):
        read_spots(path)


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_anndata_in_zarr_gives_its_spots(tmp_path, zarr_format):
    write_zarr(tmp_path / "x.zarr", measured(), zarr_format)
    spots = read_spots(tmp_path / "x.zarr")
    assert spots.obs_names.tolist() == BARCODES
    assert spots.obsm["spatial"].tolist() == XY.tolist()
    np.testing.assert_array_equal(spots.X.toarray(), COUNTS)


def test_spots_of_spatialdata_stand_where_its_shapes_are(tmp_path):
    spots = read_spots(spatialdata_folder(tmp_path / "s.zarr", unplaced()))
    assert spots.obs_names.tolist() == BARCODES
    assert spots.obsm["spatial"].tolist() == [[7, 70], [5, 50], [6, 60]]
    np.testing.assert_array_equal(spots.X.toarray(), COUNTS)
    assert spots.uns["mclstexp"]["spot_diameter_px"] == 55.0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"index": [5, 6, 8]}, "shapes spots have none for the spot AAA-1"),
        ({"index": [5, 5, 7]}, "names a shape twice"),
        ({"transformation": "affine"}, "not in pixels of the slide"),
    ],
)
def test_spatialdata_whose_parts_do_not_fit_is_refused(tmp_path, changes, words):
    with pytest.raises(SpotsError, match=words):
        read_spots(spatialdata_folder(tmp_path / "s.zarr", unplaced(), **changes))


def test_several_tables_of_spatialdata_are_named(tmp_path):
    folder = spatialdata_folder(tmp_path / "s.zarr", unplaced())
    (folder / "tables" / "table").rename(folder / "tables" / "one")
    (folder / "tables" / "other").mkdir()
    with pytest.raises(SpotsError, match="holds the tables one, other"):
        read_spots(folder)
