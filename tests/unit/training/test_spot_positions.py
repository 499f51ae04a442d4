"""Positions as the learned tables count them: on the array, or relative to the section."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from napari_mclstexp.model import PositionsConfig, load_model, save_model
from napari_mclstexp.training.spot_positions import spot_positions
from napari_mclstexp.training.train import train
from support.engine_kit import SIDE, painted_section, quick_settings


@pytest.fixture(scope="module")
def section(tmp_path_factory):
    return painted_section(tmp_path_factory.mktemp("section"), "a", seed=1)


def test_relative_positions_of_seven_rows_in_a_table_of_13_by_hand(section):
    rows, cols = spot_positions(section, PositionsConfig(n_rows=13, n_cols=4, kind="relative"))
    # 0, 1/6, ... 1 of the way: times 12 every other row; times 3 rounded to the nearest column.
    np.testing.assert_array_equal(rows.reshape(SIDE, SIDE)[:, 0], [0, 2, 4, 6, 8, 10, 12])
    assert (rows.reshape(SIDE, SIDE) == rows.reshape(SIDE, SIDE)[:, :1]).all()
    np.testing.assert_array_equal(
        cols.reshape(SIDE, SIDE)[0, [0, 1, 2, 4, 5, 6]], [0, 0, 1, 2, 2, 3]
    )


def test_a_section_laid_elsewhere_and_larger_has_the_same_relative_positions(section):
    spots = section.spots.copy()
    spots.obsm["spatial"] = spots.obsm["spatial"] * 3 + [500.0, 70.0]
    spots.obs["array_row"] = spots.obs["array_row"] + 9
    moved = dataclasses.replace(section, spots=spots)
    for kind, same in (("relative", True), ("array", False)):
        config = PositionsConfig(n_rows=20, n_cols=20, kind=kind)
        found = [np.array(spot_positions(each, config)) for each in (section, moved)]
        assert np.array_equal(*found) is same


def test_spots_in_one_row_are_at_its_start(section):
    row = dataclasses.replace(section, spots=section.spots[:SIDE].copy())
    rows, cols = spot_positions(row, PositionsConfig(n_rows=5, n_cols=SIDE, kind="relative"))
    assert not rows.any()
    np.testing.assert_array_equal(cols, np.arange(SIDE))


def test_a_model_keeps_the_kind_of_its_positions(section, tmp_path):
    model = train([section], quick_settings(epochs=1, position_kind="relative", position_table=3))
    save_model(model, tmp_path / "model")
    kept = load_model(tmp_path / "model")
    assert kept.config.positions == PositionsConfig(n_rows=3, n_cols=3, kind="relative")
    assert set(kept.bank.array_row.tolist()) == {0, 1, 2}  # what its bank is projected with
