"""SpatialData, an extra: what is written is read by the package itself, places and sizes true."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData

from napari_mclstexp.analysis.predicted_programs import programs_of
from napari_mclstexp.cli.app import main
from napari_mclstexp.spots.schema import write_programs

spatialdata = pytest.importorskip(
    "spatialdata", reason="SpatialData is an extra: pip install 'napari-mclstexp[spatialdata]'"
)


def test_spots_and_expression_come_back_in_pixels_of_the_slide(tmp_path, monkeypatch):
    xy = np.array([[100.0, 200.0], [300.0, 200.0], [500.0, 250.0]])
    facts = {"spot_diameter_um": 50.0, "um_per_px": 0.5}
    data = AnnData(
        X=np.arange(6, dtype=np.float32).reshape(3, 2),
        obs=pd.DataFrame(index=["a", "b", "c"]),
        var=pd.DataFrame(index=["FASN", "GNAS"]),
        obsm={"spatial": xy},
        uns={"mclstexp": facts},
    )
    scores, loadings = np.array([[1.0], [2], [3]]), np.array([[1.0], [-1]])
    write_programs(data, scores, loadings, np.array([0.9]))
    source, out = tmp_path / "in.h5ad", tmp_path / "out.zarr"
    data.write_h5ad(source)
    words = ["export", str(source), "--to", "spatialdata", "--out", str(out)]
    monkeypatch.setattr("sys.argv", ["napari-mclstexp", *words])
    assert not main()
    back = spatialdata.read_zarr(out)
    shapes = back.shapes["spots"]
    np.testing.assert_array_equal([(p.x, p.y) for p in shapes.geometry], xy)
    assert set(shapes["radius"]) == {50.0}
    np.testing.assert_array_equal(back.tables["expression"].X, data.X)
    assert list(back.tables["expression"].var_names) == ["FASN", "GNAS"]
    (program,) = programs_of(back.tables["expression"])
    assert (program.share, program.up, program.down) == (0.9, (("FASN", 1.0),), (("GNAS", -1.0),))
