"""What is drawn, decided without a screen: a pure function from the session to frozen layers.

The world is µm (px where the scale is unknown) from the slide's top-left corner, as (y, x). Arrays
take no part in comparison; `key` fields stand for them, so that two scenes compare in no time and
``widgets/layers.py`` applies only what differs.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .explore.contrast import percentile_limits
from .explore.correlation import correlation
from .explore.readings import Key, Source

if TYPE_CHECKING:
    from .session import Session
    from .slides import Slide


_GAP = 0.05  # of the slide's width, between the slide and its copy with the measured values
_SOME_DIAMETER = 10.0  # px, of a single spot of unknown size; only so that it can be seen


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


@dataclass(frozen=True)
class ExpressionHeatmap:
    """A smooth map of expression.

    Attributes
    ----------
    values_key, image
        (h, w) float32, NaN (drawn fully transparent) outside the tissue and where no spot is near.
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


Expression = ExpressionPoints | ExpressionHeatmap


@dataclass(frozen=True)
class ColourBar:
    """What the colours mean.

    Attributes
    ----------
    gene, quantity, unit
        "FASN", "predicted" or "measured", "ln(1 + counts per 10,000)".
    limits, colormap
        As in the layer that it explains.
    """

    gene: str
    quantity: str
    unit: str
    limits: tuple[float, float]
    colormap: str

    @property
    def title(self) -> str:
        """The line above the bar: gene and quantity."""
        return f"{self.gene}, {self.quantity}"


@dataclass(frozen=True)
class Scene:
    """Everything that is drawn.

    Attributes
    ----------
    unit
        "µm", or "pixel" while the scale is unknown; the unit of the world.
    slide, spots, predicted, measured
        The layers, bottom up; None where there is nothing to draw.
    slide_beside
        A second copy of the slide under the measured values, when they stand beside the predicted.
    bars
        One colour bar for each expression layer.
    pcc
        Pearson correlation of predicted and measured over the spots that have both, or None.
    slide_text, spots_text, result_text
        What was read and what is shown, each in one line; "" where there is nothing to say.
    """

    unit: str = "pixel"
    slide: SlideLayer | None = None
    slide_beside: SlideLayer | None = None
    spots: SpotsLayer | None = None
    predicted: Expression | None = None
    measured: Expression | None = None
    bars: tuple[ColourBar, ...] = ()
    pcc: float | None = None
    slide_text: str = ""
    spots_text: str = ""
    result_text: str = ""


def scene(session: Session) -> Scene:
    """Return what is to be drawn for a session; it changes nothing and touches no screen."""
    from .scene_text import result_line, slide_line, spots_line

    slide = _slide(session)
    sources = _sources(session)
    beside = len(sources) == 2
    limits = _limits(session, sources)
    layers = {
        source: _expression(session, source, limits[source], _offset(session) if beside else 0.0)
        for source in sources
    }
    pcc = _pcc(session)
    return Scene(
        unit="pixel" if session.um_per_px is None else "µm",
        slide=slide,
        slide_beside=_shifted(slide, _offset(session)) if beside and slide else None,
        spots=_spots(session),
        predicted=layers.get("predicted"),
        measured=layers.get("measured"),
        bars=tuple(_bar(session, source, limits[source]) for source in sources),
        pcc=pcc,
        slide_text=slide_line(session),
        spots_text=spots_line(session),
        result_text=result_line(session, pcc),
    )


def _slide(session: Session) -> SlideLayer | None:
    if session.slide is None:
        return None
    scale = session.um_per_px or 1.0
    return SlideLayer(
        name=session.slide.path.name,
        key=("slide", session.slide_number),
        slide=session.slide,
        scale=scale,
        translate=(scale / 2, scale / 2),
    )


def _shifted(slide: SlideLayer, offset: float) -> SlideLayer:
    return replace(
        slide,
        name=f"{slide.name} (measured)",
        translate=(slide.translate[0], slide.translate[1] + offset),
    )


def _offset(session: Session) -> float:
    """Return how far to the right the measured values stand: the width of all, and a gap."""
    scale = session.um_per_px or 1.0
    if session.slide is not None:
        return session.slide.width * scale * (1 + _GAP)
    assert session.spots is not None
    x = session.spots.obsm["spatial"][:, 0] * scale
    return float(np.ptp(x) + _diameter(session)) * (1 + _GAP)


def _spots(session: Session) -> SpotsLayer | None:
    if session.spots is None:
        return None
    return SpotsLayer(
        name="Spots",
        key=_place(session),
        positions=_positions(session),
        diameter=_diameter(session),
        visible=session.display.show_spots,
    )


def _place(session: Session) -> Key:
    return ("spots", session.readings.number, session.um_per_px or 0.0)


def _positions(session: Session, offset: float = 0.0) -> NDArray[np.float64]:
    assert session.spots is not None
    xy = np.asarray(session.spots.obsm["spatial"], dtype=np.float64)[:, :2]
    return xy[:, ::-1] * (session.um_per_px or 1.0) + (0.0, offset)


def _diameter(session: Session) -> float:
    """Return the spots' diameter in world units, a third of their distance where not known."""
    assert session.spots is not None
    diameter = session.spots.uns.get("mclstexp", {}).get("spot_diameter_um")
    if diameter is not None and session.um_per_px is not None:
        return float(diameter)
    return session.readings.spacing_px * (session.um_per_px or 1.0) / 3 or _SOME_DIAMETER


def _sources(session: Session) -> tuple[Source, ...]:
    """Return what of the shown gene is drawn; beside each other only if both have values."""
    gene, quantity = session.gene, session.shown_quantity
    if gene is None or quantity is None:
        return ()
    wanted: tuple[Source, ...] = ("predicted", "measured") if quantity == "beside" else (quantity,)
    return tuple(source for source in wanted if session.readings.values(source, gene) is not None)


def _values(session: Session, source: Source) -> NDArray[np.float32]:
    values = session.readings.values(source, session.display.gene)
    assert values is not None
    return values


def _limits(session: Session, sources: tuple[Source, ...]) -> dict[Source, tuple[float, float]]:
    low, high = session.display.percentiles
    values = {source: _values(session, source) for source in sources}
    if session.display.same_limits and len(sources) == 2:
        both = percentile_limits(np.concatenate(list(values.values())), low, high)
        return dict.fromkeys(sources, both)
    return {source: percentile_limits(values[source], low, high) for source in sources}


def _expression(
    session: Session, source: Source, limits: tuple[float, float], offset: float
) -> Expression:
    display, gene = session.display, session.display.gene
    offset = offset if source == "measured" else 0.0
    name = f"{gene} ({source})"
    key = session.readings.key(source, gene)
    if display.style == "heatmap":
        image, raster = session.heatmap(source, gene)
        x, y = (corner + raster.pixel / 2 for corner in raster.origin)
        return ExpressionHeatmap(
            name=name,
            values_key=(*key, *_place(session)),
            image=image,
            scale=raster.pixel,
            translate=(y, x + offset),
            colormap=display.colormap,
            limits=limits,
            opacity=display.opacity,
        )
    return ExpressionPoints(
        name=name,
        positions_key=(*_place(session), offset),
        positions=_positions(session, offset),
        diameter=_diameter(session),
        values_key=key,
        values=_values(session, source),
        colormap=display.colormap,
        limits=limits,
        opacity=display.opacity,
    )


def _bar(session: Session, source: Source, limits: tuple[float, float]) -> ColourBar:
    gene = session.display.gene
    return ColourBar(
        gene=gene,
        quantity=source,
        unit=session.readings.unit(gene),
        limits=limits,
        colormap=session.display.colormap,
    )


def _pcc(session: Session) -> float | None:
    """Return the correlation over the spots that have both values, None where there is none."""
    if session.gene is None or session.result is None:
        return None
    predicted = session.readings.values("predicted", session.gene)
    measured = session.readings.values("measured", session.gene)
    if predicted is None or measured is None:
        return None
    return correlation(predicted, measured)
