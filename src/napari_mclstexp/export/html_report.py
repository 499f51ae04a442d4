"""One HTML page about a session: pictures, domains, regions, and how it was made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..analysis.domain_map import DomainMap
from ..analysis.maps.contrast import DIVERGING, percentile_limits, symmetric
from ..analysis.predicted_programs import programs_of
from ..analysis.prediction_result import Result
from ..analysis.region import Region
from ..analysis.region_comparison import CLEAR, RegionComparison
from ..analysis.region_statistics import NOT_REPLICATES, region_report
from ..files import atomic_file
from ..model.programs import UNIT as PROGRAM_UNIT
from ..pages.render import Cell, Picture, Row, Table, number, png_url, render, texts
from ..spots.schema import positions

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PROGRAM_GENES = 12  # named in each direction
MARKERS, COMPARED = 6, 15  # genes named of a domain, and of each side of a comparison


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
    regions, domains, notes, comparison
        The person's work.
    markers
        What :func:`~napari_mclstexp.analysis.markers.marker_genes` says of the domains, or None.
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
    comparison: RegionComparison | None = None
    markers: pd.DataFrame | None = None


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
    domains = page.domains if page.spots is not None else None
    return render(
        "session.html.j2",
        title=page.title,
        facts=page.facts,
        notes=page.notes.strip(),
        gene=page.gene,
        gene_picture=_gene_picture(page),
        program_table=_program_table(page.prediction) if page.prediction is not None else None,
        domains=domains,
        domain_picture=_domain_picture(page, domains) if domains is not None else None,
        domain_table=_domain_table(domains) if domains is not None else None,
        marker_table=_marker_table(page) if domains is not None else None,
        comparison=page.comparison,
        compared=_compared(page.comparison) if page.comparison is not None else (),
        region_picture=_region_picture(page) if page.regions else None,
        region_table=_region_table(page) if page.regions else None,
        not_replicates=NOT_REPLICATES,
    )


def _gene_picture(page: Page) -> Picture | None:
    if page.gene is None or page.prediction is None:
        return None
    result, colormap = Result.from_adata(page.prediction), page.colormap
    values, unit = result.predicted_values(page.gene), result.unit
    if values is None:
        values, unit, colormap = result.program_values(page.gene), PROGRAM_UNIT, DIVERGING
    if values is None:
        return None
    figure, axes = _canvas(page)
    x, y = positions(page.prediction).T
    low, high = percentile_limits(values)
    if colormap == DIVERGING:
        low, high = symmetric((low, high))
    drawn = axes.scatter(
        x, y, c=values, s=_area(page.prediction), cmap=colormap, vmin=low, vmax=high, lw=0
    )
    figure.colorbar(drawn, ax=axes, shrink=0.6, label=unit)
    return Picture(png_url(figure), f"{page.gene}, predicted, over the slide")


def _program_table(prediction: AnnData) -> Table | None:
    """Return the programs that a linear head made all values of, with their strongest genes."""
    programs = programs_of(prediction)
    rows = (
        Row(
            f"Program {each.number}",
            (
                Cell("–" if each.share is None else f"{each.share:.0%}"),
                *texts(
                    ", ".join(gene for gene, _ in part[:PROGRAM_GENES]) or "none"
                    for part in (each.up, each.down)
                ),
            ),
        )
        for each in programs
    )
    header = ("Program", "Share", "Genes that rise with it", "Genes that fall with it")
    return Table(header, tuple(rows)) if programs else None


def _domain_picture(page: Page, domains: DomainMap) -> Picture:
    figure, axes = _canvas(page)
    x, y = positions(page.spots).T
    colours = [np.array(domains.colours[key]) / 255 for key in domains.labels.tolist()]
    axes.scatter(x, y, c=colours, s=_area(page.spots), lw=0)
    return Picture(png_url(figure), "Domains of the spots")


def _domain_table(domains: DomainMap) -> Table:
    spots = pd.Series(domains.labels).value_counts()
    rows = (
        Row(domains.names[key], (Cell(f"{spots[key]:,}"),), colour=domains.colours[key])
        for key in domains.keys
    )
    return Table(("Domain", "Spots"), tuple(rows))


def _marker_table(page: Page) -> Table | None:
    """Return the genes that are higher in each domain than elsewhere, the clearest first."""
    if page.markers is None or page.domains is None:
        return None
    clear = page.markers[(page.markers["auc"] > 0.5) & (page.markers["fdr"] < CLEAR)]
    rows = []
    for key in page.domains.keys:
        best = clear[clear["domain"] == key].head(MARKERS)
        said = ", ".join(
            f"{gene} ({auc:.2f})" for gene, auc in zip(best.gene, best.auc, strict=True)
        )
        name, colour = page.domains.names[key], page.domains.colours[key]
        rows.append(Row(name, tuple(texts([said or "none"])), colour=colour))
    return Table(("Domain", "Genes that are higher in it (AUC)"), tuple(rows))


def _compared(comparison: RegionComparison) -> tuple[tuple[str, Table | None], ...]:
    """Return the genes that are higher in the first region, and those that are lower."""
    first = comparison.first or "the first region"
    sides = ((f"Higher in {first}", comparison.up), (f"Lower in {first}", comparison.down))
    return tuple((title, _gene_table(table)) for title, table in sides)


def _gene_table(table: pd.DataFrame) -> Table | None:
    clear = table[table["fdr"] < CLEAR].head(COMPARED)
    rows = (
        Row(str(gene), (Cell(number(auc, 2)), Cell(number(by, 2)), Cell(f"{fdr:.2g}")))
        for gene, auc, by, fdr in zip(
            clear["gene"], clear["auc"], clear["difference"], clear["fdr"], strict=True
        )
    )
    header = ("Gene", "AUC", "Difference of means", "FDR")
    return Table(header, tuple(rows)) if len(clear) else None


def _region_picture(page: Page) -> Picture:
    figure, axes = _canvas(page)
    for top in page.regions:
        for region in top.walk():
            for polygon in region.polygons:
                for ring in polygon:
                    axes.plot(*np.array(ring).T, color=np.array(region.colour) / 255, lw=1.5)
    return Picture(png_url(figure), "Regions")


def _region_table(page: Page) -> Table | None:
    if page.spots is None or page.um_per_px is None:
        return None
    genes = [page.gene] if page.gene is not None and _has(page.prediction, page.gene) else []
    expression = None
    if genes and page.prediction is not None:
        expression = np.asarray(page.prediction[:, genes].to_df(), dtype=np.float32)
    xy = positions(page.spots)
    report = region_report(page.regions, xy, page.um_per_px, expression, genes)
    rows = (
        Row(
            str(name),
            (
                *texts([str(within)]),
                Cell(f"{spots:,}"),
                *(Cell(number(each, 2)) for each in (area, *means)),
            ),
        )
        for name, within, spots, area, *means in report.itertuples(index=False, name=None)
    )
    return Table(("Region", "Within", "Spots", "mm²", *genes), tuple(rows))


def _has(prediction: AnnData | None, gene: str) -> bool:
    return prediction is not None and gene in prediction.var_names


def _canvas(page: Page) -> tuple[Figure, Axes]:
    """A figure with the slide, in level-0 pixels, and a scale bar of a round length."""
    from matplotlib.figure import Figure

    height, width = page.picture.shape[:2]
    scale = page.width_px / width
    figure = Figure(figsize=(8, max(2.0, 8 * height / width)), layout="constrained")
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


def _area(spots: AnnData) -> float:
    """Size of a spot in points²."""
    return float(np.clip(60_000 / max(1, spots.n_obs), 1, 60))
