"""Numbers written as text: what is one, and texts that end the process where pandas reads them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from napari_mclstexp.errors import UserError
from napari_mclstexp.reading.numbers import as_numbers
from napari_mclstexp.spots.readers.choose import read_spots

ENDLESS = "1" + "0" * 355 + "1e308" + "0" * 45  # pandas 2.3 ends by a signal


@pytest.mark.parametrize(
    ("text", "value"),
    [("7", 7), (" -2.5e3 ", -2500), (".5", 0.5), ("5.", 5), ("+3", 3), ("1E-2", 0.01)],
)
def test_a_number_is_its_value(text, value):
    assert as_numbers(pd.Series([text])) == [value]


@pytest.mark.parametrize(
    "text", ["", "x", "1_0", "0x10", "1,5", "nan", "inf", "1e", "1e9999", ENDLESS, None, "1 2"]
)
def test_what_is_no_number_is_nan_and_spoils_no_other(text):
    found = as_numbers(pd.Series(["1.5", text, "2"]))
    np.testing.assert_array_equal(found, [1.5, np.nan, 2])


def test_columns_of_numbers_stay_what_they_are():
    np.testing.assert_array_equal(as_numbers(pd.Series([1, None, 3])), [1, np.nan, 3])
    np.testing.assert_array_equal(as_numbers(pd.Series(["4", "5"], dtype="category")), [4, 5])


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("places.csv", f"x,y\n5,5\n{ENDLESS},7\n"),
        ("B1_selection.tsv", f"x\ty\tnew_x\tnew_y\tpixel_x\tpixel_y\n1\t1\t1\t1\t{ENDLESS}\t7\n"),
    ],
)
def test_a_place_without_end_is_refused_with_its_line(tmp_path, name, table):
    (tmp_path / name).write_text(table)
    with pytest.raises(UserError, match=r"line [23]: (x|pixel_x)"):
        read_spots(tmp_path / name)


def test_counts_without_end_are_refused(tmp_path):
    spots = tmp_path / "B1_selection.tsv"
    spots.write_text("x\ty\tnew_x\tnew_y\tpixel_x\tpixel_y\n1\t1\t1\t1\t5\t7\n")
    counts = tmp_path / "B1.tsv"
    counts.write_text(f"\tGNAS\tFASN\n1x1\t2\t{ENDLESS}\n")
    with pytest.raises(UserError, match=f"{counts}, line 2: the count of FASN"):
        read_spots(spots, counts)
