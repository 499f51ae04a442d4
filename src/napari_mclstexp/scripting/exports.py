"""What leaves a session for other programs: each call gathers now and writes when told to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast, get_args

from ..errors import SettingsError
from ..files import refuse_overwriting
from ..spots.schema import SpotMetadata, positions

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

    from ..scene.printed_scene import View
    from ..session.open_slide import OpenSlide
    from ..session.session import Session
    from ..session.spot_expression import Source

Kind = Literal["regions", "figure", "h5ad", "table", "report", "steps"]
Write = Callable[[Path], None]
SUFFIXES: dict[Kind, tuple[str, ...]] = {  # the first is added where a name has none
    "regions": (".geojson", ".json"),
    "figure": (".png", ".svg", ".pdf"),
    "h5ad": (".h5ad",),
    "table": (".csv",),
    "report": (".html",),
    "steps": (".ipynb", ".py"),
}


def export(session: Session, kind: Kind, path: Path | str, *, view: View | None = None) -> Path:
    """Write what is open to a file for other programs.

    Parameters
    ----------
    kind
        ``"regions"`` (GeoJSON), ``"figure"``, ``"h5ad"``, ``"table"`` (CSV), ``"report"`` (HTML) or
        ``"steps"`` (a notebook or a Python script).
    path
        Where no suffix of that kind is given, one is added.
    view
        Of a figure: the part of the slide, as (x, y, width, height) in level-0 px; None for all
        that was predicted.

    Returns
    -------
    The file.

    Raises
    ------
    SettingsError
        If there is nothing of that kind to write.
    OutputError
        If the file cannot be written, or is one that was read.
    """
    if kind not in get_args(Kind):
        raise SettingsError(f"There is no export {kind}; choose one of {', '.join(SUFFIXES)}.")
    path = with_suffix(Path(path), kind)
    write = writer(session, kind, view)
    refuse_inputs(session, path)
    write(path)
    note_export(session, kind, path, view)
    return path


def writer(session: Session, kind: Kind, view: View | None = None) -> Write:
    """Return what writes a kind of file, with all that it needs of the session as it is now.

    Raises
    ------
    SettingsError
        If there is nothing of that kind to write.
    """
    if kind == "figure":
        return _figure(session, view)
    return {
        "regions": _regions,
        "h5ad": _h5ad,
        "table": _table,
        "report": _report,
        "steps": _steps,
    }[kind](session)


def with_suffix(path: Path, kind: Kind) -> Path:
    """Return a path that says what it is: a suffix is added where it has none of its kind."""
    return suffixed(path, SUFFIXES[kind])


def suffixed(path: Path, known: Sequence[str]) -> Path:
    """Return a path with one of these suffixes: the first of them is added where it has none."""
    return path if path.suffix.lower() in known else path.with_name(path.name + known[0])


def note_export(
    session: Session,
    kind: Kind,
    path: Path,
    view: View | None = None,
    opened: OpenSlide | None = None,
) -> None:
    """Record that a file was written of a slide, by default the shown one, and what was shown."""
    if kind == "steps":
        return
    from dataclasses import asdict

    shown = {name: value for name, value in asdict(session.display).items() if name != "draw"}
    opened = opened or session.shown
    more = {} if view is None else {"view": list(view)}
    opened.note("show", **shown)
    opened.note("export", kind=kind, path=str(path), **more)


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


def _regions(session: Session) -> Write:
    """Return what writes the regions, or the domains where no region was drawn."""
    from ..export.geojson import write_geojson

    annotations, spots = session.annotations, session.spots
    trees, domains = annotations.regions, annotations.domains
    if trees:
        return lambda path: write_geojson(trees, path)
    if domains is None or spots is None:
        raise SettingsError("There is no region to export; draw one, or find domains.")
    return lambda path: write_geojson(domains.regions(positions(spots)), path)


def _figure(session: Session, view: View | None) -> Write:
    """Return what draws all that is on the screen."""
    from ..scene.printed_scene import save_figure
    from ..scene.resolve import scene

    return partial(save_figure, scene(session), view=view)


def _h5ad(session: Session) -> Write:
    """Return what writes the prediction with domains, regions and scores in obs."""
    from ..export.annotated_anndata import write_annotated

    annotate = _annotated(session)
    return lambda path: write_annotated(annotate(), path)


def _table(session: Session) -> Write:
    """Return what writes a row for each spot."""
    from ..export.spot_table import write_spot_table

    annotate = _annotated(session)
    return lambda path: write_spot_table(annotate(), path)


def _report(session: Session) -> Write:
    """Return what writes one HTML page about the slide that is shown."""
    if session.slide is None:
        raise SettingsError("There is no slide to report on; open one first.")
    from ..export.html_report import Page, write_page
    from ..scene.status_text import result_line, slide_line, spots_line

    lines = [slide_line(session), spots_line(session), result_line(session, None)]
    if session.result is not None:
        lines.append(session.result.warning)
    page = Page(
        title=session.slide.path.stem,
        facts=tuple(line for line in lines if line),
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
        comparison=session.annotations.comparison,
    )
    markers = _markers(session)
    return lambda path: write_page(replace(page, markers=markers()), path)


def _markers(session: Session) -> Callable[[], pd.DataFrame | None]:
    """Return what finds the marker genes of the domains; None where there are none to find."""
    domains, of = session.annotations.domains, "predicted"
    if domains is None:
        return lambda: None
    if domains.of == "measured":
        of = "measured"
    try:
        expression, genes = session.expression.matrix(cast("Source", of))
    except SettingsError:  # what they were found by is not open any more
        return lambda: None

    def find() -> pd.DataFrame | None:
        from ..analysis.markers import marker_genes

        one = len(set(domains.labels.tolist())) < 2
        return None if one else marker_genes(expression, genes, domains.labels)

    return find


def _steps(session: Session) -> Write:
    """Return what writes everything that was done as a notebook, or as a script."""
    from .steps_as_code import write_steps

    return partial(write_steps, session.shown.name, session.shown.steps)


def _prediction(session: Session) -> AnnData:
    if session.result is None or session.result.adata is None:
        raise SettingsError("There is no finished prediction to export; run one first.")
    return session.result.adata


def _annotated(session: Session) -> Callable[[], AnnData]:
    """Return what adds to the prediction what a person has made of it so far."""
    from ..export.annotated_anndata import annotated

    annotations, prediction = session.annotations, _prediction(session)
    return partial(
        annotated, prediction, annotations.regions, annotations.domains, annotations.signatures
    )
