"""What leaves the window for other programs: each call gathers now and writes in a worker."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from napari.utils.notifications import show_info

from ...errors import SettingsError
from ...export.annotated_anndata import annotated, write_annotated
from ...export.geojson import read_geojson, write_geojson
from ...export.html_report import Page, write_page
from ...export.spot_table import write_spot_table
from ...files import refuse_overwriting
from ...spots.schema import SpotMetadata, positions

if TYPE_CHECKING:
    from anndata import AnnData

    from ...session.session import Session

Write = Callable[[Path], None]


def regions(session: Session) -> Write:
    """Return what writes the regions, or the domains where no region was drawn."""
    annotations, spots = session.annotations, session.spots
    trees, domains = annotations.regions, annotations.domains
    if trees:
        return lambda path: write_geojson(trees, path)
    if domains is None or spots is None:
        raise SettingsError("There is no region to export; draw one, or find domains.")
    return lambda path: write_geojson(domains.regions(positions(spots)), path)


def figure(session: Session) -> Write:
    """Return what draws the shown gene over the slide."""
    from ...export.figure import save_overlay

    prediction, display = _prediction(session), session.display
    gene, tissue = session.gene, session.tissue
    programs = session.expression.programs
    if gene is None or (gene not in prediction.var_names and gene not in programs):
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
    annotate = _annotated(session)
    return lambda path: write_annotated(annotate(), path)


def table(session: Session) -> Write:
    """Return what writes a row for each spot."""
    annotate = _annotated(session)
    return lambda path: write_spot_table(annotate(), path)


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


def refuse_inputs(session: Session, path: Path) -> None:
    """Make sure that a file to be written is none that an open slide or the session was read from.

    Raises
    ------
    OutputError
        If it is.
    """
    inputs: dict[str, Path | None] = {}
    for each in session.open_slides:
        inputs[f"the slide {each.name}"] = None if each.slide is None else each.slide.path
        inputs[f"the saved session of {each.name}"] = each.folder
        if each.spots is not None:
            known = SpotMetadata.read(each.spots)
            inputs[f"the spots of {each.name}"] = Path(known.source) if known.source else None
    inputs["the model"] = None if session.model is None else session.model.path
    refuse_overwriting(path, inputs)


def done(path: Path, _: object) -> None:
    """Say that a file was written."""
    show_info(f"Saved {path}")


def _prediction(session: Session) -> AnnData:
    if session.result is None or session.result.adata is None:
        raise SettingsError("There is no finished prediction to export; run one first.")
    return session.result.adata


def _annotated(session: Session) -> Callable[[], AnnData]:
    """Return what adds to the prediction what a person has made of it so far."""
    annotations, prediction = session.annotations, _prediction(session)
    return partial(
        annotated, prediction, annotations.regions, annotations.domains, annotations.signatures
    )
