"""What is shown of the expression, resolved first: all that a person wants and that exists."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..analysis.maps.contrast import DIVERGING, UNCERTAINTY, percentile_limits, symmetric
from ..session.display import ENDS, Quantity, Style
from ..session.spot_expression import Source

if TYPE_CHECKING:
    from ..session.display import Display
    from ..session.session import Session
    from ..session.spot_expression import SpotExpression

RASTER_FROM = 20_000  # spots: beyond, an image is drawn instead of that many points
# Mixed as inks are, since tissue is light: where two are high, the colour is darker than either.
BLEND = {"cyan": (0.0, 1.0, 1.0), "yellow": (1.0, 1.0, 0.0), "magenta": (1.0, 0.0, 1.0)}

Limits = tuple[float, float]


@dataclass(frozen=True)
class Coloured:
    """A gene that has values, what of it is drawn, and the colours it is drawn in."""

    gene: str
    source: Source
    limits: Limits
    colormap: str


@dataclass(frozen=True)
class Shown:
    """Everything that a display and what is known decide between them.

    Attributes
    ----------
    gene, quantity
        The gene shown and what of it, or None.
    sources
        What of the gene is drawn: two only where predicted and measured both have values; none
        while genes are blended.
    compared
        Further genes, each in a view of its own.
    blended
        The genes mixed with each other, the shown one first: two or three, or none.
    style, as_image, opacity, percentiles
        How they are drawn.
    swipe
        How far from the left the predicted values reach; None unless both are swiped.
    spots, domains, regions, draw
        Whether outlines, domains and regions are seen, and whether regions can be drawn.
    """

    gene: str | None
    quantity: Quantity | None
    sources: tuple[Coloured, ...]
    compared: tuple[Coloured, ...]
    blended: tuple[Coloured, ...]
    style: Style
    as_image: bool
    opacity: float
    percentiles: tuple[float, float]
    swipe: float | None
    spots: bool
    domains: bool
    regions: bool
    draw: bool

    @property
    def beside(self) -> bool:
        """Whether measured values stand beside the predicted ones."""
        return self.quantity == "beside" and len(self.sources) == 2

    def without_genes(self) -> Shown:
        """Return it with no map of a gene: another map is drawn."""
        return replace(self, sources=(), compared=(), blended=(), swipe=None)

    @property
    def bars(self) -> tuple[Coloured, ...]:
        """All that has colours to be explained."""
        return (*self.blended, *self.sources, *self.compared)


def resolve_shown(session: Session) -> Shown:
    """Return what is shown for a session; it changes nothing."""
    display, expression = session.display, session.expression
    gene, quantity = session.gene, session.shown_quantity
    n_spots = session.spots.n_obs if session.spots is not None else 0
    blended = _blended(display, expression, gene, quantity)
    sources = () if blended else _sources(display, expression, gene, quantity)
    return Shown(
        gene=gene,
        quantity=quantity,
        sources=sources,
        compared=_compared(display, expression, gene, sources),
        blended=blended,
        style=display.style,
        as_image=display.style != "points" or n_spots > RASTER_FROM,
        opacity=display.opacity,
        percentiles=display.percentiles,
        swipe=display.swipe if quantity == "swipe" else None,
        spots=display.show_spots and n_spots <= RASTER_FROM,
        domains=display.show_domains,
        regions=display.show_regions,
        draw=display.draw,
    )


def fixed_colours(session: Session) -> frozenset[str]:
    """Return the fields of the display that the colours of the present map do not follow."""
    own = ("difference", "spread", "distance")
    if session.shown_quantity in own or session.gene in session.expression.programs:
        return frozenset({"colormap", "limits"})
    return frozenset()


def _colormap(source: Source, display: Display) -> str:
    """Return the colours of what is drawn: those chosen, unless they would say another thing."""
    if source == "difference":
        return DIVERGING
    return UNCERTAINTY if source in ("spread", "distance") else display.colormap


def _sources(
    display: Display, expression: SpotExpression, gene: str | None, quantity: Quantity | None
) -> tuple[Coloured, ...]:
    if gene is None or quantity is None:
        return ()
    wanted: tuple[Source, ...]
    if quantity == "beside" or quantity == "swipe":
        wanted = ("predicted", "measured")
    else:
        wanted = (quantity,)
    values = {source: expression.values(source, gene) for source in wanted}
    known = {source: each for source, each in values.items() if each is not None}
    limits = _limits(display, known, quantity)
    if gene in expression.programs:
        return tuple(_program(gene, each, display) for each in known.values())
    if quantity == "lower" or quantity == "upper":
        limits = {end: _of_interval(display, expression, gene) for end in known}
    return tuple(
        Coloured(gene, source, limits[source], _colormap(source, display)) for source in known
    )


def _of_interval(display: Display, expression: SpotExpression, gene: str) -> Limits:
    """Return the limits of both ends of a gene's interval, whose maps then compare by colour.

    Not those of the prediction: where it varies less than an interval is wide, as it mostly does,
    all of either map would have one colour.
    """
    ends = [expression.values(end, gene) for end in ENDS]
    known = np.concatenate([each for each in ends if each is not None])
    return display.limits or percentile_limits(known, *display.percentiles)


def _program(name: str, values: NDArray[np.float32], display: Display) -> Coloured:
    """Return the colours of a program: where it is as usual in its slide, none of either end."""
    limits = symmetric(percentile_limits(values, *display.percentiles))
    return Coloured(name, "predicted", limits, DIVERGING)


def _limits(
    display: Display, values: dict[Source, NDArray[np.float32]], quantity: Quantity
) -> dict[Source, Limits]:
    low, high = display.percentiles
    if display.limits is not None and set(values) <= {"predicted", "measured"}:
        return dict.fromkeys(values, display.limits)
    together = display.same_limits or quantity == "swipe"
    if together and len(values) == 2:
        both = percentile_limits(np.concatenate(list(values.values())), low, high)
        return dict.fromkeys(values, both)
    limits = {source: percentile_limits(each, low, high) for source, each in values.items()}
    if "difference" in limits:  # nothing between the two colours means no difference
        limits["difference"] = symmetric(limits["difference"])
    return limits


def _compared(
    display: Display,
    expression: SpotExpression,
    gene: str | None,
    sources: tuple[Coloured, ...],
) -> tuple[Coloured, ...]:
    """Return the further genes that stand beside the shown one."""
    if len(sources) != 1:
        return ()
    (own,) = sources
    found = []
    for other in dict.fromkeys(display.compare):
        values = expression.values(own.source, other)
        if other == gene or values is None:
            continue
        if other in expression.programs:
            found.append(_program(other, values, display))
        else:
            if own.source == "lower" or own.source == "upper":
                limits = _of_interval(display, expression, other)
            else:
                limits = display.limits or percentile_limits(values, *display.percentiles)
            found.append(Coloured(other, own.source, limits, _colormap(own.source, display)))
    return tuple(found)


def _blended(
    display: Display, expression: SpotExpression, gene: str | None, quantity: Quantity | None
) -> tuple[Coloured, ...]:
    if gene is None or not display.blend or quantity not in ("predicted", "measured"):
        return ()
    found = []
    for each in dict.fromkeys((gene, *display.blend)):
        values = expression.values(quantity, each)
        if values is not None:
            limits = percentile_limits(values, *display.percentiles)
            found.append((each, limits))
    if len(found) < 2:
        return ()
    return tuple(
        Coloured(each, quantity, limits, ink)
        for (each, limits), ink in zip(found, BLEND, strict=False)
    )
