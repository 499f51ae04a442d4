"""What is drawn, decided without a screen: from the session to what is shown, and on to layers.

The world is µm (px where the scale is unknown) from the slide's top-left corner, as (y, x). Arrays
take no part in comparison; `key` fields stand for them, so that two scenes compare in no time and
``widgets/layers/apply_scene.py`` applies only what differs.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..inference.correlation import correlation
from ..inference.out_of_distribution import unlike_model
from ..session.display import ENDS, quantity_name
from ..session.spot_expression import Key, Source
from ..spots.schema import positions
from .canvas_marks import domain_legend, panel_titles, picked_spot, swipe_divider, view_focus
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
from .shown import BLEND, Coloured, Shown, resolve_shown
from .spot_places import own_side, place_key, world_diameter, world_positions
from .status_text import result_line, slide_line, spots_line

if TYPE_CHECKING:
    from ..session.session import Session

_GAP = 0.05  # of the slide's width, between the tissue and the copy with the measured values


def scene(session: Session) -> Scene:
    """Return what is to be drawn for a session; it changes nothing and touches no screen."""
    shown = resolve_shown(session)
    domains = _domains(session, shown)
    if domains is not None:
        shown = shown.without_genes()
    slide = _slide(session)
    layers: dict[str, Expression] = {
        _slot(each.source): _expression(session, shown, each) for each in shown.sources
    }
    offset = _offset(session) if shown.beside else 0.0  # maps find the tissue, which it follows
    if shown.blended:
        layers["predicted"] = _blend(session, shown)
    further = tuple(_expression(session, shown, each) for each in shown.compared)
    pcc = _pcc(session, shown)
    bars = tuple(_bar(session, each) for each in shown.bars)
    return Scene(
        unit="pixel" if session.um_per_px is None else "µm",
        slide=slide,
        slide_beside=_shifted(slide, offset) if shown.beside and slide else None,
        # Each view of a comparison holds a slide and a gene, and nothing else.
        spots=None if further else _spots(session, shown),
        predicted=layers.get("predicted"),
        measured=layers.get("measured"),
        domains=domains,
        regions=None if further else _regions(session, shown),
        compared=further,
        picked=None if further or offset else picked_spot(session),
        bars=bars,
        panels=panel_titles(session, shown, bars, offset),
        legend=domain_legend(session, domains is not None),
        swipe=swipe_divider(session, shown),
        focus=view_focus(session, offset),
        pcc=pcc,
        slide_text=slide_line(session),
        spots_text=spots_line(session),
        result_text=result_line(session, pcc),
        warning=_warning(session),
    )


def _warning(session: Session) -> str:
    """Return how the slide is unlike those of the model: as the result says, or beforehand."""
    said = session.result.warning if session.result is not None else ""
    if said or session.model is None or session.slide is None:
        return said
    return unlike_model(session.slide.path, session.spots, session.model.config)


def _quantity(session: Session, source: Source) -> str:
    """Return what is shown in words: "predicted", "lower end of 80%"."""
    return quantity_name(source, _interval(session))


def _interval(session: Session) -> float | None:
    return None if session.result is None else session.result.interval


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
    """Return how far to the right the measured values stand: beyond the tissue, and a gap."""
    scale = session.um_per_px or 1.0
    tissue = view_focus(session, 0.0)
    if session.slide is not None:
        width = session.slide.width * scale
        right = width if tissue is None else tissue[1][1]  # the copy may cover glass
        return min(right, width) + _GAP * width
    assert session.spots is not None
    x = positions(session.spots)[:, 0] * scale
    return float(np.ptp(x) + world_diameter(session)) * (1 + _GAP)


def _spots(session: Session, shown: Shown) -> SpotsLayer | None:
    if session.spots is None:
        return None
    return SpotsLayer(
        name="Spots",
        key=place_key(session),
        positions=world_positions(session),
        diameter=world_diameter(session),
        visible=shown.spots,
    )


def _values(session: Session, source: Source, gene: str) -> NDArray[np.float32]:
    values = session.expression.values(source, gene)
    assert values is not None
    return values


def _expression(session: Session, shown: Shown, wanted: Coloured) -> Expression:
    source, gene, swipe = wanted.source, wanted.gene, shown.swipe
    beside = shown.beside and source == "measured"
    said = _quantity(session, source)
    name = said.capitalize() if source == "distance" else f"{gene} ({said})"
    key = session.expression.key(source, gene)
    if shown.as_image:
        image, origin, pixel = image_of(session, shown.style, wanted)
        x, y = (corner + pixel / 2 for corner in origin)
        if swipe is not None:
            columns = x + np.arange(image.shape[1]) * pixel
            image = np.where(own_side(session, source, swipe, columns)[None, :], image, np.nan)
        more: Key = wanted.limits if shown.style == "contours" else ()
        return ExpressionHeatmap(
            name=name,
            values_key=(shown.style, *key, *place_key(session), *more, swipe or 0.0),
            image=image,
            scale=pixel,
            translate=(y, x + (_offset(session) if beside else 0.0)),
            colormap=wanted.colormap,
            limits=wanted.limits,
            opacity=shown.opacity,
            smooth=shown.style == "heatmap",
        )
    offset = _offset(session) if beside else 0.0
    values, positions = _values(session, source, gene), world_positions(session, offset)
    if swipe is not None:
        values = np.where(own_side(session, source, swipe, positions[:, 1]), values, np.nan)
    notes = None if source == "measured" else _intervals(session, gene)
    return ExpressionPoints(
        name=name,
        positions_key=(*place_key(session), offset),
        positions=positions,
        diameter=world_diameter(session),
        values_key=(*key, swipe) if swipe is not None else key,
        values=values,
        colormap=wanted.colormap,
        limits=wanted.limits,
        opacity=shown.opacity,
        notes=notes,
    )


def _intervals(session: Session, gene: str) -> NDArray[np.str_] | None:
    """Return what each spot's value may be, "0.80 to 1.71 (80%)", where that is known."""
    lower, upper = (session.expression.values(end, gene) for end in ENDS)
    if lower is None or upper is None:
        return None
    interval = _interval(session)
    share = "" if interval is None else f" ({interval:.0%})"
    ends = zip(lower.tolist(), upper.tolist(), strict=True)
    return np.array([f"{low:.2f} to {high:.2f}{share}" for low, high in ends])


def _blend(session: Session, shown: Shown) -> ExpressionBlend:
    shares = []
    for each in shown.blended:
        low, high = each.limits
        values = _values(session, each.source, each.gene)
        shares.append(np.nan_to_num(np.clip((values - low) / (high - low), 0, 1)))
    peak = np.maximum.reduce(shares)  # the hue says which gene, the opacity how much of it
    mixed = np.ones((len(peak), 4), dtype=np.float32)
    for share, each in zip(shares, shown.blended, strict=True):
        relative = (share / np.where(peak > 0, peak, 1))[:, None]
        mixed[:, :3] *= 1 - relative * (1 - np.array(BLEND[each.colormap]))
    mixed[:, 3] = peak
    keys = [
        part for each in shown.blended for part in session.expression.key(each.source, each.gene)
    ]
    return ExpressionBlend(
        name=" + ".join(each.gene for each in shown.blended),
        positions_key=place_key(session),
        positions=world_positions(session),
        diameter=world_diameter(session),
        values_key=(*keys, *shown.percentiles),
        colours=mixed.clip(0, 1),
        opacity=shown.opacity,
    )


def _bar(session: Session, each: Coloured) -> ColourBar:
    unsure = each.source in ("spread", "distance")
    similar = each.gene in session.expression.similarities
    return ColourBar(
        gene="" if each.source == "distance" else each.gene,  # which is the same for all
        quantity="similarity" if similar else _quantity(session, each.source),
        unit=session.expression.unit(each.gene, each.source),
        limits=each.limits,
        colormap=each.colormap,
        ends=("sure", "less sure") if unsure else ("", ""),
    )


def _domains(session: Session, shown: Shown) -> DomainPoints | None:
    found = session.annotations.domains
    if found is None or session.spots is None or not shown.domains:
        return None
    table = {key: (*(c / 255 for c in found.colours[key]), 1.0) for key in found.keys}
    return DomainPoints(
        name="Domains",
        positions_key=place_key(session),
        positions=world_positions(session),
        diameter=world_diameter(session),
        values_key=("domains", found.number),
        colours=np.array([table[key] for key in found.labels.tolist()], dtype=np.float32),
        names=found.spot_names,
        opacity=0.85,
    )


def _regions(session: Session, shown: Shown) -> RegionShapes | None:
    regions = session.annotations.regions
    if session.shown.bare or not (regions or shown.draw):
        return None
    return RegionShapes(
        name="Regions",
        regions=regions,
        scale=session.um_per_px or 1.0,
        visible=shown.regions,
    )


def _pcc(session: Session, shown: Shown) -> float | None:
    """Return the correlation over the spots that have both values, None where there is none.

    As in the prediction, spots with too few counts to be a measurement do not count.
    """
    if shown.gene is None or session.result is None:
        return None
    predicted = session.expression.values("predicted", shown.gene)
    measured = session.expression.values("measured", shown.gene)
    if predicted is None or measured is None:
        return None
    good = session.result.enough_counts
    return correlation(predicted[good], measured[good])
