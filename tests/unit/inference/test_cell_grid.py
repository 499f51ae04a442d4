"""Cells over a slide: how much of each is tissue, and which tiles hold any."""

from __future__ import annotations

import numpy as np
import pytest

from napari_mclstexp.inference.cell_grid import CellGrid, tissue_share, tissue_tiles
from napari_mclstexp.spots.tissue import Tissue

# Three cells in two rows, of 8 by 8 pixels of the mask, which are 5 level-0 pixels wide.
GRID = CellGrid(rows=2, cols=3, cell_px=40.0, cell_um=20.0, tile_cells=2)


@pytest.mark.parametrize(
    ("rows", "cols", "shares"),
    [
        (slice(0, 8), slice(8, 16), [[0, 1, 0], [0, 0, 0]]),
        (slice(8, 16), slice(0, 4), [[0, 0, 0], [0.5, 0, 0]]),
        (slice(0, 8), slice(14, 16), [[0, 0.25, 0], [0, 0, 0]]),
        (slice(6, 10), slice(16, 24), [[0, 0, 0.25], [0, 0, 0.25]]),
    ],
)
def test_the_share_of_a_cell_is_that_of_its_own_pixels(rows, cols, shares):
    mask = np.zeros((16, 24), dtype=bool)
    mask[rows, cols] = True
    np.testing.assert_array_equal(tissue_share(GRID, Tissue(mask, (5.0, 5.0))), shares)


def test_tiles_are_as_small_as_their_tissue():
    share = np.array([[0, 0.1, 0], [0, 0, 0.5]], dtype=np.float32)
    first, second = tissue_tiles(GRID, share)
    assert (first.row, first.col, first.rows, first.cols) == (0, 0, slice(0, 1), slice(1, 2))
    assert (second.row, second.col, second.rows, second.cols) == (0, 1, slice(1, 2), slice(2, 3))
    assert GRID.tiles == (1, 2)
