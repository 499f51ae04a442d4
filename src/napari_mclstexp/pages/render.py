"""Fills a template; whatever a text holds stays text, since jinja2 escapes every value."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_TEMPLATES = Environment(
    loader=PackageLoader(__package__, ""),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.policies["json.dumps_kwargs"] = {}  # methods and genes keep their order


@dataclass(frozen=True)
class Cell:
    """A cell of a table: its text, its style by name, and what stands below in small print."""

    text: str
    kind: str = ""
    small: str = ""


@dataclass(frozen=True)
class Row:
    """A row of a table: what it is called, its cells, and its style or colour."""

    name: str
    cells: tuple[Cell, ...]
    kind: str = ""
    colour: tuple[int, int, int] | None = None


@dataclass(frozen=True)
class Table:
    """A table as the macro in tables.html.j2 draws it; without rows it is not drawn."""

    header: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Picture:
    """A picture as a URL that holds it, and its caption."""

    url: str
    caption: str


def render(template: str, **values: Any) -> str:
    """Return a page; every value is escaped."""
    return _TEMPLATES.get_template(template).render(values)


def texts(values: Iterable[str]) -> tuple[Cell, ...]:
    """Return cells of text, set to the left."""
    return tuple(Cell(each, "text") for each in values)


def number(value: float, digits: int = 3) -> str:
    """Return a number as tables show it."""
    return f"{value:.{digits}f}" if np.isfinite(value) else "–"


def png_url(figure: Figure) -> str:
    """Return a figure as a data URL, so that the page needs no other file."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    buffer = BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(buffer, format="png", dpi=110)
    return _data_url("png", buffer)


def picture_url(pixels: NDArray[np.uint8]) -> str:
    """Return (h, w, 3) pixels as a data URL of a JPEG, small enough for hundreds on a page."""
    from PIL import Image

    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, format="jpeg", quality=85)
    return _data_url("jpeg", buffer)


def _data_url(kind: str, buffer: BytesIO) -> str:
    return f"data:image/{kind};base64," + base64.b64encode(buffer.getvalue()).decode()
