"""The frozen values that say what is drawn, layer by layer; `resolve.py` makes them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..analysis.region import Region
from ..session.spot_expression import Key

if TYPE_CHECKING:
    from ..slides import Slide

Box = tuple[tuple[float, float], tuple[float, float]]  # (y, x) of the first and the last corner


@dataclass(frozen=True)
class SlideLayer:
    """The slide as a multiscale image.

    Attributes
    ----------
    name
        Name of the layer in napari.
    key
        Changes when it is another slide.
    slide
        Its :meth:`~napari_mclstexp.slides.Slide.pyramid` is the layer's data.
    scale
        World units per level-0 px.
    translate
        (y, x) world position of the centre of the first pixel, as napari wants it.
    """

    name: str
    key: Key
    slide: Slide = field(compare=False)
    scale: float
    translate: tuple[float, float]


@dataclass(frozen=True)
class SpotsLayer:
    """Outlines of the spots at their true diameter.

    `positions` is (n, 2) float64 (y, x) in world units; `diameter` is in world units.
    """

    name: str
    key: Key
    positions: NDArray[np.float64] = field(compare=False)
    diameter: float
    visible: bool


@dataclass(frozen=True)
class ExpressionPoints:
    """Spots coloured by expression.

    Attributes
    ----------
    positions_key, positions, diameter
        As in :class:`SpotsLayer`; a gene switch leaves them as they are.
    values_key, values
        (n,) float32, NaN for spots that are not known (drawn fully transparent).
    colormap, limits, opacity
        Values at or below ``limits[0]`` get the first colour, at or above ``limits[1]`` the last.
    notes
        (n,) what more is said of a spot's value under the pointer, or None.
    """

    name: str
    positions_key: Key
    positions: NDArray[np.float64] = field(compare=False)
    diameter: float
    values_key: Key
    values: NDArray[np.float32] = field(compare=False)
    colormap: str
    limits: tuple[float, float]
    opacity: float
    notes: NDArray[np.str_] | None = field(default=None, compare=False)


@dataclass(frozen=True)
class ExpressionHeatmap:
    """A smooth map of expression.

    Attributes
    ----------
    values_key, image
        (h, w) float32, NaN (drawn fully transparent) outside the tissue and where no spot is near.
    smooth
        Whether it is drawn smoothly between its pixels.
    scale
        World units per pixel of `image`.
    translate
        (y, x) world position of the centre of the first pixel.
    """

    name: str
    values_key: Key
    image: NDArray[np.float32] = field(compare=False)
    scale: float
    translate: tuple[float, float]
    colormap: str
    limits: tuple[float, float]
    opacity: float
    smooth: bool = True


@dataclass(frozen=True)
class ExpressionBlend:
    """Spots coloured by two or three genes at once.

    `colours` is (n, 4) float32 RGBA from 0 to 1; a spot where all genes are low is transparent.
    """

    name: str
    positions_key: Key
    positions: NDArray[np.float64] = field(compare=False)
    diameter: float
    values_key: Key
    colours: NDArray[np.float32] = field(compare=False)
    opacity: float


Expression = ExpressionPoints | ExpressionHeatmap | ExpressionBlend


@dataclass(frozen=True)
class DomainPoints:
    """Spots coloured by their domain.

    Attributes
    ----------
    colours
        (n, 4) float32 RGBA from 0 to 1.
    names
        (n,) what the domain of each spot is called.
    """

    name: str
    positions_key: Key
    positions: NDArray[np.float64] = field(compare=False)
    diameter: float
    values_key: Key
    colours: NDArray[np.float32] = field(compare=False)
    names: NDArray[np.str_] = field(compare=False)
    opacity: float


@dataclass(frozen=True)
class PickedSpot:
    """A ring around the spot that was clicked, and the outline of the patch it was read from.

    `centre` is (y, x), `diameter` that of the spot and `patch` the side of the patch, 0 where it
    is not known; all in world units.
    """

    name: str
    key: Key
    centre: tuple[float, float]
    diameter: float
    patch: float


@dataclass(frozen=True)
class RegionShapes:
    """Drawn regions, which the person may draw on.

    Attributes
    ----------
    regions
        The trees, in level-0 pixels.
    scale
        World units per level-0 px.
    """

    name: str
    regions: tuple[Region, ...]
    scale: float
    visible: bool


@dataclass(frozen=True)
class ColourBar:
    """What the colours mean.

    Attributes
    ----------
    gene, quantity, unit
        "FASN" ("" where it is the same for all genes), "predicted" or "lower end of 80%",
        "ln(1 + counts per 10,000)".
    limits, colormap
        As in the layer that it explains.
    ends
        What the first and the last colour mean in words, or "" where the figures say it.
    """

    gene: str
    quantity: str
    unit: str
    limits: tuple[float, float]
    colormap: str
    ends: tuple[str, str] = ("", "")

    @property
    def title(self) -> str:
        """The line above the bar: gene and quantity."""
        return f"{self.gene}, {self.quantity}" if self.gene else self.quantity.capitalize()


@dataclass(frozen=True)
class Panel:
    """One of the maps that stand side by side: its title, where it is, what its colours mean.

    `box` has the (y, x) of its first and last corner in world units; None where the map has a view
    of its own, in the order of the genes.
    """

    title: str
    box: Box | None
    bar: ColourBar


@dataclass(frozen=True)
class LegendEntry:
    """A domain in the legend: its name, and its (red, green, blue) from 0 to 255."""

    name: str
    colour: tuple[int, int, int]


@dataclass(frozen=True)
class Swipe:
    """Where two maps meet: at `x`, which moves from `left` to `right`, in world units.

    `names` say what is drawn to the left and to the right of it.
    """

    x: float
    left: float
    right: float
    names: tuple[str, str]


@dataclass(frozen=True)
class Scene:
    """Everything that is drawn.

    Attributes
    ----------
    unit
        "µm", or "pixel" while the scale is unknown; the unit of the world.
    slide, spots, predicted, measured, domains, regions
        The layers, bottom up; None where there is nothing to draw. `predicted` also stands for
        the difference, the spread or the distance, and for a blend.
    compared
        Up to three further genes, each over a copy of the slide, in views that move together.
    slide_beside
        A second copy of the slide under the measured values, when they stand beside the predicted.
    picked
        The ring around the clicked spot, above all maps.
    bars
        One colour bar for each expression layer.
    panels, legend, swipe
        Titles of maps side by side, the domains' names, and the divider between swiped maps.
    focus
        The box that a view shall fill; None where the tissue is not known.
    pcc
        Pearson correlation of predicted and measured over the spots that have both, or None.
    slide_text, spots_text, result_text
        What was read and what is shown, each in one line; "" where there is nothing to say.
    warning
        Why this slide is unlike those that the model knows, in a sentence, or "".
    """

    unit: str = "pixel"
    slide: SlideLayer | None = None
    slide_beside: SlideLayer | None = None
    spots: SpotsLayer | None = None
    predicted: Expression | None = None
    measured: Expression | None = None
    domains: DomainPoints | None = None
    regions: RegionShapes | None = None
    compared: tuple[Expression, ...] = ()
    picked: PickedSpot | None = None
    bars: tuple[ColourBar, ...] = ()
    panels: tuple[Panel, ...] = ()
    legend: tuple[LegendEntry, ...] = ()
    swipe: Swipe | None = None
    focus: Box | None = None
    pcc: float | None = None
    slide_text: str = ""
    spots_text: str = ""
    result_text: str = ""
    warning: str = ""
