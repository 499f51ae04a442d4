"""Tables for spreadsheets: nothing in them is run as a formula, and numbers stay numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from napari_mclstexp.errors import OutputError, SettingsError
from napari_mclstexp.export import csv_blocks
from napari_mclstexp.export.spot_table import spot_table, write_spot_table, write_table
from support.session_kit import make_spots


def test_a_row_for_each_spot_with_place_and_genes(tmp_path):
    spots = make_spots()
    spots.obs["FASN"] = "a column called like a gene"
    write_table(spot_table(spots), tmp_path / "t.csv", index=True)
    table = pd.read_csv(tmp_path / "t.csv", index_col=0)
    assert list(table.index) == list(spots.obs_names)
    np.testing.assert_array_equal(table[["x_px", "y_px"]], spots.obsm["spatial"])
    np.testing.assert_array_equal(table["FASN_gene"], spots.to_df()["FASN"])
    np.testing.assert_array_equal(table["GNAS"], spots.to_df()["GNAS"])
    assert set(table["FASN"]) == {"a column called like a gene"}
    del spots.obsm["spatial"]
    assert "x_px" not in spot_table(spots, ["GNAS"])


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix])
@pytest.mark.parametrize("genes", [None, ["GNAS", "FASN"]])
def test_blocks_make_the_same_table(tmp_path, monkeypatch, form, genes):
    spots = make_spots()
    spots.obs["FASN"] = np.arange(spots.n_obs) % 2 == 0
    spots.obs["text"] = ['plain, "quoted"\nand more', "=1"] + [None] * (spots.n_obs - 2)
    spots.obs["region"] = pd.Categorical(["@a", None] + ["b"] * (spots.n_obs - 2))
    values = np.asarray(spots.to_df(), dtype=np.float32)
    values[5, 0] = np.nan
    spots.X = form(values)
    monkeypatch.setattr(csv_blocks, "VALUES_AT_ONCE", 40)
    expected = spot_table(spots, genes)
    write_spot_table(spots, tmp_path / "t.csv", genes)
    back = pd.read_csv(tmp_path / "t.csv", index_col=0)
    assert list(back.columns) == list(expected.columns)
    numbers = expected.select_dtypes(["number", "bool"]).columns
    assert {"FASN", "FASN_gene", "x_px"} <= set(numbers)
    pd.testing.assert_frame_equal(back[numbers], expected[numbers], check_dtype=False, rtol=1e-7)
    assert back["text"].tolist()[:2] == ['plain, "quoted"\nand more', "'=1"]
    assert back["region"].fillna("").tolist()[:3] == ["'@a", "", "b"]
    assert back["text"].isna().sum() == spots.n_obs - 2


def test_a_gene_that_is_not_there_is_named():
    with pytest.raises(SettingsError, match="no gene NOPE"):
        spot_table(make_spots(), ["NOPE"])


@pytest.mark.parametrize("formula", ['=HYPERLINK("x")', "+1+cmd", "-2+3", "@SUM(A1)"])
def test_text_is_never_a_formula_and_numbers_stay_numbers(tmp_path, formula):
    table = pd.DataFrame(
        {
            "domain": pd.Categorical([formula, "stroma"]),
            "region": ["a=b", formula],
            "value": [-1.5, 2.0],
            "text": ["-1.5", "+2"],
            formula: [1, -2],
        },
        index=[formula, "b"],
    )
    write_table(table, tmp_path / "t.csv", index=True)
    back = pd.read_csv(tmp_path / "t.csv", index_col=0)
    shown = f"'{formula}"
    assert list(back.index) == [shown, "b"]
    assert list(back["domain"]) == [shown, "stroma"]
    assert list(back["region"]) == ["a=b", shown]
    assert list(back["value"]) == [-1.5, 2.0]
    assert list(back["text"]) == [-1.5, 2.0]
    assert list(back[shown]) == [1, -2]
    assert formula in table  # the table given is left as it was


def test_a_table_that_cannot_be_written_leaves_nothing(tmp_path):
    with pytest.raises(OutputError):
        write_table(pd.DataFrame({"a": [1]}), tmp_path / "gone" / "t.csv")
    assert list(tmp_path.iterdir()) == []
