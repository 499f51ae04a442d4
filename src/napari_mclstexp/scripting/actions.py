"""What the window's buttons do to a session, for scripts; the window does it in workers.

Each function is a step that a session records (:class:`~napari_mclstexp.session.steps.Step`) under
the same name. All act on the slide that is shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import SettingsError, SlideError, UserError
from ..files import refuse_overwriting
from ..spots.schema import Provenance

if TYPE_CHECKING:
    from anndata import AnnData

    from ..analysis.domain_map import DomainMap
    from ..analysis.domain_settings import DomainSettings
    from ..analysis.prediction_result import Result
    from ..analysis.region_comparison import RegionComparison
    from ..analysis.similar_places import By, Similar
    from ..model import Model
    from ..session.session import Session
    from ..session.spot_expression import Of
    from ..slides import Slide
    from ..spots import GridSettings


def open_slide(session: Session, path: Path | str) -> Slide:
    """Open a slide file and make it the session's.

    Raises
    ------
    SlideError
        If the file is no readable slide.
    SpotsError
        If spots that were loaded before lie outside it.
    """
    from ..slides import open_slide

    slide = open_slide(path)
    try:
        session.use_slide(slide)
    except UserError:
        slide.close()
        raise
    return slide


def load_spots(session: Session, path: Path | str, counts: Path | str | None = None) -> AnnData:
    """Read spots, with counts where there are any, and make them the session's.

    Raises
    ------
    SpotsError
        If they cannot be read or do not fit the slide.
    """
    from ..spots.readers.choose import read_spots

    spots = read_spots(path, None if counts is None else Path(counts))
    session.use_spots(spots)
    return spots


def lay_grid(session: Session, settings: GridSettings | None = None) -> AnnData:
    """Lay a grid of spots over the tissue of the session's slide and make it the session's.

    Raises
    ------
    SlideError
        If there is no slide, or its scale is not known.
    SpotsError
        If no tissue is found on it.
    """
    from ..spots import lay_grid

    if session.slide is None:
        raise SlideError("There is no slide to create a grid over; open one first.")
    spots = lay_grid(session.slide, settings, tissue=session.tissue)
    session.use_spots(spots)
    return spots


def set_scale(session: Session, um_per_px: float) -> None:
    """Set the scale of the slide, where its file does not say it.

    Raises
    ------
    SettingsError
        If it is not above 0, or there is no slide.
    """
    session.set_um_per_px(um_per_px)


def load_model(session: Session, folder: Path | str) -> Model:
    """Load and verify a model folder and choose it.

    Raises
    ------
    ModelError
        If the folder is no whole model.
    """
    from ..model import load_model

    model = load_model(Path(folder))
    session.use_model(model)
    return model


def open_prediction(session: Session, path: Path | str) -> Result:
    """Show a prediction saved earlier, opening its slide if none is open and it is found.

    Raises
    ------
    UserError
        If the file is no prediction, or was made on another slide than the open one.
    """
    from ..inference.prediction_io import read_prediction

    prediction = read_prediction(path)
    slide = Path(Provenance.read(prediction).slide or "")
    if session.slide is None and slide.is_file():
        open_slide(session, slide)
    result = session.use_prediction(prediction)
    session.shown.came_from(Path(path))
    return result


def predict(
    session: Session,
    model: Path | str | None = None,
    genes: Sequence[str] | None = None,
    device: str = "auto",
) -> Result:
    """Predict the expression at the spots and show it.

    Parameters
    ----------
    model
        Folder of a model; by default the one that is chosen.
    genes
        Some of the model's; by default all.
    device
        As :func:`napari_mclstexp.predict` has it.

    Raises
    ------
    SettingsError
        If there is no slide, spots or model, or a gene is unknown.
    ModelError, SlideError
        If the model is not whole, or the slide cannot be read.
    """
    from ..inference.predict import predict

    if model is not None and (session.model is None or session.model.path != Path(model)):
        load_model(session, model)
    run = session.runs.start(genes)
    try:
        found = predict(run.slide, run.spots, run.model, genes=run.genes, device=device)
    except BaseException:
        session.runs.abandon(run)
        raise
    session.runs.finish(run, found)
    assert session.result is not None
    return session.result


def find_domains(
    session: Session, settings: DomainSettings | None = None, of: Of = "predicted"
) -> DomainMap:
    """Find domains among the spots and show them; those like one before keep name and colour.

    Raises
    ------
    SettingsError
        If there are no spots or no such expression, or the settings do not fit it.
    """
    from ..analysis.domain_map import find_map
    from ..analysis.domain_settings import DomainSettings
    from ..spots.schema import positions

    if session.spots is None:
        raise SettingsError("There are no spots; load spots or create a grid first.")
    settings = settings or DomainSettings()
    expression, _ = session.expression.matrix(of)
    programs = session.expression.program_scores() if of == "predicted" else None
    xy, before = positions(session.spots), session.annotations.domains
    domains = find_map(expression, xy, settings, of, before, programs)
    session.edit("Find domains", domains=domains)
    session.show(show_domains=True)
    return domains


def name_domains(
    session: Session, names: Mapping[str, str], colours: Mapping[str, Sequence[int]] | None = None
) -> DomainMap:
    """Give domains names, and colours (red, green, blue from 0 to 255), each by its key.

    Raises
    ------
    SettingsError
        If there are no domains.
    """
    from ..session.annotations_json import rgb

    domains = session.annotations.domains
    if domains is None:
        raise SettingsError("There are no domains yet; find some first.")
    given = {key: rgb(colour) for key, colour in (colours or {}).items()}
    domains = replace(
        domains, names={**domains.names, **names}, colours={**domains.colours, **given}
    )
    session.edit("Name domains", domains=domains)
    return domains


def clear_domains(session: Session) -> None:
    """Remove the domains."""
    session.edit("Remove the domains", domains=None)


def set_regions(session: Session, geojson: Mapping[str, Any]) -> None:
    """Put the regions of a GeoJSON document, in level-0 pixels, in place of those before.

    Raises
    ------
    SettingsError
        Naming the feature that is wrong.
    """
    from ..export.geojson import from_geojson

    session.edit("Draw regions", regions=from_geojson(dict(geojson)))
    session.show(show_regions=True)


def read_regions(session: Session, path: Path | str) -> None:
    """Add the regions of a GeoJSON file; one that is there already is brought up to date.

    Raises
    ------
    SettingsError
        If it is missing, damaged or holds something else.
    """
    from ..analysis.region_edits import flat, removed
    from ..export.geojson import read_geojson

    path = Path(path)
    new = read_geojson(path)
    kept = removed(session.annotations.regions, [each.id for each in flat(new)])
    session.edit(f"Read {path.name}", regions=(*kept, *new))
    session.show(show_regions=True)


def set_signatures(session: Session, signatures: Sequence[Mapping[str, Any]]) -> None:
    """Set the signatures that can be shown like genes, each with `name`, `genes` and `source`."""
    from ..analysis.signatures import Signature

    found = tuple(
        Signature(str(each["name"]), tuple(each["genes"]), str(each.get("source", "")))
        for each in signatures
    )
    session.edit("Set signatures", signatures=found)


def compare_regions(
    session: Session, one: str, other: str | None = None, of: Of = "predicted"
) -> RegionComparison:
    """Compare the spots of a region with those of another, or with the rest.

    Parameters
    ----------
    one, other
        Ids of regions.

    Raises
    ------
    SettingsError
        If there are no spots, a region is not there, or too few spots are in it.
    """
    from ..analysis.region_comparison import compare
    from ..analysis.region_edits import find
    from ..spots.schema import positions

    if session.spots is None:
        raise SettingsError("There are no spots to compare; load spots or create a grid first.")
    regions = session.annotations.regions
    first, second = find(regions, one), None if other is None else find(regions, other)
    expression, genes = session.expression.matrix(of)
    found = compare(expression, genes, positions(session.spots), first, second, of)
    session.edit("Compare regions", comparison=found)
    return found


def find_similar(
    session: Session,
    by: By,
    spot: str = "",
    region: str = "",
    most: int = 20,
    everywhere: bool = True,
) -> Similar:
    """Find the places most like a spot or a region, and show how like it every spot is.

    Parameters
    ----------
    by
        ``"image"`` or ``"expression"``.
    spot, region
        The name of a spot, or the id of a region.
    most
        Places of each slide.
    everywhere
        Whether other open slides are searched too.

    Raises
    ------
    SettingsError
        If the place is not there, or its spots have nothing to compare.
    """
    from ..analysis.region_edits import find
    from ..session.similar_search import prepare_search

    place = find(session.annotations.regions, region) if region else None
    search = prepare_search(session, by, spot=spot, region=place, most=most, everywhere=everywhere)
    found = search.run()
    search.show(session, found)
    return found


def set_landmarks(session: Session, landmarks: Sequence[Mapping[str, Any]]) -> None:
    """Set the landmarks that the slide shares with others, as a session's file has them."""
    from ..session.annotations_json import landmarks_from

    session.edit("Set landmarks", landmarks=tuple(landmarks_from(each) for each in landmarks))


def write_notes(session: Session, notes: str) -> None:
    """Write the notes of the slide, in place of those before."""
    session.edit("Write notes", notes=notes)


def clear_spots(session: Session) -> None:
    """Remove the spots and all that was made on them."""
    session.clear_spots()


def show(session: Session, **display: Any) -> None:
    """Change what is shown; see :class:`~napari_mclstexp.session.display.Display`."""
    from ..analysis.region_classes import RegionClass
    from ..session.annotations_json import rgb

    lists = {name: tuple(each) for name, each in display.items() if isinstance(each, list)}
    if isinstance(display.get("classes"), list):  # as JSON has them
        lists["classes"] = tuple(
            each
            if isinstance(each, RegionClass)
            else RegionClass(str(each["name"]), rgb(each["colour"]))
            for each in display["classes"]
        )
    session.show(**{**display, **lists})


def save_result(session: Session, path: Path | str) -> None:
    """Write the result shown to an .h5ad file.

    Raises
    ------
    SettingsError
        If there is no complete result.
    OutputError
        If the file cannot be written, or is the slide.
    """
    from ..inference.prediction_io import write_prediction

    if session.result is None or session.result.adata is None:
        raise SettingsError("There is no finished prediction to save; run one first.")
    if session.slide is not None:
        refuse_overwriting(path, {"the slide": session.slide.path})
    write_prediction(session.result.adata, path)
