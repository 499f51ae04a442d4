"""A grid of spots laid over the tissue of a slide that has none."""

from __future__ import annotations

import math

import anndata
import numpy as np

from ..errors import SettingsError, SlideError, SpotsError
from ..slides import Slide
from .build import make_spots
from .grid_settings import GridSettings
from .schema import GRID, SpotMetadata
from .tissue import Tissue, find_tissue

MOST_SPOTS = 5_000_000


def lay_grid(
    slide: Slide, settings: GridSettings | None = None, *, tissue: Tissue | None = None
) -> anndata.AnnData:
    """Lay spots over the tissue, numbered as Visium does.

    Parameters
    ----------
    slide
        Must know its µm per pixel.
    settings
        Pitch, diameter and layout; Visium's if not given. A hexagonal grid is numbered as Visium
        slides are: columns 0, 2, 4, ... in even rows and 1, 3, 5, ... in odd ones.
    tissue
        From :func:`find_tissue`; found here if not given.

    Raises
    ------
    SlideError
        If the scale of the slide is not known.
    SpotsError
        If there is no tissue.
    SettingsError
        If the pitch would make too many spots.

    Examples
    --------
    >>> from napari_mclstexp.samples import sample_section
    >>> from napari_mclstexp.slides import open_slide
    >>> with open_slide(sample_section(1).slide) as slide:
    ...     spots = lay_grid(slide, GridSettings(pitch_um=200))
    >>> SpotMetadata.read(spots).pitch_um
    200.0
    """
    settings = settings or GridSettings()
    if slide.um_per_px is None:
        raise SlideError(
            f"{slide.path.name} does not say how large its pixels are, so no grid in µm can be "
            "laid over it; give µm per pixel (--um-per-px, or the field in the Slide dock)."
        )
    hexagonal = settings.layout == "hex"
    pitch = settings.pitch_um / slide.um_per_px
    row_step = pitch * (math.sqrt(3) / 2 if hexagonal else 1.0)
    n_rows, n_cols = int(slide.height / row_step) + 1, int(slide.width / pitch) + 1
    if n_rows * n_cols > MOST_SPOTS:
        raise SettingsError(
            f"A pitch of {settings.pitch_um:g} µm makes {n_rows * n_cols:,} spots on this slide; "
            f"choose a wider one (at most {MOST_SPOTS:,} spots)."
        )
    tissue = tissue or find_tissue(slide)
    row, col = (each.ravel() for each in np.mgrid[:n_rows, :n_cols])
    shift = (row % 2) * 0.5 if hexagonal else np.zeros(len(row))
    xy = np.column_stack([(col + shift + 0.5) * pitch, (row + 0.5) * row_step])
    on_slide = (xy[:, 0] < slide.width) & (xy[:, 1] < slide.height)
    kept = on_slide & tissue.contains(xy)
    if not kept.any():
        raise SpotsError(
            f"No tissue was found on {slide.path.name}, so there is nowhere to lay spots; "
            "check that it is a stained section, or load spots from a file."
        )
    row, col, xy = row[kept], col[kept], xy[kept]
    array_col = 2 * col + row % 2 if hexagonal else col
    return make_spots(
        barcodes=[f"r{r}c{c}" for r, c in zip(row, array_col, strict=True)],
        xy=xy,
        array_row=row,
        array_col=array_col,
        metadata=SpotMetadata(
            platform=GRID,
            source=str(slide.path),
            pitch_um=float(settings.pitch_um),
            spot_diameter_um=float(settings.diameter_um),
            layout=settings.layout,
        ),
    )
