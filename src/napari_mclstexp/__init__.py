"""Read gene expression out of an ordinary H&E slide, inside napari.

``import napari_mclstexp`` is light: neither torch nor napari is loaded until something needs it.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_LAZY = {
    "open_slide": "slides",
    "read_spots": "spots",
    "lay_grid": "spots",
    "load_model": "model",
    "predict": "engine",
    "train": "engine",
}
__all__ = ["__version__", *_LAZY]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(f".{_LAZY[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
