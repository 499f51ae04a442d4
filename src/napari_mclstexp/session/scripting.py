"""Files into a session and out of it, for scripts; the window does the same in a worker."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import SettingsError, SlideError, UserError
from ..files import refuse_overwriting
from ..spots.schema import Provenance

if TYPE_CHECKING:
    from anndata import AnnData

    from ..analysis.prediction_result import Result
    from ..model import Model
    from ..slides import Slide
    from ..spots import GridSettings
    from .session import Session


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
    return session.use_prediction(prediction)


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
