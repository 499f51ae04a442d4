"""Predict spatial gene expression from a routine H&E slide, inside napari.

``import napari_mclstexp`` is light: neither torch nor napari is loaded until something needs it.
"""

from __future__ import annotations

from typing import Any

from . import api

__version__ = "0.1.0"
__all__ = ["__version__", *api.__all__]


def __getattr__(name: str) -> Any:
    if name in api.__all__:
        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
