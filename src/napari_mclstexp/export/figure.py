"""A picture of one gene over its slide, to keep or to show: slide, prediction, measurement."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..analysis.maps.contrast import DIVERGING, percentile_limits, symmetric
from ..analysis.maps.raster import smooth_raster
from ..analysis.prediction_result import Result
from ..errors import SettingsError
from ..files import atomic_file
from ..inference.correlation import correlation
from ..model.programs import UNIT as PROGRAM_UNIT
from ..spots.schema import Provenance, SpotMetadata, positions

if TYPE_CHECKING:
    from anndata import AnnData
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..spots import Tissue

FORMATS = (".png", ".pdf", ".svg", ".jpg")
PANEL_INCHES = 4.6
_MARGIN = 0.04  # of the longer side of the spots' field, around them


@dataclass(frozen=True)
class _Field:
    """The slide's picture and the part of it that is shown, in µm (x0, x1, y1, y0)."""

    image: NDArray[np.uint8]
    extent: tuple[float, float, float, float]
    view: tuple[float, float, float, float]


def save_overlay(
    result: AnnData,
    gene: str,
    path: Path | str,
    *,
    style: Literal["points", "heatmap"] = "heatmap",
    colormap: str = "viridis",
    percentiles: tuple[float, float] = (1.0, 99.0),
    opacity: float = 0.75,
    tissue: Tissue | None = None,
    dpi: int = 150,
) -> None:
    """Write a picture of a gene: the slide, the prediction over it, and the measurement beside.

    The panel with the measured values and the correlation is there only if the gene was measured.
    Each panel has a colour bar of its own, since predictions vary less than measurements.

    Parameters
    ----------
    result
        A prediction, from `predict` or `read_prediction`.
    gene
        One of its genes, or a program of a linear head by its name or key ("program_1").
    path
        A .png, .pdf, .svg or .jpg file, which appears whole or not at all.
    style
        A smooth map, or the spots at their true diameter.
    colormap
        A name that matplotlib knows.
    percentiles
        The values below and above which the colours saturate.
    opacity
        Of the colours over the slide.
    tissue
        Of the slide, from `find_tissue`; smooth maps are clipped to it.
    dpi
        Dots per inch; a panel is about five inches wide.

    Raises
    ------
    SettingsError
        If the result lacks the gene, or the file name has another ending.
    OutputError
        If the file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() not in FORMATS:
        raise SettingsError(f"{path.name} must end in {', '.join(FORMATS)} to hold a picture.")
    figure = overlay_figure(
        result,
        gene,
        style=style,
        colormap=colormap,
        percentiles=percentiles,
        opacity=opacity,
        tissue=tissue,
    )
    with atomic_file(path) as temporary:
        figure.savefig(temporary, dpi=dpi)


def overlay_figure(
    result: AnnData,
    gene: str,
    *,
    style: Literal["points", "heatmap"] = "heatmap",
    colormap: str = "viridis",
    percentiles: tuple[float, float] = (1.0, 99.0),
    opacity: float = 0.75,
    tissue: Tissue | None = None,
) -> Figure:
    """Return the figure that :func:`save_overlay` writes; see there."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    reading = Result.from_adata(result)
    program = reading.program(gene)
    predicted, measured = reading.predicted_values(gene), reading.measured_values(gene)
    label = f"{gene}, {reading.unit}"
    if predicted is None and program is not None:
        predicted, colormap = reading.program_values(gene), DIVERGING
        gene, label = program.name, f"Program {program.number}, {PROGRAM_UNIT}"
    if predicted is None:
        raise SettingsError(f"The prediction has no gene {gene}; choose one of its genes.")
    panels = [(f"{gene}, predicted", predicted)]
    if measured is not None:
        agreement = correlation(predicted, measured)
        said = "" if agreement is None else f" (PCC {agreement:.2f})"
        panels.append((f"{gene}, measured{said}", measured))

    field = _field(result)
    height = (field.view[2] - field.view[3]) / (field.view[1] - field.view[0])
    columns = 1 + len(panels)
    size = (columns * PANEL_INCHES, max(2.0, PANEL_INCHES * height) + 1.1)
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    # The bars have a row of their own, so that all panels stand at one height.
    (slides, bars) = figure.subplots(2, columns, height_ratios=(24, 1))
    for ax in slides:
        _draw_slide(ax, field)
    slides[0].set_title("H&E")
    bars[0].set_axis_off()
    left, right, bottom, top = field.view
    draw_scale_bar(slides[0], (left, top, right, bottom))
    for ax, bar, (title, values) in zip(slides[1:], bars[1:], panels, strict=True):
        ax.set_title(title)
        if style == "heatmap":
            drawn = _draw_map(ax, result, values, tissue)
        else:
            drawn = _draw_spots(ax, result, values)
        limits = percentile_limits(values, *percentiles)
        if colormap == DIVERGING:
            limits = symmetric(limits)
        drawn.set(cmap=colormap, clim=limits, alpha=opacity)
        figure.colorbar(drawn, cax=bar, orientation="horizontal", label=label)
    return figure


def _um_per_px(result: AnnData) -> float:
    return Provenance.read(result).um_per_px or 1.0


def _field(result: AnnData) -> _Field:
    scale = _um_per_px(result)
    xy = positions(result) * scale
    low, high = xy.min(axis=0), xy.max(axis=0)
    margin = _MARGIN * float((high - low).max()) + _diameter(result)
    pictures = result.uns.get("spatial", {})
    if pictures:
        library = next(iter(pictures.values()))
        image = np.asarray(library["images"]["hires"])
        per_px = scale / float(library["scalefactors"]["tissue_hires_scalef"])
    else:
        image, per_px = np.full((1, 1, 3), 255, dtype=np.uint8), float(high.max() + margin)
    width, height = image.shape[1] * per_px, image.shape[0] * per_px
    return _Field(
        image,
        (0.0, width, height, 0.0),
        (
            max(0.0, low[0] - margin),
            min(width, high[0] + margin),
            min(height, high[1] + margin),
            max(0.0, low[1] - margin),
        ),
    )


def _diameter(result: AnnData) -> float:
    diameter = SpotMetadata.read(result).spot_diameter_um
    return diameter or Provenance.read(result).patch_um or 50.0


def _draw_slide(ax: Axes, field: _Field) -> None:
    ax.imshow(field.image, extent=field.extent, interpolation="antialiased")
    ax.set(xlim=field.view[:2], ylim=field.view[2:], xticks=[], yticks=[])


def _draw_map(ax: Axes, result: AnnData, values: NDArray[np.float32], tissue: Tissue | None) -> Any:
    raster = smooth_raster(result, _um_per_px(result), tissue)
    (x, y), (height, width) = raster.origin, raster.shape
    extent = (x, x + width * raster.pixel, y + height * raster.pixel, y)
    limits = ax.axis()  # imshow would zoom to the map
    drawn = ax.imshow(raster.render(values), extent=extent, interpolation="nearest")
    ax.axis(limits)
    return drawn


def _draw_spots(ax: Axes, result: AnnData, values: NDArray[np.float32]) -> Any:
    known = np.isfinite(values)
    spots = draw_discs(ax, positions(result)[known] * _um_per_px(result), _diameter(result))
    spots.set_array(values[known])
    return spots


def draw_discs(ax: Axes, xy: NDArray[np.float64], diameter: float) -> Any:
    """Draw discs of a true diameter at (n, 2) centres, in the units of the axes."""
    from matplotlib.collections import EllipseCollection

    across = np.full(len(xy), diameter)
    discs = EllipseCollection(
        across,
        across,
        np.zeros_like(across),
        units="x",
        offsets=xy,
        offset_transform=ax.transData,
        linewidths=0,
    )
    ax.add_collection(discs)
    return discs


def draw_scale_bar(ax: Axes, box: tuple[float, float, float, float]) -> None:
    """Draw a bar of a round length into the lower left corner.

    Parameters
    ----------
    ax
        In µm, y downwards.
    box
        (left, top, right, bottom) of what it shows.
    """
    from matplotlib.patheffects import withStroke

    x0, y0, x1, y1 = box
    length = round_length((x1 - x0) / 4)
    left, bottom = x0 + 0.05 * (x1 - x0), y1 - 0.05 * (y1 - y0)
    halo = [withStroke(linewidth=5, foreground="white")]
    ax.plot(
        [left, left + length],
        [bottom, bottom],
        color="black",
        linewidth=3,
        solid_capstyle="butt",
        path_effects=halo,
    )
    label = f"{length / 1000:g} mm" if length >= 1000 else f"{length:g} µm"
    ax.annotate(
        label,
        (left + length / 2, bottom),
        (0, 5),
        textcoords="offset points",
        ha="center",
        va="bottom",
        path_effects=[withStroke(linewidth=3, foreground="white")],
    )


def round_length(longest: float) -> float:
    """Return the longest of 1, 2 or 5 times a power of ten that is not above `longest`."""
    power = 10.0 ** np.floor(np.log10(longest))
    return float(max(step * power for step in (1, 2, 5) if step * power <= longest * (1 + 1e-9)))
