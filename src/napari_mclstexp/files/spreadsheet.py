"""Cells of CSV files that a spreadsheet shows as they are: none of them is run as a formula."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_cell(cell: Any) -> Any:
    """Return a cell as a spreadsheet may read it: a text that begins a formula gets an apostrophe.

    Numbers stay numbers, as texts too.
    """
    if not isinstance(cell, str) or not cell.startswith(_BEGINS_A_FORMULA):
        return cell
    try:
        float(cell)
    except ValueError:
        return f"'{cell}"
    return cell


def as_cells(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row whose cells and names are as of :func:`as_cell`."""
    return {str(as_cell(name)): as_cell(cell) for name, cell in row.items()}


def from_cell(text: str) -> str:
    """Return what :func:`as_cell` made a cell of."""
    return text[1:] if text[:1] == "'" and text[1:].startswith(_BEGINS_A_FORMULA) else text
