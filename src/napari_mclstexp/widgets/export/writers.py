"""What leaves the window for other programs: each call gathers now and writes in a worker."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from napari.utils.notifications import show_info

from ...errors import SettingsError
from ...export.annotated_anndata import with_work
from ...export.geojson import read_geojson, write_geojson
from ...export.html_report import Page, write_page
from ...spots.schema import positions

if TYPE_CHECKING:
    from anndata import AnnData

    from ...session.session import Session

Write = Callable[[Path], None]


def regions(session: Session) -> Write:
    """Return what writes the regions, or the domains where no region was drawn."""
    annotations, spots = session.annotations, session.spots
    trees = annotations.regions
    if not trees and annotations.domains is not None and spots is not None:
        trees = annotations.domains.regions(positions(spots))
    if not trees:
        raise SettingsError("There is no region to export; draw one, or find domains.")
    return lambda path: write_geojson(trees, path)


def figure(session: Session) -> Write:
    """Return what draws the shown gene over the slide."""
    from ...export.figure import save_overlay

    prediction, display = _prediction(session), session.display
    gene, tissue = session.gene, session.tissue
    if gene is None or gene not in prediction.var_names:
        raise SettingsError(f"{gene or 'Nothing'} cannot be drawn as a figure; choose a gene.")
    style: Literal["points", "heatmap"] = "points" if display.style == "points" else "heatmap"
    return lambda path: save_overlay(
        prediction,
        gene,
        path,
        style=style,
        colormap=display.colormap,
        percentiles=display.percentiles,
        opacity=display.opacity,
        tissue=tissue,
    )


def h5ad(session: Session) -> Write:
    """Return what writes the prediction with domains, regions and scores in obs."""
    from ...inference.prediction_io import write_prediction

    data = _with_work(session)
    return lambda path: write_prediction(data, path)


def table(session: Session) -> Write:
    """Return what writes a row for each spot."""
    from ...files import atomic_file

    data = _with_work(session)
    rows = data.obs.copy()
    rows["x_px"], rows["y_px"] = positions(data).T
    rows = rows.join(data.to_df(), rsuffix="_gene")

    def write(path: Path) -> None:
        with atomic_file(path) as temporary:
            rows.to_csv(temporary)

    return write


def report(session: Session) -> Write:
    """Return what writes one HTML page about the session."""
    if session.slide is None:
        raise SettingsError("There is no slide to report on; open one first.")
    from ...scene.status_text import result_line, slide_line, spots_line

    page = Page(
        title=session.slide.path.stem,
        facts=tuple(
            line
            for line in (
                slide_line(session),
                spots_line(session),
                result_line(session, None),
                session.result.warning if session.result is not None else "",
            )
            if line
        ),
        picture=session.slide.thumbnail(),
        um_per_px=session.um_per_px,
        width_px=session.slide.width,
        spots=session.spots,
        prediction=session.result.adata if session.result is not None else None,
        gene=session.gene,
        regions=session.annotations.regions,
        domains=session.annotations.domains,
        notes=session.annotations.notes,
        colormap=session.display.colormap,
    )
    return lambda path: write_page(page, path)


def read_regions(session: Session, path: Path) -> None:
    """Add the regions of a GeoJSON file; one that is there already is brought up to date."""
    from ...analysis.region_edits import flat, removed

    new = read_geojson(path)
    kept = removed(session.annotations.regions, [each.id for each in flat(new)])
    session.edit(f"Read {path.name}", regions=(*kept, *new))
    session.show(show_regions=True)


def done(path: Path, _: object) -> None:
    """Say that a file was written."""
    show_info(f"Saved {path}")


def _prediction(session: Session) -> AnnData:
    if session.result is None or session.result.adata is None:
        raise SettingsError("There is no finished prediction to export; run one first.")
    return session.result.adata


def _with_work(session: Session) -> AnnData:
    annotations = session.annotations
    return with_work(
        _prediction(session), annotations.regions, annotations.domains, annotations.signatures
    )
