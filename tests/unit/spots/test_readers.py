"""Spots come from every kind of file as the same AnnData."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from scipy import io, sparse

from napari_mclstexp.cli import main
from napari_mclstexp.errors import SpotsError
from napari_mclstexp.spots import check_spots, um_per_px_from_spots
from napari_mclstexp.spots.readers.choose import read_spots

BARCODES = ["AAA-1", "CCC-1", "GGG-1", "TTT-1"]
GENES = [("ENSG1", "EPCAM"), ("ENSG2", "CD3D"), ("ENSG3", "CD3D"), ("AB1", "CD3_antibody")]
COUNTS = np.array([[1, 0, 2, 90], [0, 3, 0, 91], [4, 0, 0, 92]])  # of the first three
POSITIONS = [  # barcode, in tissue, array row and column, pixel row and column
    ("AAA-1", 1, 0, 0, 100, 200),
    ("CCC-1", 1, 0, 2, 100, 300),
    ("GGG-1", 1, 1, 1, 187, 250),
    ("TTT-1", 0, 1, 3, 187, 350),
]
HEADER = "barcode,in_tissue,array_row,array_col,pxl_row_in_fullres,pxl_col_in_fullres\n"


def positions_text(header: bool) -> str:
    return (HEADER if header else "") + "".join(",".join(map(str, row)) + "\n" for row in POSITIONS)


def write_h5(path: Path, legacy: bool = False) -> None:
    by_barcode = sparse.csc_matrix(COUNTS.T)
    with h5py.File(path, "w") as file:
        group = file.create_group("GRCh38" if legacy else "matrix")
        for name in ("data", "indices", "indptr"):
            group[name] = getattr(by_barcode, name)
        group["shape"] = by_barcode.shape
        group["barcodes"] = np.array(BARCODES[:3], dtype="S")
        ids, names = (np.array(each, dtype="S") for each in zip(*GENES, strict=True))
        if legacy:
            group["genes"], group["gene_names"] = ids, names
        else:
            features = group.create_group("features")
            features["id"], features["name"] = ids, names
            kinds = ["Gene Expression"] * 3 + ["Antibody Capture"]
            features["feature_type"] = np.array(kinds, dtype="S")


def write_mtx(folder: Path, zipped: bool) -> None:
    folder.mkdir()
    io.mmwrite(folder / "matrix.mtx", sparse.coo_matrix(COUNTS.T))
    (folder / "barcodes.tsv").write_text("\n".join(BARCODES[:3]) + "\n")
    kinds = ["Gene Expression"] * 3 + ["Antibody Capture"]
    rows = ["\t".join((*gene, kind)) for gene, kind in zip(GENES, kinds, strict=True)]
    name = "features.tsv" if zipped else "genes.tsv"
    if not zipped:  # Cell Ranger 2 had no third column
        rows = ["\t".join(gene) for gene in GENES]
    (folder / name).write_text("\n".join(rows) + "\n")
    if zipped:
        for path in list(folder.iterdir()):
            with gzip.open(f"{path}.gz", "wb") as file:
                file.write(path.read_bytes())
            path.unlink()


def write_outs(outs: Path, matrix: str, positions: str) -> Path:
    spatial = outs / "spatial"
    spatial.mkdir(parents=True)
    if positions == "parquet":
        table = pd.DataFrame(POSITIONS, columns=HEADER.strip().split(","))
        table.to_parquet(spatial / "tissue_positions.parquet")
    elif positions == "header":
        (spatial / "tissue_positions.csv").write_text(positions_text(True))
    else:
        (spatial / "tissue_positions_list.csv").write_text(positions_text(False))
    (spatial / "scalefactors_json.json").write_text(json.dumps({"spot_diameter_fullres": 55.0}))
    if matrix.startswith("h5"):
        write_h5(outs / "filtered_feature_bc_matrix.h5", legacy=matrix == "h5 legacy")
    else:
        write_mtx(outs / "filtered_feature_bc_matrix", zipped=matrix == "mtx.gz")
    return outs


@pytest.mark.parametrize("matrix", ["h5", "h5 legacy", "mtx", "mtx.gz"])
@pytest.mark.parametrize("positions", ["header", "no header", "parquet"])
def test_space_ranger_of_every_version(tmp_path, matrix, positions):
    outs = write_outs(tmp_path / "outs", matrix, positions)
    for path in (outs, tmp_path, outs / "spatial"):
        spots = read_spots(path)
        assert spots.obs_names.tolist() == BARCODES[:3]
        assert spots.obsm["spatial"].tolist() == [[200, 100], [300, 100], [250, 187]]
        assert spots.obs["array_col"].tolist() == [0, 2, 1]
        np.testing.assert_array_equal(spots.X.toarray()[:, :3], COUNTS[:, :3])
        assert spots.var["gene_ids"].tolist()[:3] == ["ENSG1", "ENSG2", "ENSG3"]
        assert spots.var_names.is_unique
        if matrix in ("h5", "mtx.gz"):  # these say what each feature is
            assert spots.n_vars == 3
        assert spots.uns["mclstexp"]["platform"] == "visium"
        assert spots.uns["mclstexp"]["pitch_um"] == 100.0


def test_visium_hd_states_its_bins_and_its_scale(tmp_path):
    outs = write_outs(tmp_path / "outs" / "binned_outputs" / "square_008um", "h5", "parquet")
    factors = {"bin_size_um": 8.0, "microns_per_pixel": 0.27, "spot_diameter_fullres": 29.3}
    (outs / "spatial" / "scalefactors_json.json").write_text(json.dumps(factors))
    spots = read_spots(tmp_path / "outs")
    assert spots.uns["mclstexp"]["platform"] == "visium-hd"
    assert spots.uns["mclstexp"]["pitch_um"] == 8.0
    assert um_per_px_from_spots(spots) == 0.27


def test_a_matrix_of_another_sample_is_refused(tmp_path):
    outs = write_outs(tmp_path / "outs", "mtx", "header")
    (outs / "filtered_feature_bc_matrix" / "barcodes.tsv").write_text("X-1\nY-1\nZ-1\n")
    with pytest.raises(SpotsError, match="different samples"):
        read_spots(outs)


def selection(folder: Path, rows: str, name: str = "S1_selection.tsv") -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text("x\ty\tnew_x\tnew_y\tpixel_x\tpixel_y\tselected\n" + rows)
    return path


ROWS = "3\t4\t3.1\t4.0\t300.5\t400\t1\n5\t4\t5\t4\t500\t400\t1\n9\t9\t9\t9\t900\t900\t0\n"


def test_legacy_st_finds_its_counts_by_name(tmp_path):
    path = selection(tmp_path / "spotfiles", ROWS)
    (tmp_path / "counts").mkdir()
    with gzip.open(tmp_path / "counts" / "S1.tsv.gz", "wt") as file:
        file.write("\tEPCAM\tFN1\n7x7\t9\t9\n3x4\t1\t2\n")
    spots = read_spots(path)
    assert spots.obs_names.tolist() == ["3x4"]
    assert spots.X.toarray().tolist() == [[1, 2]]
    assert (spots.obs["array_col"].item(), spots.obs["array_row"].item()) == (3, 4)
    assert spots.obsm["spatial"].tolist() == [[300.5, 400]]
    facts = spots.uns["mclstexp"]
    assert (facts["n_spots_without_counts"], facts["n_counts_without_spot"]) == (1, 1)
    assert (facts["pitch_um"], facts["spot_diameter_um"]) == (200.0, 100.0)


def test_legacy_st_without_counts_has_all_selected_spots(tmp_path):
    spots = read_spots(selection(tmp_path, ROWS))
    assert spots.shape == (2, 0)


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ("\tA\n3x4\t1\n3x4\t2\n", "more than one row for the spot 3x4"),
        ("\tA\n3x4\t-1\n", "count of A in spot 3x4 is -1, which is negative"),
        ("\tA\n3x4\t0.5\n", "0.5, which is not a whole number"),
        ("\tA\n3x4\tmany\n", "line 2: the count of A is 'many'"),
        ("\tA\n8x8\t1\n", "different sections"),
    ],
    ids=["duplicate", "negative", "fraction", "text", "another section"],
)
def test_bad_counts_are_named(tmp_path, counts, words):
    (tmp_path / "c.tsv").write_text(counts)
    with pytest.raises(SpotsError, match=words):
        read_spots(selection(tmp_path, ROWS), tmp_path / "c.tsv")


@pytest.mark.parametrize("strings", [False, True], ids=["pandas 2", "pandas 3's strings"])
def test_text_among_counts_is_named_under_either_pandas(tmp_path, strings):
    (tmp_path / "c.tsv").write_text("\tA\tB\n3x4\t1\tTrue\n8x8\t2\tmany\n")
    (tmp_path / "flags.tsv").write_text("\tA\n3x4\tTrue\n")
    with pd.option_context("future.infer_string", strings):
        with pytest.raises(SpotsError, match="line 2: the count of B is 'True', which is no"):
            read_spots(selection(tmp_path, ROWS), tmp_path / "c.tsv")
        with pytest.raises(SpotsError, match="line 2: the count of A is 'True', which is no"):
            read_spots(selection(tmp_path, ROWS), tmp_path / "flags.tsv")


@pytest.mark.parametrize("strings", [False, True], ids=["pandas 2", "pandas 3's strings"])
@pytest.mark.parametrize(
    "flags",
    [
        ["True", "False"],
        ["1", "0"],
        [" true", "FALSE "],
        [1, 0],
        [1.0, 0.0],
        pd.Categorical(["1", "0"]),
        pd.Categorical([True, False]),
        pd.array([True, False], dtype="boolean"),
    ],
    ids=["words", "digits", "other words", "numbers", "floats", "categories", "flags", "nullable"],
)
def test_in_tissue_is_read_however_it_is_written(tmp_path, flags, strings):
    path = h5ad(tmp_path / "f.h5ad", np.ones((2, 2)), obs={"in_tissue": flags})
    with pd.option_context("future.infer_string", strings):
        assert read_spots(path).obs["in_tissue"].tolist() == [True, False]


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ([1.0, np.nan], "does not say whether the spot b is in tissue"),
        (["True", ""], "does not say whether the spot b is in tissue"),
        (pd.Categorical(["True", None]), "does not say whether the spot b is in tissue"),
        (["True", "maybe"], "in_tissue of the spot b is 'maybe'"),
        ([1, 7], "in_tissue of the spot b is '7'"),
    ],
    ids=["NaN", "empty", "no category", "text", "another number"],
)
def test_what_in_tissue_cannot_be_is_named(tmp_path, flags, words):
    path = h5ad(tmp_path / "f.h5ad", np.ones((2, 2)), obs={"in_tissue": flags})
    with pytest.raises(SpotsError, match=words):
        read_spots(path)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_space_ranger_positions_with_flags_as_words(tmp_path, kind):
    outs = write_outs(tmp_path / "outs", "mtx", "parquet")
    table = pd.read_parquet(outs / "spatial" / "tissue_positions.parquet")
    table["in_tissue"] = table["in_tissue"].map({1: "True", 0: "False"})
    if kind == "csv":
        (outs / "spatial" / "tissue_positions.parquet").unlink()
        table.to_csv(outs / "spatial" / "tissue_positions.csv", index=False)
    else:
        table.to_parquet(outs / "spatial" / "tissue_positions.parquet")
    assert read_spots(outs).obs_names.tolist() == BARCODES[:3]


@pytest.mark.parametrize("column", ["barcode", "in_tissue", "array_row", "pxl_row_in_fullres"])
def test_a_gap_in_parquet_positions_is_named(tmp_path, column):
    outs = write_outs(tmp_path / "outs", "mtx", "parquet")
    table = pd.read_parquet(outs / "spatial" / "tissue_positions.parquet").astype({column: object})
    table.loc[1, column] = None
    table.to_parquet(outs / "spatial" / "tissue_positions.parquet")
    with pytest.raises(SpotsError, match=f"row 2: {column} is empty") as caught:
        read_spots(outs)
    assert "tissue_positions.parquet" in str(caught.value)


def test_text_in_parquet_positions_is_refused(tmp_path):
    outs = write_outs(tmp_path / "outs", "mtx", "parquet")
    table = pd.read_parquet(outs / "spatial" / "tissue_positions.parquet")
    table.astype({"array_row": str}).to_parquet(outs / "spatial" / "tissue_positions.parquet")
    with pytest.raises(SpotsError, match=r"array_row holds .*'0'.*, not numbers"):
        read_spots(outs)


@pytest.mark.parametrize("kind", ["h5", "mtx.gz"])
def test_a_raw_matrix_alone_is_taken_and_said(tmp_path, kind, capsys):
    filtered = read_spots(write_outs(tmp_path / "both", kind, "header"))
    outs = write_outs(tmp_path / "raw", kind, "header")
    for path in outs.glob("filtered*"):
        path.rename(outs / path.name.replace("filtered", "raw"))
    spots = read_spots(outs)
    np.testing.assert_array_equal(spots.X.toarray(), filtered.X.toarray())
    assert spots.obs_names.tolist() == filtered.obs_names.tolist()
    assert main(["info", str(outs)]) == 0
    said = "there is no filtered_feature_bc_matrix, so raw_feature_bc_matrix is taken"
    assert f"Counts: {said}" in capsys.readouterr().out


def test_cells_of_space_ranger_4_are_no_spots_and_bins_are_named(tmp_path):
    (tmp_path / "spatial").mkdir()
    (tmp_path / "cell_segmentations.geojson").write_text("{}")
    with pytest.raises(SpotsError, match=r"cells, not spots; choose .*square_008um"):
        read_spots(tmp_path)


@pytest.mark.parametrize("lacking", [["array_row"], ["in_tissue", "pxl_row_in_fullres"]])
def test_a_column_that_positions_lack_is_named(tmp_path, lacking):
    outs = write_outs(tmp_path / "outs", "mtx", "parquet")
    place = outs / "spatial" / "tissue_positions.parquet"
    pd.read_parquet(place).drop(columns=lacking).to_parquet(place)
    with pytest.raises(SpotsError, match=f"has no column {lacking[0]}; Space Ranger writes"):
        read_spots(outs)


def test_bad_coordinates_are_named_with_their_line(tmp_path):
    with pytest.raises(SpotsError, match="line 3: pixel_x is empty"):
        read_spots(selection(tmp_path, ROWS.replace("500", "")))
    (tmp_path / "xy.csv").write_text("barcode,x,y\na,1,2\na,3,4\n")
    with pytest.raises(SpotsError, match="spot a more than once"):
        read_spots(tmp_path / "xy.csv")
    (tmp_path / "cols.csv").write_text("left,top\n1,2\n")
    with pytest.raises(SpotsError, match="needs x and y"):
        read_spots(tmp_path / "cols.csv")


def test_a_table_of_x_and_y(tmp_path):
    (tmp_path / "xy.csv").write_text("X,Y\n1.5,2\n3,4\n")
    spots = read_spots(tmp_path / "xy.csv")
    assert spots.obsm["spatial"].tolist() == [[1.5, 2], [3, 4]]
    assert spots.shape == (2, 0)
    with pytest.raises(SpotsError, match="not known"):
        um_per_px_from_spots(spots)


def h5ad(path: Path, x: np.ndarray, **parts: object) -> Path:
    adata = AnnData(x.astype(np.float32), obs=pd.DataFrame(index=["a", "b"]))
    adata.var_names = ["EPCAM", "FN1"]
    adata.obsm["spatial"] = np.array([[1.0, 2.0], [3.0, 4.0]])
    for name, value in parts.items():
        for key, each in value.items():
            getattr(adata, name)[key] = each
    adata.write_h5ad(path)
    return path


def test_h5ad_counts_are_taken_where_they_are_raw(tmp_path):
    raw, logged = np.array([[1, 2], [3, 4]]), np.array([[0.1, 0.7], [1.2, 0.3]])
    assert read_spots(h5ad(tmp_path / "x.h5ad", raw)).X.toarray().tolist() == raw.tolist()
    layered = h5ad(tmp_path / "l.h5ad", logged, layers={"counts": raw})
    assert read_spots(layered).X.toarray().tolist() == raw.tolist()
    only_logged = read_spots(h5ad(tmp_path / "g.h5ad", logged))
    assert only_logged.n_vars == 0
    assert "no whole numbers" in only_logged.uns["mclstexp"]["counts_note"]


def test_h5ad_without_positions_or_damaged_is_refused(tmp_path):
    AnnData(np.ones((2, 2), np.float32)).write_h5ad(tmp_path / "n.h5ad")
    with pytest.raises(SpotsError, match="spatial"):
        read_spots(tmp_path / "n.h5ad")
    (tmp_path / "torn.h5ad").write_bytes(b"\x89HDF")
    with pytest.raises(SpotsError, match="damaged"):
        read_spots(tmp_path / "torn.h5ad")


def test_what_cannot_be_spots_is_refused(tmp_path):
    with pytest.raises(SpotsError, match="no file or folder"):
        read_spots(tmp_path / "gone")
    with pytest.raises(SpotsError, match="no Space Ranger output"):
        read_spots(tmp_path)
    (tmp_path / "s.docx").write_text("x")
    with pytest.raises(SpotsError, match="not known here"):
        read_spots(tmp_path / "s.docx")
    (tmp_path / "xy.csv").write_text("x,y\n1,2\n")
    with pytest.raises(SpotsError, match="cannot be used"):
        read_spots(tmp_path / "xy.csv", tmp_path / "c.tsv")


@pytest.mark.parametrize(
    ("xy", "words"),
    [
        ([[5.0, 5.0], [101.0, 5.0]], r"1 of 2 spots lie outside .* s1 at \(101, 5\)"),
        ([[5.0, 5.0], [np.nan, 5.0]], "no coordinates for the spot s1"),
        ([], "has no spots"),
    ],
    ids=["outside", "nan", "none"],
)
def test_spots_that_do_not_fit_the_slide(xy, words):
    spots = AnnData(np.zeros((len(xy), 0), np.float32))
    spots.obs_names = [f"s{i}" for i in range(len(xy))]
    spots.obsm["spatial"] = np.array(xy, dtype=float).reshape(-1, 2)
    with pytest.raises(SpotsError, match=words):
        check_spots(spots, 100, 100)


def test_scale_from_the_spots_survives_gaps(tmp_path):
    random = np.random.default_rng(0)
    x, y = (each.ravel() * 273.0 for each in np.meshgrid(np.arange(12.0), np.arange(12.0)))
    kept = random.uniform(size=len(x)) > 0.3
    rows = "".join(f"{i}\t{j}\t0\t0\t{i * 273}\t{j * 273}\t1\n" for i, j in
                   zip(x[kept] / 273, y[kept] / 273, strict=True))  # fmt: skip
    spots = read_spots(selection(tmp_path, rows.replace(".0\t", "\t")))
    assert um_per_px_from_spots(spots) == pytest.approx(200 / 273)
    with pytest.raises(SpotsError, match="too few"):
        um_per_px_from_spots(spots[:5])
