"""A search for places like one of the shown slide, over all open slides: prepared, run, shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..analysis.expression import Expression
from ..analysis.region import Region
from ..analysis.region_statistics import spots_in
from ..analysis.similar_places import FEATURES, MOST, By, Similar, SlidePlaces, find_similar
from ..errors import SettingsError
from ..spots.schema import positions

if TYPE_CHECKING:
    from .open_slide import OpenSlide
    from .session import Session

NEIGHBOURS = 2.5  # spots' pitches that places of a list are apart


@dataclass(frozen=True, eq=False)
class SimilarSearch:
    """What is searched, as it was when the search began.

    Attributes
    ----------
    what
        The place in words: "Tumour", "spot 12x9".
    by
        What is compared.
    opened, slides
        The open slides that are searched, and their places; the first has the place asked for.
    chosen
        (n,) its spots.
    most, apart_um
        As of :func:`~napari_mclstexp.analysis.similar_places.find_similar`.
    left_out
        Open slides that cannot be searched, each in a sentence.
    asked
        What :func:`napari_mclstexp.scripting.actions.find_similar` is given to do it again.
    """

    what: str
    by: By
    opened: tuple[OpenSlide, ...]
    slides: tuple[SlidePlaces, ...]
    chosen: NDArray[np.bool_]
    most: int
    apart_um: float
    left_out: tuple[str, ...] = ()
    asked: Mapping[str, Any] = field(default_factory=dict)

    def run(self) -> Similar:
        """Search; may run in a thread of its own."""
        return find_similar(self.slides, self.chosen, most=self.most, apart_um=self.apart_um)

    @property
    def name(self) -> str:
        """What its map is called among the genes."""
        return f"Like {self.what} ({'image' if self.by == 'image' else 'expression'})"

    def show(self, session: Session, found: Similar) -> None:
        """Show the map of what was found, on every slide that still has the spots searched."""
        for opened, slide, values in zip(self.opened, self.slides, found.similarity, strict=True):
            same = opened.spots is not None and len(values) == opened.spots.n_obs
            if same and opened in session.open_slides and _names(opened) == slide.spots:
                opened.expression.take_similarity(self.name, values)
        self.opened[0].note("find_similar", **self.asked)
        session.show(gene=self.name, blend=(), compare=())
        session.changed.emit()  # a map of the same name may be another


def prepare_search(
    session: Session,
    by: By,
    *,
    spot: str = "",
    region: Region | None = None,
    most: int = MOST,
    everywhere: bool = True,
) -> SimilarSearch:
    """Return a search for places like a spot or a region of the shown slide.

    Parameters
    ----------
    by
        ``"image"``: features of the tissue's looks, as the model that predicted reads them;
        ``"expression"``: predicted, or measured where nothing was predicted.
    spot, region
        One of them.
    most
        Places to list of each slide.
    everywhere
        Whether other open slides are searched too.

    Raises
    ------
    SettingsError
        If the place has no spots, or they have nothing to compare.
    """
    shown = session.shown
    if shown.spots is None:
        raise SettingsError("There are no spots to search; load spots or create a grid first.")
    first = _places(shown, by)
    if region is not None:
        chosen, what = spots_in(region, positions(shown.spots)), region.name
        if not chosen.any():
            raise SettingsError(f"There is no spot in {region.name}; choose another region.")
    elif spot in first.spots:
        chosen, what = np.array([each == spot for each in first.spots]), f"spot {spot}"
    else:
        raise SettingsError("No place is chosen; click on a spot, or choose a region.")
    opened, slides, left_out = [shown], [first], []
    for other in session.open_slides if everywhere else ():
        if other is shown or other.spots is None:
            continue
        try:
            slides.append(_fitting(other, by, first))
            opened.append(other)
        except SettingsError as error:
            left_out.append(f"{other.name} was left out: {error}")
    pitch_um = shown.expression.spacing_px * (shown.um_per_px or 1.0)
    return SimilarSearch(
        what=what,
        by=by,
        opened=tuple(opened),
        slides=tuple(slides),
        chosen=chosen,
        most=most,
        apart_um=NEIGHBOURS * pitch_um,
        left_out=tuple(left_out),
        asked={
            "by": by,
            **({"region": region.id} if region is not None else {"spot": spot}),
            "most": most,
            "everywhere": everywhere,
        },
    )


def can_search(session: Session, by: By) -> bool:
    """Whether the shown slide has what is compared; quick."""
    result = session.result
    if session.spots is None:
        return False
    if by == "image":
        return result is not None and result.adata is not None and FEATURES in result.adata.obsm
    return (result is not None and result.complete) or session.expression.has_measured


def _places(opened: OpenSlide, by: By) -> SlidePlaces:
    """Return the places of an open slide; its matrices are not copied."""
    expression, spots = opened.expression, opened.spots
    result = expression.result
    if spots is None:
        raise SettingsError("It has no spots.")
    values: Expression
    if by == "image":
        if result is None or result.adata is None:
            raise SettingsError("Image features come with a prediction; run one first.")
        if FEATURES not in result.adata.obsm:
            raise SettingsError("The prediction has no image features; run it anew.")
        values = np.asarray(result.adata.obsm[FEATURES], dtype=np.float32)
        genes: tuple[str, ...] = ()
    else:
        predicted = result is not None and result.complete
        values, genes = expression.matrix("predicted" if predicted else "measured")
    return SlidePlaces(
        name=opened.name,
        spots=_names(opened),
        xy=positions(spots),
        values=values,
        columns=genes,
        maker=result.model_id if result is not None and by == "image" else "",
        um_per_px=opened.um_per_px,
    )


def _fitting(opened: OpenSlide, by: By, first: SlidePlaces) -> SlidePlaces:
    """Return the places of another slide, if they can be compared with the first's."""
    found = _places(opened, by)
    if found.maker != first.maker:
        raise SettingsError("it was predicted by another model.")
    if by == "expression" and not set(found.columns) & set(first.columns):
        raise SettingsError("it has none of the genes.")
    return found


def _names(opened: OpenSlide) -> tuple[str, ...]:
    return () if opened.spots is None else tuple(map(str, opened.spots.obs_names))
