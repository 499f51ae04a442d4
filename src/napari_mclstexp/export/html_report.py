"""One HTML page about a session: pictures, domains, regions, and how it was made."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from html import escape
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..analysis.domain_map import DomainMap
from ..analysis.maps.contrast import percentile_limits
from ..analysis.region import Region
from ..analysis.region_statistics import NOT_REPLICATES, region_report
from ..files import atomic_file
from ..spots.schema import Provenance, positions

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 60rem; margin: 2rem auto;
       padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
table { border-collapse: collapse; } td, th { padding: .2rem .8rem .2rem 0; text-align: left; }
td.n { text-align: right; } img { max-width: 100%; } .swatch { display: inline-block; width: .8em;
height: .8em; margin-right: .4em; } .note { color: #666; } figure { margin: 0; }
"""


@dataclass(frozen=True, eq=False)
class Page:
    """What the page is about.

    Attributes
    ----------
    title
        Name of the slide.
    facts
        Lines about slide, spots and result.
    picture
        (h, w, 3) uint8 of the whole slide.
    um_per_px, width_px
        Of level 0.
    spots, prediction
        What is there of them, or None.
    gene
        That is drawn, or None.
    regions, domains, notes
        The person's work.
    colormap
        A name that matplotlib knows.
    """

    title: str
    facts: tuple[str, ...]
    picture: NDArray[np.uint8]
    um_per_px: float | None
    width_px: int
    spots: AnnData | None
    prediction: AnnData | None
    gene: str | None
    regions: tuple[Region, ...] = ()
    domains: DomainMap | None = None
    notes: str = ""
    colormap: str = "viridis"


def write_page(page: Page, path: Path) -> None:
    """Write the page to one .html file that needs no other.

    Raises
    ------
    OutputError
        If it cannot be written there.
    """
    text = html_of(page)
    with atomic_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def html_of(page: Page) -> str:
    """Return the page as HTML."""
    parts = [
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(page.title)}</title>",
        f"<style>{_STYLE}</style><h1>{escape(page.title)}</h1>",
        *(f"<p>{escape(line)}</p>" for line in page.facts),
    ]
    if page.notes.strip():
        parts.append(f"<h2>Notes</h2><p>{escape(page.notes).replace(chr(10), '<br>')}</p>")
    if page.gene is not None and _has(page.prediction, page.gene):
        parts.append(f"<h2>{escape(page.gene)}</h2>{_gene_picture(page)}")
    if page.domains is not None:
        parts.append(f"<h2>Domains</h2>{_domains(page, page.domains)}")
    if page.regions:
        parts.append(f"<h2>Regions</h2>{_regions(page)}")
    parts.append(
        f"<p class=note>{escape(NOT_REPLICATES)} Research use only; not for diagnosis.</p>"
    )
    return "".join(parts)


def _gene_picture(page: Page) -> str:
    assert page.prediction is not None
    assert page.gene is not None
    values = np.asarray(page.prediction[:, page.gene].to_df())[:, 0]
    figure, axes = _canvas(page)
    x, y = positions(page.prediction).T
    low, high = percentile_limits(values)
    drawn = axes.scatter(
        x, y, c=values, s=_area(page), cmap=page.colormap, vmin=low, vmax=high, lw=0
    )
    unit = Provenance.read(page.prediction).unit
    figure.colorbar(drawn, ax=axes, shrink=0.6, label=unit)
    return _picture(figure, f"{page.gene}, predicted, over the slide")


def _domains(page: Page, domains: DomainMap) -> str:
    assert page.spots is not None
    figure, axes = _canvas(page)
    x, y = positions(page.spots).T
    colours = [np.array(domains.colours[key]) / 255 for key in domains.labels.tolist()]
    axes.scatter(x, y, c=colours, s=_area(page), lw=0)
    rows = "".join(
        f"<tr><td><span class=swatch style='background:rgb{domains.colours[key]}'></span>"
        f"{escape(domains.names[key])}<td class=n>{int((domains.labels == key).sum()):,}"
        for key in domains.keys
    )
    table = f"<table><tr><th>Domain<th>Spots{rows}</table>"
    how = f"<p>From {domains.of} expression. {escape(domains.reason)}</p>"
    return _picture(figure, "Domains of the spots") + how + table


def _regions(page: Page) -> str:
    figure, axes = _canvas(page)
    for top in page.regions:
        for region in top.walk():
            for polygon in region.polygons:
                for ring in polygon:
                    axes.plot(*np.array(ring).T, color=np.array(region.colour) / 255, lw=1.5)
    if page.spots is None or page.um_per_px is None:
        return _picture(figure, "Regions")
    genes = [page.gene] if page.gene is not None and _has(page.prediction, page.gene) else []
    expression = None
    if genes and page.prediction is not None:
        expression = np.asarray(page.prediction[:, genes].to_df(), dtype=np.float32)
    xy = positions(page.spots)
    table = region_report(page.regions, xy, page.um_per_px, expression, genes)
    return _picture(figure, "Regions") + _table(table)


def _has(prediction: AnnData | None, gene: str) -> bool:
    return prediction is not None and gene in prediction.var_names


def _table(table: pd.DataFrame) -> str:
    named = {"region": "Region", "within": "Within", "spots": "Spots", "area_mm2": "mm²"}
    shown = table.rename(columns=named)
    html: str = shown.to_html(index=False, border=0, float_format="{:.2f}".format, na_rep="")
    return html


def _canvas(page: Page) -> tuple[Figure, Axes]:
    """A figure with the slide, in level-0 pixels, and a scale bar of a round length."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    height, width = page.picture.shape[:2]
    scale = page.width_px / width
    figure = Figure(figsize=(8, max(2.0, 8 * height / width)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.imshow(page.picture, extent=(0, width * scale, height * scale, 0))
    axes.set_axis_off()
    if page.um_per_px:
        length = 1000.0 if page.width_px * page.um_per_px > 3000 else 100.0  # µm
        left, bottom = width * scale * 0.04, height * scale * 0.95
        axes.plot([left, left + length / page.um_per_px], [bottom, bottom], "k-", lw=3)
        label = "1 mm" if length == 1000 else "100 µm"
        axes.text(left, bottom * 0.985, label, va="bottom")
    axes.set(xlim=(0, width * scale), ylim=(height * scale, 0))
    return figure, axes


def _area(page: Page) -> float:
    """Size of a spot in points²."""
    assert page.spots is not None
    n = max(1, page.spots.n_obs)
    return float(np.clip(60_000 / n, 1, 60))


def _picture(figure: Figure, caption: str) -> str:
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    data = base64.b64encode(buffer.getvalue()).decode()
    alt = escape(caption, quote=True)
    return (
        f"<figure><img alt='{alt}' src='data:image/png;base64,{data}'>"
        f"<figcaption class=note>{escape(caption)}</figcaption></figure>"
    )
