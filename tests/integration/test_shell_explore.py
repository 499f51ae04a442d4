"""Domains, signatures, regions and exports from the shell."""

from __future__ import annotations

import json

import anndata
import numpy as np
import pandas as pd
import pytest

from napari_mclstexp.analysis.region import region_of
from napari_mclstexp.export.geojson import read_geojson, write_geojson
from napari_mclstexp.inference.predict import predict
from napari_mclstexp.inference.prediction_io import write_prediction
from napari_mclstexp.model import load_model
from napari_mclstexp.samples import demo_model_path, sample_section
from napari_mclstexp.slides import open_slide
from napari_mclstexp.spots.readers.choose import read_spots
from support.shell_kit import files_under, shell


@pytest.fixture(scope="module")
def prediction(tmp_path_factory):
    """Return the demo's prediction of half of sample section 3."""
    section = sample_section(3)
    path = tmp_path_factory.mktemp("prediction") / "p.h5ad"
    with open_slide(section.slide) as slide:
        spots = read_spots(section.spots)[::2].copy()
        write_prediction(predict(slide, spots, load_model(demo_model_path())), path)
    return path


def test_domains_agree_with_the_truth_and_are_written(prediction, tmp_path):
    out = tmp_path / "d.h5ad"
    arguments = ("--k", 4, "--smoothing", 0.3, "--truth", "domain", "--markers", tmp_path / "m.csv")
    done = shell("domains", prediction, "--out", out, *arguments, "--json")
    assert done.code == 0, done.err
    said = json.loads(done.out)
    assert said["ari"] > 0.3
    data = anndata.read_h5ad(out)
    assert data.obs["domain"].nunique() == 4
    assert data.obs["domain"].value_counts().to_dict() == said["sizes"]
    markers = pd.read_csv(tmp_path / "m.csv")
    assert set(markers.columns) == {"domain", "gene", "auc", "difference", "p", "fdr"}
    told = shell("domains", prediction, "--out", out)
    assert "silhouette" in told.out
    assert "high in" in told.out


def test_signatures_of_a_list_and_of_the_package(prediction, tmp_path):
    out = tmp_path / "s.h5ad"
    done = shell("signature", prediction, "--genes", "EPCAM,ERBB2,KRT8", "--out", out)
    assert done.code == 0, done.err
    score = anndata.read_h5ad(out).obs["signature_pasted genes"]
    assert np.corrcoef(score, anndata.read_h5ad(prediction).to_df()["EPCAM"])[0, 1] > 0.5
    done = shell("signature", prediction, "--name", "NONE", "--out", tmp_path / "n.h5ad")
    assert (done.code, files_under(tmp_path)) == (2, {"s.h5ad"})
    assert "there are PROLIFERATION" in done.err


def test_regions_are_told_and_compared(prediction, tmp_path):
    xy = anndata.read_h5ad(prediction).obsm["spatial"]
    middle = float(np.median(xy[:, 0]))
    left = region_of(__import__("shapely").box(0, 0, middle, 10**5), "left")
    write_geojson([left], tmp_path / "r.geojson")
    arguments = ("--geojson", tmp_path / "r.geojson", "--out", tmp_path / "t.csv")
    done = shell("regions", prediction, *arguments, "--genes", "EPCAM")
    assert done.code == 0, done.err
    (row,) = pd.read_csv(tmp_path / "t.csv").to_dict("records")
    inside = xy[:, 0] <= middle
    assert row["spots"] == inside.sum()
    values = anndata.read_h5ad(prediction).to_df()["EPCAM"][inside]
    assert row["EPCAM"] == pytest.approx(values.mean(), rel=1e-4)
    done = shell("regions", prediction, *arguments, "--compare", "left,rest")
    assert "not replicates" in done.out
    done = shell("regions", prediction, *arguments, "--compare", "left,right")
    assert done.code == 2
    assert "no region right" in done.err


def test_exports_for_qupath_a_spreadsheet_and_a_page(prediction, tmp_path):
    assert shell("domains", prediction, "--k", 3, "--out", tmp_path / "d.h5ad").code == 0
    source = tmp_path / "d.h5ad"
    assert shell("export", source, "--to", "geojson", "--out", tmp_path / "d.geojson").code == 0
    assert [each.name for each in read_geojson(tmp_path / "d.geojson")] == ["1", "2", "3"]
    assert shell("export", source, "--to", "csv", "--out", tmp_path / "d.csv").code == 0
    table = pd.read_csv(tmp_path / "d.csv", index_col=0)
    assert {"domain", "x_px", "y_px", "EPCAM"} <= set(table.columns)
    figure = ("--to", "figure", "--gene", "EPCAM", "--out", tmp_path / "d.png")
    assert shell("export", source, *figure).code == 0
    assert (tmp_path / "d.png").read_bytes().startswith(b"\x89PNG")


def test_a_result_goes_through_zarr_and_back(prediction, tmp_path):
    folder, back = tmp_path / "p.zarr", tmp_path / "back.h5ad"
    assert shell("export", prediction, "--to", "zarr", "--out", folder).code == 0
    assert shell("export", folder, "--to", "h5ad", "--out", back).code == 0
    first, second = anndata.read_h5ad(prediction), anndata.read_h5ad(back)
    np.testing.assert_array_equal(first.X, second.X)
    pd.testing.assert_frame_equal(first.obs, second.obs)
    assert set(first.layers) == set(second.layers)
    for source, name in ((folder, "a.csv"), (prediction, "b.csv")):
        assert shell("export", source, "--to", "csv", "--out", tmp_path / name).code == 0
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    assert shell("domains", folder, "--k", 2, "--out", tmp_path / "d.h5ad").code == 0
    (tmp_path / "d.h5ad").rename(folder / "mine.h5ad")
    done = shell("export", prediction, "--to", "zarr", "--out", folder)
    assert (done.code, (folder / "mine.h5ad").exists()) == (2, True)
    done = shell("domains", tmp_path, "--out", tmp_path / "x.h5ad")
    assert done.code == 2
    assert "no AnnData in zarr" in done.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("domains", "gone.h5ad", "--out", "o.h5ad"), "no file gone.h5ad"),
        (("domains", "bad.h5ad", "--out", "o.h5ad"), "damaged"),
        (("domains", "P", "--k", "1", "--out", "o.h5ad"), "at least 2"),
        (("domains", "P", "--truth", "nope", "--out", "o.h5ad"), "no column nope"),
        (("domains", "P", "--out", "o.txt"), "must be the name of an .h5ad"),
        (("signature", "P", "--gmt", "gone.gmt", "--out", "o.h5ad"), "There is no file"),
        (("signature", "P", "--genes", "X,Y,Z", "--out", "o.h5ad"), "Only 0 of the 3"),
        (("regions", "P", "--geojson", "bad.h5ad", "--out", "o.csv"), "not a GeoJSON file"),
        (("export", "P", "--to", "geojson", "--column", "nope", "--out", "o.geojson"), "no column"),
        (("export", "P", "--to", "figure", "--out", "o.png"), "which gene"),
        (("export", "P", "--to", "figure", "--gene", "NOPE", "--out", "o.png"), "no gene NOPE"),
        (("export", "P", "--to", "csv", "--gene", "NOPE", "--out", "o.csv"), "no gene NOPE"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(prediction, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.h5ad").write_bytes(b"torn")
    done = shell(*(prediction if each == "P" else each for each in arguments))
    assert (done.code, done.out) == (2, "")
    assert words in done.err
    assert done.err.count("\n") == 1
    assert files_under(tmp_path) == {"bad.h5ad"}


def test_similar_places_of_a_spot_and_of_a_region_are_listed(prediction, tmp_path):
    data = anndata.read_h5ad(prediction)
    spot, out = str(data.obs_names[7]), tmp_path / "like.csv"
    done = shell("similar", prediction, prediction, "--spot", spot, "--top", 3, "--out", out)
    assert done.code == 0, done.err
    table = pd.read_csv(out)
    assert len(table) == 6  # three of each
    assert table["spot"][0] == spot  # the same place of the same slide given again
    assert table["similarity"][0] == pytest.approx(1)
    assert table["similarity"].is_monotonic_decreasing
    xy = data.obsm["spatial"]
    left = region_of(__import__("shapely").box(0, 0, float(np.median(xy[:, 0])), 10**5), "left")
    write_geojson([left], tmp_path / "r.geojson")
    region = ("--geojson", tmp_path / "r.geojson", "--region", "left", "--by", "expression")
    done = shell("similar", prediction, *region, "--top", 0, "--out", out, "--json")
    assert json.loads(done.out)["rows"] == (xy[:, 0] > np.median(xy[:, 0])).sum()
    done = shell("similar", prediction, "--spot", "none", "--out", tmp_path / "n.csv")
    assert (done.code, done.err) == (2, f"There is no spot none in {prediction}.\n")
    done = shell("similar", prediction, "--out", tmp_path / "n.csv")
    assert "either --spot" in done.err
    assert not (tmp_path / "n.csv").exists()


def test_regions_and_spots_are_brought_across_by_landmarks(prediction, tmp_path):
    slide, points = sample_section(3).slide, tmp_path / "points.csv"
    with open_slide(slide) as opened:
        scale = opened.um_per_px
    shift = 40 / scale  # µm
    points.write_text(
        "x,y,onto_x,onto_y\n"
        + "".join(
            f"{x},{y},{x + shift + off},{y}\n"
            for x, y, off in ((100, 100, 0), (900, 100, 0), (900, 900, 0), (100, 900, 8))
        )
    )
    region = region_of(__import__("shapely").box(200, 200, 300, 300), "Gland")
    write_geojson([region], tmp_path / "r.geojson")
    given = ("register", points, "--slide", slide, "--onto", slide)
    out = tmp_path / "across.geojson"
    done = shell(*given, "--regions", tmp_path / "r.geojson", "--out", out, "--json")
    assert done.code == 0, done.err
    said = json.loads(done.out)
    assert said["residuals_um"] == pytest.approx([2 * scale] * 4, rel=0.01)  # a quarter each
    assert said["left_out_um"] == pytest.approx([8 * scale] * 4, rel=0.01)
    (moved,) = read_geojson(out)
    assert moved.shape().bounds[0] == pytest.approx(200 + shift, abs=5)
    done = shell(*given, "--spots", prediction, "--out", tmp_path / "s.h5ad")
    assert done.code == 0, done.err
    before, after = anndata.read_h5ad(prediction), anndata.read_h5ad(tmp_path / "s.h5ad")
    same = before[after.obs_names].obsm["spatial"]
    assert (after.obsm["spatial"] - same)[:, 0].mean() == pytest.approx(shift, abs=5)
    assert "slide" not in after.uns["mclstexp"]
    points.write_text("x,y,onto_x,onto_y\n1,1,1,1\n2,2,2,2\n3,3,3,3\n")
    done = shell(*given, "--out", tmp_path / "t.csv")
    assert (done.code, "on a line on the first slide" in done.err) == (2, True)


def test_regions_are_compared_as_measured_with_up_and_down_apart(prediction, tmp_path):
    xy = anndata.read_h5ad(prediction).obsm["spatial"]
    left = region_of(__import__("shapely").box(0, 0, float(np.median(xy[:, 0])), 10**5), "left")
    write_geojson([left], tmp_path / "r.geojson")
    arguments = ("--geojson", tmp_path / "r.geojson", "--out", tmp_path / "t.csv")
    done = shell("regions", prediction, *arguments, "--compare", "left,rest", "--of", "measured")
    assert done.code == 0, done.err
    assert done.out.index("not replicates") < done.out.index("Higher in left:")
    assert done.out.index("Higher in left:") < done.out.index("Lower in left:")
    data = anndata.read_h5ad(prediction)
    data.layers = {}
    data.write_h5ad(tmp_path / "bare.h5ad")
    done = shell("regions", tmp_path / "bare.h5ad", *arguments, "--compare", "left,rest",
                 "--of", "measured")  # fmt: skip
    assert "holds no measurement; leave out --of measured" in done.err
