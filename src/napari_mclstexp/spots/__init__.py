"""Where the spots are, always as AnnData: read from files, or laid as a grid over the tissue.

A name is loaded when it is asked for, so that the shell's help needs no AnnData.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .fit_slide import check_spots
    from .geometry import um_per_px_from_spots
    from .grid import lay_grid
    from .grid_settings import GridSettings
    from .readers.choose import read_spots
    from .tissue import Tissue, find_tissue

_FROM = {
    "GridSettings": "grid_settings",
    "Tissue": "tissue",
    "check_spots": "fit_slide",
    "find_tissue": "tissue",
    "lay_grid": "grid",
    "read_spots": "readers.choose",
    "um_per_px_from_spots": "geometry",
}
__all__ = [
    "GridSettings",
    "Tissue",
    "check_spots",
    "find_tissue",
    "lay_grid",
    "read_spots",
    "um_per_px_from_spots",
]


def __getattr__(name: str) -> Any:
    if name not in _FROM:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_FROM[name]}", __name__), name)
