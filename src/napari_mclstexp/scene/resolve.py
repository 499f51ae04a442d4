"""What is drawn, decided without a screen: a pure function from the session to frozen layers.

The world is µm (px where the scale is unknown) from the slide's top-left corner, as (y, x). Arrays
take no part in comparison; `key` fields stand for them, so that two scenes compare in no time and
``widgets/layers.py`` applies only what differs.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..analysis.maps.contrast import percentile_limits
from ..inference.correlation import correlation
from ..session.spot_expression import Key, Source
from ..spots.schema import SpotMetadata, positions
from .expression_image import image_of
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
    SpotsLayer,
)
from .status_text import result_line, slide_line, spots_line

if TYPE_CHECKING:
    from ..session.session import Session

_GAP = 0.05  # of the slide's width, between the slide and its copy with the measured values
_SOME_DIAMETER = 10.0  # px, of a single spot of unknown size; only so that it can be seen
RASTER_FROM = 20_000  # spots: beyond, an image is drawn instead of that many points
DIVERGING = "PiYG"  # of the difference: green where more was predicted, pink where less
# Mixed as inks are, since tissue is light: where two are high, the colour is darker than either.
BLEND = {"cyan": (0.0, 1.0, 1.0), "yellow": (1.0, 1.0, 0.0), "magenta": (1.0, 0.0, 1.0)}


def scene(session: Session) -> Scene:
    """Return what is to be drawn for a session; it changes nothing and touches no screen."""
    slide = _slide(session)
    blended = _blended(session)
    compared = () if blended else _compared(session)
    sources = () if blended else _sources(session)
    beside = len(sources) == 2 and session.shown_quantity == "beside"
    limits = _limits(session, sources)
    offset = _offset(session) if beside else 0.0
    layers: dict[str, Expression] = {
        _slot(source): _expression(session, source, limits[source], offset) for source in sources
    }
    if blended:
        layers["predicted"] = _blend(session, blended)
    further = tuple(_compared_layer(session, gene) for gene in compared)
    pcc = _pcc(session)
    return Scene(
        unit="pixel" if session.um_per_px is None else "µm",
        slide=slide,
        slide_beside=_shifted(slide, offset) if beside and slide else None,
        # Each view of a comparison holds a slide and a gene, and nothing else.
        spots=None if further else _spots(session),
        predicted=layers.get("predicted"),
        measured=layers.get("measured"),
        domains=None if further else _domains(session),
        regions=None if further else _regions(session),
        compared=further,
        bars=_blend_bars(session, blended)
        + tuple(_bar(session, source, limits[source]) for source in sources)
        + tuple(_compared_bar(session, gene) for gene in compared),
        pcc=pcc,
        slide_text=slide_line(session),
        spots_text=spots_line(session),
        result_text=result_line(session, pcc),
        warning=session.result.warning if session.result is not None else "",
    )


def _slot(source: Source) -> str:
    return "measured" if source == "measured" else "predicted"


def _slide(session: Session) -> SlideLayer | None:
    if session.slide is None:
        return None
    scale = session.um_per_px or 1.0
    return SlideLayer(
        name=session.slide.path.name,
        key=("slide", session.shown.number),
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
    x = positions(session.spots)[:, 0] * scale
    return float(np.ptp(x) + _diameter(session)) * (1 + _GAP)


def _spots(session: Session) -> SpotsLayer | None:
    if session.spots is None:
        return None
    return SpotsLayer(
        name="Spots",
        key=_place(session),
        positions=_positions(session),
        diameter=_diameter(session),
        visible=session.display.show_spots and session.spots.n_obs <= RASTER_FROM,
    )


def _place(session: Session) -> Key:
    return ("spots", session.expression.number, session.um_per_px or 0.0)


def _positions(session: Session, offset: float = 0.0) -> NDArray[np.float64]:
    assert session.spots is not None
    xy = positions(session.spots)
    return xy[:, ::-1] * (session.um_per_px or 1.0) + (0.0, offset)


def _diameter(session: Session) -> float:
    """Return the spots' diameter in world units, a third of their distance where not known."""
    assert session.spots is not None
    diameter = SpotMetadata.read(session.spots).spot_diameter_um
    if diameter is not None and session.um_per_px is not None:
        return float(diameter)
    return session.expression.spacing_px * (session.um_per_px or 1.0) / 3 or _SOME_DIAMETER


def _sources(session: Session) -> tuple[Source, ...]:
    """Return what of the shown gene is drawn: two only where both have values."""
    gene, quantity = session.gene, session.shown_quantity
    if gene is None or quantity is None:
        return ()
    wanted: tuple[Source, ...]
    if quantity == "beside" or quantity == "swipe":
        wanted = ("predicted", "measured")
    else:
        wanted = (quantity,)
    return tuple(source for source in wanted if session.expression.values(source, gene) is not None)


def _values(session: Session, source: Source, gene: str) -> NDArray[np.float32]:
    values = session.expression.values(source, gene)
    assert values is not None
    return values


def _limits(session: Session, sources: tuple[Source, ...]) -> dict[Source, tuple[float, float]]:
    low, high = session.display.percentiles
    values = {source: _values(session, source, session.display.gene) for source in sources}
    if session.display.limits is not None and set(sources) <= {"predicted", "measured"}:
        return dict.fromkeys(sources, session.display.limits)
    together = session.display.same_limits or session.shown_quantity == "swipe"
    if together and len(sources) == 2:
        both = percentile_limits(np.concatenate(list(values.values())), low, high)
        return dict.fromkeys(sources, both)
    limits = {source: percentile_limits(values[source], low, high) for source in sources}
    if "difference" in limits:  # nothing between the two colours means no difference
        most = max(abs(limit) for limit in limits["difference"])
        limits["difference"] = (-most, most)
    return limits


def _expression(
    session: Session,
    source: Source,
    limits: tuple[float, float],
    offset: float = 0.0,
    gene: str = "",
) -> Expression:
    display = session.display
    gene = gene or display.gene
    offset = offset if source == "measured" else 0.0
    name = "distance from the bank" if source == "distance" else f"{gene} ({source})"
    key = session.expression.key(source, gene)
    colormap = DIVERGING if source == "difference" else display.colormap
    swiped = session.shown_quantity == "swipe" and source in ("predicted", "measured")
    assert session.spots is not None
    if display.style != "points" or session.spots.n_obs > RASTER_FROM:
        image, origin, pixel = image_of(session, source, gene, limits)
        x, y = (corner + pixel / 2 for corner in origin)
        if swiped:
            columns = x + np.arange(image.shape[1]) * pixel
            image = np.where(_own_side(session, source, columns)[None, :], image, np.nan)
        more: Key = limits if display.style == "contours" else ()
        return ExpressionHeatmap(
            name=name,
            values_key=(display.style, *key, *_place(session), *more, display.swipe * swiped),
            image=image,
            scale=pixel,
            translate=(y, x + offset),
            colormap=colormap,
            limits=limits,
            opacity=display.opacity,
            smooth=display.style == "heatmap",
        )
    values, positions = _values(session, source, gene), _positions(session, offset)
    if swiped:
        values = np.where(_own_side(session, source, positions[:, 1]), values, np.nan)
    return ExpressionPoints(
        name=name,
        positions_key=(*_place(session), offset),
        positions=positions,
        diameter=_diameter(session),
        values_key=(*key, display.swipe) if swiped else key,
        values=values,
        colormap=colormap,
        limits=limits,
        opacity=display.opacity,
    )


def _own_side(session: Session, source: Source, x: NDArray[np.floating[Any]]) -> NDArray[np.bool_]:
    """Return which x, in world units, are on the side of the swipe where `source` is drawn."""
    assert session.spots is not None
    every = positions(session.spots)[:, 0] * (session.um_per_px or 1.0)
    border = every.min() + session.display.swipe * np.ptp(every)
    return np.asarray(x <= border if source == "predicted" else x > border)


def _compared(session: Session) -> tuple[str, ...]:
    """Return the further genes that stand beside the shown one."""
    if len(_sources(session)) != 1:
        return ()
    source = _sources(session)[0]
    return tuple(
        gene
        for gene in dict.fromkeys(session.display.compare)
        if gene != session.gene and session.expression.values(source, gene) is not None
    )


def _compared_layer(session: Session, gene: str) -> Expression:
    source = _sources(session)[0]
    limits = session.display.limits or _gene_limits(session, source, gene)
    return _expression(session, source, limits, gene=gene)


def _gene_limits(session: Session, source: Source, gene: str) -> tuple[float, float]:
    return percentile_limits(_values(session, source, gene), *session.display.percentiles)


def _blended(session: Session) -> tuple[str, ...]:
    """Return the genes that are mixed: two or three, or none."""
    source = _single_source(session)
    if session.gene is None or source is None:
        return ()
    genes = dict.fromkeys((session.gene, *session.display.blend))
    known = [gene for gene in genes if session.expression.values(source, gene) is not None]
    return tuple(known) if len(known) > 1 else ()


def _single_source(session: Session) -> Source | None:
    quantity = session.shown_quantity
    return quantity if quantity in ("predicted", "measured") else None


def _blend(session: Session, genes: tuple[str, ...]) -> ExpressionBlend:
    source = _single_source(session)
    assert source is not None
    shares = []
    for gene in genes:
        low, high = _gene_limits(session, source, gene)
        values = _values(session, source, gene)
        shares.append(np.nan_to_num(np.clip((values - low) / (high - low), 0, 1)))
    peak = np.maximum.reduce(shares)  # the hue says which gene, the opacity how much of it
    mixed = np.ones((len(peak), 4), dtype=np.float32)
    for share, ink in zip(shares, BLEND.values(), strict=False):
        relative = (share / np.where(peak > 0, peak, 1))[:, None]
        mixed[:, :3] *= 1 - relative * (1 - np.array(ink))
    mixed[:, 3] = peak
    keys = [part for gene in genes for part in session.expression.key(source, gene)]
    return ExpressionBlend(
        name=" + ".join(genes),
        positions_key=_place(session),
        positions=_positions(session),
        diameter=_diameter(session),
        values_key=(*keys, *session.display.percentiles),
        colours=mixed.clip(0, 1),
        opacity=session.display.opacity,
    )


def _blend_bars(session: Session, genes: tuple[str, ...]) -> tuple[ColourBar, ...]:
    source = _single_source(session)
    if source is None:
        return ()
    return tuple(
        replace(_bar(session, source, _gene_limits(session, source, gene), gene), colormap=name)
        for gene, name in zip(genes, BLEND, strict=False)
    )


def _compared_bar(session: Session, gene: str) -> ColourBar:
    source = _sources(session)[0]
    limits = session.display.limits or _gene_limits(session, source, gene)
    return _bar(session, source, limits, gene)


def _bar(
    session: Session, source: Source, limits: tuple[float, float], gene: str = ""
) -> ColourBar:
    gene = gene or session.display.gene
    return ColourBar(
        gene=gene,
        quantity=source,
        unit=session.expression.unit(gene, source),
        limits=limits,
        colormap=DIVERGING if source == "difference" else session.display.colormap,
    )


def _domains(session: Session) -> DomainPoints | None:
    found = session.annotations.domains
    if found is None or session.spots is None or not session.display.show_domains:
        return None
    table = {key: (*(c / 255 for c in found.colours[key]), 1.0) for key in found.keys}
    return DomainPoints(
        name="Domains",
        positions_key=_place(session),
        positions=_positions(session),
        diameter=_diameter(session),
        values_key=("domains", id(found)),
        colours=np.array([table[key] for key in found.labels.tolist()], dtype=np.float32),
        names=found.spot_names,
        opacity=0.85,
    )


def _regions(session: Session) -> RegionShapes | None:
    regions = session.annotations.regions
    if not regions and not session.display.draw:
        return None
    return RegionShapes(
        name="Regions",
        regions=regions,
        scale=session.um_per_px or 1.0,
        edge=_field(session) / 400,
        visible=session.display.show_regions,
    )


def _field(session: Session) -> float:
    """Return how wide what is open is, in level-0 px."""
    if session.spots is not None and session.spots.n_obs:
        return float(np.ptp(positions(session.spots), axis=0).max()) or 1000.0
    return (
        1000.0 if session.slide is None else float(max(session.slide.width, session.slide.height))
    )


def _pcc(session: Session) -> float | None:
    """Return the correlation over the spots that have both values, None where there is none."""
    if session.gene is None or session.result is None:
        return None
    predicted = session.expression.values("predicted", session.gene)
    measured = session.expression.values("measured", session.gene)
    if predicted is None or measured is None:
        return None
    return correlation(predicted, measured)
