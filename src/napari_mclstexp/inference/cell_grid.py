"""Cells and tiles laid over a slide from its origin, and how much of each cell is tissue."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import SlideError
from ..slides import Slide
from ..spots.tissue import Tissue

_SAMPLES = (1 / 8, 3 / 8, 5 / 8, 7 / 8)  # of a cell's side, where the mask is looked at


@dataclass(frozen=True)
class CellGrid:
    """Square cells in rows from the slide's origin, whatever spots are asked for later.

    Attributes
    ----------
    rows, cols
        Number of cells; the last ones may reach beyond the slide.
    cell_px
        Side of a cell in level-0 pixels.
    cell_um
        Side of a cell in µm.
    tile_cells
        Side of a tile, of which the encoder sees one at a time, in cells.
    """

    rows: int
    cols: int
    cell_px: float
    cell_um: float
    tile_cells: int

    @property
    def tiles(self) -> tuple[int, int]:
        """Rows and columns of tiles."""
        return -(-self.rows // self.tile_cells), -(-self.cols // self.tile_cells)

    def in_cells(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (n, 2) rows and columns of level-0 points; a cell's centre is a whole number."""
        return np.asarray(xy, dtype=np.float64)[:, ::-1] / self.cell_px - 0.5


@dataclass(frozen=True)
class Tile:
    """The part of a tile that holds all its tissue, in cells of the whole grid.

    Attributes
    ----------
    row, col
        Of the tile among tiles.
    rows, cols
        Of its cells with tissue: their bounding box.
    """

    row: int
    col: int
    rows: slice
    cols: slice

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of cells."""
        return self.rows.stop - self.rows.start, self.cols.stop - self.cols.start


def lay_cells(slide: Slide, cell_um: float, tile_cells: int) -> CellGrid:
    """Lay cells of a physical size over a slide.

    Raises
    ------
    SlideError
        If the slide's scale is not known.
    """
    if slide.um_per_px is None:
        raise SlideError(
            f"{slide.path.name} does not state its µm per pixel, so no feature map of a physical "
            "scale can be made of it; give the scale first."
        )
    side = cell_um / slide.um_per_px
    rows, cols = math.ceil(slide.height / side), math.ceil(slide.width / side)
    return CellGrid(rows, cols, side, cell_um, tile_cells)


def tissue_share(grid: CellGrid, tissue: Tissue) -> NDArray[np.float32]:
    """Return the (rows, cols) share of each cell that is tissue, 0 to 1."""
    share = np.zeros((grid.rows, grid.cols), dtype=np.float32)
    row, col = np.mgrid[: grid.rows, : grid.cols]
    for down in _SAMPLES:
        for right in _SAMPLES:
            xy = np.stack([col.ravel() + right, row.ravel() + down], axis=1) * grid.cell_px
            share += tissue.contains(xy).reshape(share.shape)
    return share / np.float32(len(_SAMPLES) ** 2)


def tissue_tiles(grid: CellGrid, share: NDArray[np.float32]) -> list[Tile]:
    """Return the tiles with tissue, row by row."""
    found = []
    side = grid.tile_cells
    for row in range(grid.tiles[0]):
        for col in range(grid.tiles[1]):
            top, left = row * side, col * side
            there = share[top : top + side, left : left + side] > 0
            if there.any():
                rows, cols = np.flatnonzero(there.any(1)), np.flatnonzero(there.any(0))
                found.append(
                    Tile(
                        row,
                        col,
                        slice(top + int(rows[0]), top + int(rows[-1]) + 1),
                        slice(left + int(cols[0]), left + int(cols[-1]) + 1),
                    )
                )
    return found
