"""Which places on this and other slides are most like a spot or a region, by looks or expression.

Values are centred at their mean over all places of all slides, and compared by the cosine of their
directions from there: 1 differs from the average place just as the place asked for does, 0 has
nothing in common with it, -1 differs the other way. Genes are brought to equal variance first, so
that none outweighs others by its scale alone; features of the image are left as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ..errors import SettingsError
from .expression import Expression, expression_of, row_blocks

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

By = Literal["image", "expression"]
FEATURES = "X_mclstexp"
MOST = 20  # places of a list


@dataclass(frozen=True, eq=False)
class SlidePlaces:
    """The spots of a slide, as they are compared.

    Attributes
    ----------
    name
        Of the slide.
    spots
        (n,) names.
    xy
        (n, 2) centres, x and y in level-0 pixels.
    values
        (n, D) features of the image, or expression.
    columns
        What the D columns are: names of genes, or none for features.
    maker
        Id of the model that made the features; features of two models cannot be compared.
    um_per_px
        Of the slide, where it is known.
    """

    name: str
    spots: tuple[str, ...]
    xy: NDArray[np.float64]
    values: Expression
    columns: tuple[str, ...] = ()
    maker: str = ""
    um_per_px: float | None = None


@dataclass(frozen=True)
class SimilarPlace:
    """A place that was found.

    Attributes
    ----------
    slide, spot
        Which of the slides, and which of its spots, counted from 0.
    similarity
        From -1 to 1.
    """

    slide: int
    spot: int
    similarity: float


@dataclass(frozen=True, eq=False)
class Similar:
    """What was found.

    Attributes
    ----------
    slides
        That were searched.
    similarity
        (n,) of each spot, for each slide.
    places
        The most similar, the best first.
    """

    slides: tuple[SlidePlaces, ...]
    similarity: tuple[NDArray[np.float32], ...]
    places: tuple[SimilarPlace, ...]

    def table(self) -> pd.DataFrame:
        """Return the places as a table: rank, slide, spot, x and y in px, similarity."""
        import pandas as pd

        rows = [
            {
                "rank": rank,
                "slide": self.slides[each.slide].name,
                "spot": self.slides[each.slide].spots[each.spot],
                "x": float(self.slides[each.slide].xy[each.spot, 0]),
                "y": float(self.slides[each.slide].xy[each.spot, 1]),
                "similarity": each.similarity,
            }
            for rank, each in enumerate(self.places, start=1)
        ]
        return pd.DataFrame(rows, columns=["rank", "slide", "spot", "x", "y", "similarity"])


def slide_places(prediction: AnnData, by: By, name: str = "") -> SlidePlaces:
    """Return the spots of a prediction, to be compared by the image or by expression.

    Parameters
    ----------
    prediction
        As `predict` gives it; by expression, any AnnData with positions will do.
    by
        What is compared.
    name
        Of the slide; by default as the prediction says.

    Raises
    ------
    SettingsError
        If it has no features, expression or positions.
    """
    from ..spots.schema import Provenance, has_positions, positions

    made = Provenance.read(prediction)
    name = name or (made.slide or "slide").replace("\\", "/").rpartition("/")[2]
    if not has_positions(prediction):
        raise SettingsError(f'{name} has no obsm["spatial"], so its places are not known.')
    values: Expression
    columns: tuple[str, ...] = ()
    if by == "image":
        if FEATURES not in prediction.obsm:
            raise SettingsError(
                f"{name} has no image features; predict it anew, or compare by expression."
            )
        values = np.asarray(prediction.obsm[FEATURES], dtype=np.float32)
    else:
        values = expression_of(prediction)
        columns = tuple(map(str, prediction.var_names))
    return SlidePlaces(
        name=name,
        spots=tuple(map(str, prediction.obs_names)),
        xy=positions(prediction),
        values=values,
        columns=columns,
        maker=(made.model_id or "") if by == "image" else "",
        um_per_px=made.um_per_px,
    )


def find_similar(
    slides: Sequence[SlidePlaces],
    chosen: NDArray[np.bool_],
    *,
    of: int = 0,
    most: int | None = MOST,
    apart_um: float = 0.0,
) -> Similar:
    """Find the places most like some spots of a slide, on all slides.

    Parameters
    ----------
    slides
        That are searched.
    chosen
        (n,) which spots of the slide `of` are the place that others are compared with: one, or
        those of a region.
    of
        Which of the slides they are on.
    most
        How many places to list of each slide; None lists all spots.
    apart_um
        At least so many µm between places of one slide, and from the place asked for: neighbours
        are like each other, and a list of one spot's neighbours says little.

    Returns
    -------
    Similar
        The spots asked for are in none of its places, but have their similarity.

    Raises
    ------
    SettingsError
        If no spot is chosen, the slides have no gene in common, features of different models, or
        nothing varies.
    """
    if not chosen.any():
        raise SettingsError("There is no spot in that place; choose another.")
    scaled = _comparable(slides)
    target = _direction_of(scaled[of], chosen)
    similarity = tuple(_cosines(each, target) for each in scaled)
    places: list[SimilarPlace] = []
    for number, (slide, values) in enumerate(zip(slides, similarity, strict=True)):
        apart = apart_um / slide.um_per_px if slide.um_per_px else 0.0
        excluded = chosen if number == of else np.zeros(len(values), dtype=bool)
        places += [
            SimilarPlace(number, int(spot), float(values[spot]))
            for spot in _best(values, slide.xy, excluded, most, apart)
        ]
    places.sort(key=lambda each: -each.similarity)
    return Similar(tuple(slides), similarity, tuple(places))


@dataclass(frozen=True, eq=False)
class _Scaled:
    """(n, D) values, of which `mean` is taken off and `factor` multiplied, a block at a time."""

    values: Expression
    mean: NDArray[np.float64]
    factor: NDArray[np.float64]

    def blocks(self) -> list[slice]:
        return list(row_blocks(*self.values.shape))

    def rows(self, rows: slice | NDArray[np.bool_]) -> NDArray[np.float64]:
        part: Any = self.values[rows]
        dense = part.toarray() if sparse.issparse(part) else part
        return (np.asarray(dense, dtype=np.float64) - self.mean) * self.factor


def _comparable(slides: Sequence[SlidePlaces]) -> list[_Scaled]:
    """Bring all slides to the same columns, centre and scale."""
    makers = {each.maker for each in slides}
    if len(makers) > 1:
        raise SettingsError(
            "The slides were predicted by different models, so their image features cannot be "
            "compared; predict them with one model, or compare by expression."
        )
    by_genes = bool(slides[0].columns)
    matrices: list[Expression] = [each.values for each in slides]
    if by_genes and len({each.columns for each in slides}) > 1:
        shared = [
            gene
            for gene in slides[0].columns
            if all(gene in set(each.columns) for each in slides[1:])
        ]
        if not shared:
            raise SettingsError("The slides have no gene in common, so they cannot be compared.")
        matrices = []
        for each in slides:
            place = {gene: at for at, gene in enumerate(each.columns)}
            matrices.append(each.values[:, [place[gene] for gene in shared]])
    mean, variance = _mean_and_variance(matrices)
    if not (variance > 0).any():
        raise SettingsError("All places are alike: nothing varies that could be compared.")
    factor = np.where(variance > 0, 1.0, 0.0)
    if by_genes:
        factor = np.where(variance > 0, 1 / np.sqrt(np.where(variance > 0, variance, 1)), 0)
    return [_Scaled(each, mean, factor) for each in matrices]


def _mean_and_variance(
    matrices: Sequence[Expression],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the (D,) mean and variance over the rows of all matrices."""
    from .expression import moments

    sizes = np.array([each.shape[0] for each in matrices], dtype=float)
    parts = [moments(each) for each in matrices]
    mean = np.average([part[0] for part in parts], axis=0, weights=sizes)
    square = [part[1] + (part[0] - mean) ** 2 for part in parts]
    variance = np.average(square, axis=0, weights=sizes)
    constant = np.all([part[1] == 0 for part in parts], axis=0)
    same = np.ptp([part[0] for part in parts], axis=0) == 0
    return mean, np.where(constant & same, 0, variance)


def _direction_of(scaled: _Scaled, chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the (D,) mean direction of some spots, of length 1."""
    rows = scaled.rows(chosen)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    mean = (rows / np.where(lengths > 0, lengths, 1)).mean(axis=0)
    length = float(np.linalg.norm(mean))
    if length == 0:
        raise SettingsError(
            "That place is just like the average of all places, so nothing can be like it alone."
        )
    return np.asarray(mean / length)


def _cosines(scaled: _Scaled, target: NDArray[np.float64]) -> NDArray[np.float32]:
    found = np.zeros(scaled.values.shape[0], dtype=np.float32)
    for rows in scaled.blocks():
        part = scaled.rows(rows)
        lengths = np.linalg.norm(part, axis=1)
        found[rows] = (part @ target) / np.where(lengths > 0, lengths, 1)
    return found


def _best(
    similarity: NDArray[np.float32],
    xy: NDArray[np.float64],
    excluded: NDArray[np.bool_],
    most: int | None,
    apart: float,
) -> list[int]:
    """Return the most similar spots in order, each `apart` px or more from those before it."""
    from scipy.spatial import KDTree

    order = np.argsort(-similarity, kind="stable")
    if apart <= 0:
        allowed = order[~excluded[order]]
        return [int(spot) for spot in allowed[:most]]
    tree = KDTree(xy)
    taken = excluded.copy()
    if excluded.any():
        for near in tree.query_ball_point(xy[excluded], apart * (1 - 1e-9)):
            taken[near] = True
    found: list[int] = []
    for spot in order.tolist():
        if taken[spot]:
            continue
        found.append(spot)
        if len(found) == most:
            break
        taken[tree.query_ball_point(xy[spot], apart * (1 - 1e-9))] = True
    return found
