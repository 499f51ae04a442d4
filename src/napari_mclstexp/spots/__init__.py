"""Where the spots are, always as AnnData: read from files, or laid as a grid over the tissue."""

from .fit_slide import check_spots
from .geometry import um_per_px_from_spots
from .grid import lay_grid
from .readers.choose import read_spots
from .tissue import Tissue, find_tissue

__all__ = [
    "Tissue",
    "check_spots",
    "find_tissue",
    "lay_grid",
    "read_spots",
    "um_per_px_from_spots",
]
