"""What is on the screen as a figure to print: PNG, SVG or PDF, with matplotlib."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SettingsError
from ..export.figure import FORMATS, PANEL_INCHES, draw_discs, draw_scale_bar
from ..files import atomic_file
from .layer_specs import (
    ColourBar,
    DomainPoints,
    Expression,
    ExpressionBlend,
    ExpressionHeatmap,
    ExpressionPoints,
    RegionShapes,
    Scene,
    SlideLayer,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

View = tuple[float, float, float, float]
Box = tuple[float, float, float, float]  # left, top, right, bottom in world units
DPI = 200
_ALL = 0.9  # of the width and height: who sees that much sees all
_MARGIN = 0.04  # of the longer side, around the spots
_INKS = {"cyan": "#00c8c8", "yellow": "#c8b400", "magenta": "#d000d0"}  # of text, on white


@dataclass(frozen=True)
class _Panel:
    title: str
    drawn: Expression | DomainPoints | None
    bar: ColourBar | None
    shift: float = 0.0  # of what stands beside, to the right, in world units


def save_figure(scene: Scene, path: Path | str, *, view: View | None = None) -> None:
    """Write what a scene shows to a file, which appears whole or not at all.

    Genes that are compared, or predicted beside measured values, have a panel each; with them go
    their colour bars, the names of domains and of regions, and a scale bar.

    Parameters
    ----------
    scene
        From :func:`~napari_mclstexp.scene.resolve.scene`.
    path
        A .png, .svg, .pdf or .jpg file.
    view
        The part that is drawn, as (x, y, width, height) in level-0 px; None for all spots and
        regions, or the whole slide where there are none.

    Raises
    ------
    SettingsError
        If nothing is open, or the file name has another ending.
    OutputError
        If the file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() not in FORMATS:
        raise SettingsError(f"{path.name} must end in {', '.join(FORMATS)} to hold a picture.")
    figure = figure_of(scene, view=view)
    with atomic_file(path) as temporary:
        figure.savefig(temporary, dpi=DPI)


def figure_of(scene: Scene, *, view: View | None = None) -> Figure:
    """Return the figure that :func:`save_figure` writes; see there."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    if scene.slide is None and scene.spots is None and scene.predicted is None:
        raise SettingsError("There is nothing to draw; open a slide first.")
    panels = _panels(scene)
    left, top, right, bottom = box = _box(scene, view)
    height = PANEL_INCHES * (bottom - top) / (right - left)
    size = (len(panels) * PANEL_INCHES, min(max(height, 2.0), 3 * PANEL_INCHES) + 1.0)
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    rows = figure.subplots(2, len(panels), height_ratios=(24, 1), squeeze=False)
    for panel, ax, bar in zip(panels, *rows, strict=True):
        _draw_slide(ax, scene.slide, box)
        drawn = _draw(ax, panel)
        if scene.regions is not None and scene.regions.visible:
            _draw_regions(ax, scene.regions)
        ax.set(xlim=(left, right), ylim=(bottom, top), xticks=[], yticks=[], title=panel.title)
        if panel.bar is None or drawn is None:
            bar.set_axis_off()
        else:
            figure.colorbar(drawn, cax=bar, orientation="horizontal", label=panel.bar.unit)
    if scene.unit == "µm":
        draw_scale_bar(rows[0][0], box)
    _draw_legend(figure, scene)
    if scene.result_text or scene.slide_text:
        told = " · ".join(text for text in (scene.slide_text, scene.result_text) if text)
        figure.supxlabel(told, fontsize="x-small", color="0.35", wrap=True)
    return figure


def seen_part(scene: Scene, seen: Box) -> View | None:
    """Return what a person sees of a scene as the view of a figure; None if that is all of it.

    Parameters
    ----------
    seen
        (left, top, right, bottom) of the canvas, in world units.
    """
    if scene.slide_beside is not None or scene.compared or scene.slide is None:
        return None
    whole, scale = np.array(_box(scene, None)), scene.slide.scale
    edges = np.array([0, 0, scene.slide.slide.width, scene.slide.slide.height]) * scale
    left, top, right, bottom = clipped = np.concatenate(
        [np.maximum(seen, edges)[:2], np.minimum(seen, edges)[2:]]
    )
    shared = np.minimum(clipped, whole)[2:] - np.maximum(clipped, whole)[:2]
    if (shared >= (whole[2:] - whole[:2]) * _ALL).all() or right <= left or bottom <= top:
        return None
    x, y, width, height = (
        round(float(each / scale), 1) for each in (left, top, right - left, bottom - top)
    )
    return x, y, width, height


def _panels(scene: Scene) -> list[_Panel]:
    if scene.domains is not None:
        return [_Panel("Domains", scene.domains, None)]
    if isinstance(scene.predicted, ExpressionBlend):
        return [_Panel(scene.predicted.name, scene.predicted, None)]
    first = [each for each in (scene.predicted, scene.measured) if each is not None]
    shifts = [0.0, 0.0]
    if scene.slide_beside is not None and scene.slide is not None:
        shifts[1] = scene.slide_beside.translate[1] - scene.slide.translate[1]
    elif len(first) == 2 and scene.predicted is not None:  # swiped: both in one place
        return [_Panel(scene.bars[0].title, _both(first), scene.bars[0])]
    layers = [*zip(first, shifts, strict=False), *((each, 0.0) for each in scene.compared)]
    panels = [
        _Panel(bar.title, layer, bar, shift)
        for (layer, shift), bar in zip(layers, scene.bars, strict=False)
    ]
    return panels or [_Panel("", None, None)]


def _both(layers: list[Expression]) -> Expression:
    """Return one layer of two that are drawn in one place, each where the other is not."""
    from dataclasses import replace

    one, other = layers
    if isinstance(one, ExpressionPoints) and isinstance(other, ExpressionPoints):
        values = np.where(np.isnan(one.values), other.values, one.values)
        return replace(one, values=values)
    assert isinstance(one, ExpressionHeatmap)
    assert isinstance(other, ExpressionHeatmap)
    return replace(one, image=np.where(np.isnan(one.image), other.image, one.image))


def _box(scene: Scene, view: View | None) -> Box:
    """Return the part of the world that is drawn."""
    scale = scene.slide.scale if scene.slide is not None else 1.0
    if view is not None:
        x, y, width, height = (each * scale for each in view)
        return x, y, x + width, y + height
    corners = [
        np.array([places.min(axis=0) - room, places.max(axis=0) + room])
        for places, room in _places(scene)
        if len(places)
    ]
    if not corners:
        assert scene.slide is not None
        return 0.0, 0.0, scene.slide.slide.width * scale, scene.slide.slide.height * scale
    every = np.concatenate(corners)
    (top, left), (bottom, right) = every.min(axis=0), every.max(axis=0)
    margin = _MARGIN * max(bottom - top, right - left)
    return left - margin, top - margin, right + margin, bottom + margin


def _places(scene: Scene) -> list[tuple[NDArray[np.float64], float]]:
    """Return the (n, 2) places (y, x) that are to be seen, each with the room about them."""
    found: list[tuple[NDArray[np.float64], float]] = []
    for layer in (scene.spots, scene.predicted, scene.domains):
        if layer is not None and not isinstance(layer, ExpressionHeatmap):
            found.append((layer.positions, layer.diameter / 2))
    if isinstance(scene.predicted, ExpressionHeatmap) and not found:
        image, start = scene.predicted, np.array(scene.predicted.translate)
        found.append((np.array([start, start + np.array(image.image.shape) * image.scale]), 0.0))
    if scene.regions is not None and scene.regions.visible:
        rings = [
            np.array(polygon[0])[:, ::-1] * scene.regions.scale
            for top in scene.regions.regions
            for region in top.walk()
            for polygon in region.polygons
        ]
        found += [(ring, 0.0) for ring in rings]
    return found


def _draw_slide(ax: Axes, layer: SlideLayer | None, box: Box) -> None:
    if layer is None:
        ax.set_aspect("equal")
        return
    left, top, right, bottom = box
    scale = layer.scale
    wanted = int(PANEL_INCHES * DPI)
    downsample = max(1.0, (right - left) / scale / wanted)
    width = max(1, round((right - left) / scale / downsample))
    height = max(1, round((bottom - top) / scale / downsample))
    image = layer.slide.read_downsampled(left / scale, top / scale, width, height, downsample)
    ax.imshow(image, extent=(left, right, bottom, top), interpolation="antialiased")


def _draw(ax: Axes, panel: _Panel) -> Any:
    layer = panel.drawn
    if layer is None:
        return None
    if isinstance(layer, ExpressionHeatmap):
        (y, x), (height, width) = layer.translate, layer.image.shape
        left, top = x - layer.scale / 2 - panel.shift, y - layer.scale / 2
        return ax.imshow(
            np.ma.masked_invalid(layer.image),
            extent=(left, left + width * layer.scale, top + height * layer.scale, top),
            cmap=layer.colormap,
            clim=layer.limits,
            alpha=layer.opacity,
            interpolation="bilinear" if layer.smooth else "nearest",
        )
    if isinstance(layer, ExpressionPoints):
        known = np.isfinite(layer.values)
        discs = draw_discs(
            ax, (layer.positions[known] - (0.0, panel.shift))[:, ::-1], layer.diameter
        )
        discs.set_array(layer.values[known])
        discs.set(cmap=layer.colormap, clim=layer.limits, alpha=layer.opacity)
        return discs
    discs = draw_discs(ax, layer.positions[:, ::-1], layer.diameter)
    colours = layer.colours.copy()
    colours[:, 3] *= layer.opacity
    discs.set_facecolor(colours)
    return None


def _draw_regions(ax: Axes, layer: RegionShapes) -> None:
    from matplotlib.patheffects import withStroke

    halo = [withStroke(linewidth=3, foreground="white")]
    for top in layer.regions:
        for region in top.walk():
            colour = tuple(each / 255 for each in region.colour)
            for polygon in region.polygons:
                for ring in polygon:
                    ax.plot(*(np.array(ring) * layer.scale).T, color=colour, linewidth=1.2)
            at = region.shape().representative_point()
            ax.annotate(
                region.name,
                (at.x * layer.scale, at.y * layer.scale),
                ha="center",
                va="center",
                fontsize="small",
                path_effects=halo,
            )


def _draw_legend(figure: Figure, scene: Scene) -> None:
    """Add the names of domains, or of genes that are mixed, with their colours."""
    from matplotlib.patches import Patch

    patches: list[Patch] = []
    if scene.domains is not None:
        named = zip(scene.domains.names.tolist(), scene.domains.colours, strict=True)
        of_domain = {name: tuple(map(float, colour)) for name, colour in named}
        patches = [Patch(color=of_domain[name], label=name) for name in sorted(of_domain)]
    elif isinstance(scene.predicted, ExpressionBlend):
        patches = [Patch(color=_INKS[bar.colormap], label=bar.title) for bar in scene.bars]
    if patches:
        figure.legend(handles=patches, loc="outside right upper", frameon=False)
