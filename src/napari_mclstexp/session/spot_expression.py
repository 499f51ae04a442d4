"""All that is known of the expression at one set of spots: their counts, and each model's result.

New spots mean new values, so that nothing of the former can be shown on them.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from functools import cached_property
from itertools import count
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from ..analysis.counts import COUNTS_UNIT, Counts, has_counts
from ..analysis.expression import Expression
from ..analysis.prediction_result import Result
from ..analysis.signatures import Signature, known_genes, score_signature
from ..errors import SettingsError
from ..model.programs import UNIT as PROGRAM_UNIT
from ..model.programs import Program

if TYPE_CHECKING:
    from anndata import AnnData

    from ..analysis.maps.raster import Raster
    from ..model import Model

Of = Literal["predicted", "measured"]  # whose expression
Source = Literal["predicted", "measured", "difference", "spread", "distance", "lower", "upper"]
Key = tuple[int | float | str, ...]
DISTANCE_UNIT = "1 - cosine similarity to the reference"
SIGNATURE = " (signature)"  # behind the name of one, where it stands among genes
SCORE_UNIT = "score: mean of its genes - control genes"
SIMILARITY_UNIT = "1: alike, 0: nothing in common, -1: the opposite"

_MAPS_KEPT = 8
_maps = count(1)  # tells maps of similarity from all before in keys


def maker(model: Model | None) -> Hashable:
    """Return what tells a model from others: its checksum, or itself while it is not saved."""
    return None if model is None else model.id or model


class SpotExpression:
    """Counts and results of one set of spots (or of none), and which result is chosen.

    Parameters
    ----------
    spots
        The spots, or None.
    number
        Tells this expression from others in keys.

    Attributes
    ----------
    counts
        The measured counts, or None.
    results
        By who made them (see :func:`maker`); the one of `chosen` is shown.
    """

    def __init__(self, spots: AnnData | None, number: int) -> None:
        self.number = number
        self._spots = spots
        self.counts = Counts(spots) if spots is not None and has_counts(spots) else None
        self.results: dict[Hashable, Result] = {}
        self.chosen: Hashable = None
        self._rasters: dict[Key, Raster] = {}
        self._images: dict[Key, NDArray[np.float32]] = {}
        self._signatures: dict[str, Signature] = {}
        self._offered: dict[Key, tuple[str, ...]] = {}
        self._scores: dict[Key, NDArray[np.float32]] = {}
        self._similar: dict[str, tuple[int, NDArray[np.float32]]] = {}

    @cached_property
    def spacing_px(self) -> float:
        """Median distance of a spot to the nearest other in level-0 px, 0 if there is none."""
        from ..spots.geometry import spacing
        from ..spots.schema import positions

        return 0.0 if self._spots is None else spacing(positions(self._spots))

    @cached_property
    def extent_px(self) -> tuple[tuple[float, float], tuple[float, float]] | None:
        """The least and the greatest (x, y) of the spots in level-0 px, None without any."""
        from ..spots.schema import positions

        if self._spots is None or not self._spots.n_obs:
            return None
        (left, top), (right, bottom) = (f(positions(self._spots), axis=0) for f in (np.min, np.max))
        return (float(left), float(top)), (float(right), float(bottom))

    def choose(self, model: Model | None) -> None:
        """Choose a model's result, also one that was made when the model had a former id."""
        self.chosen = maker(model)
        for former in () if model is None else model.former_ids:
            if former in self.results:
                self.results.setdefault(self.chosen, self.results.pop(former))

    @property
    def result(self) -> Result | None:
        """The chosen model's result."""
        return self.results.get(self.chosen)

    def take(self, result: Result, chosen: Hashable = None) -> None:
        """Take a finished result, by default as that of the model it names, and show it."""
        self.chosen = chosen or result.model_id or result
        self.results[self.chosen] = result

    @property
    def has_measured(self) -> bool:
        """Whether anything was measured here."""
        return self.counts is not None or (
            self.result is not None and self.result.measured is not None
        )

    def set_signatures(self, signatures: Iterable[Signature]) -> None:
        """Offer these signatures among the genes, each by its name and :data:`SIGNATURE`."""
        self._signatures = {each.name + SIGNATURE: each for each in signatures}
        self._offered = {}

    def take_similarity(self, name: str, values: NDArray[np.float32]) -> None:
        """Offer a map of how like a place every spot is, in place of the one before.

        Parameters
        ----------
        name
            What it is called among the genes.
        values
            (n,) from -1 to 1.
        """
        self._similar = {name: (next(_maps), values)}

    @property
    def similarity_maps(self) -> dict[str, NDArray[np.float32]]:
        """The values of each of :attr:`similarities`."""
        return {name: values for name, (_, values) in self._similar.items()}

    @property
    def similarities(self) -> tuple[str, ...]:
        """The maps of similarity, by the names they have among the genes."""
        return tuple(self._similar)

    def genes(self, source: Source) -> tuple[str, ...]:
        """Return the genes that can be shown, after the programs and signatures that can."""
        genes = self._own_genes(source)
        known: Key = (source, self.result.id if self.result is not None else 0, len(genes))
        if known not in self._offered:
            self._offered = {
                known: tuple(n for n, each in self._signatures.items() if _enough(each, genes))
            }
        programs = () if source == "measured" else tuple(self.programs)
        return self.similarities + programs + self._offered[known] + genes

    @property
    def programs(self) -> dict[str, Program]:
        """The programs of the chosen result, by the names they have among the genes."""
        return {} if self.result is None else self.result.programs

    def _own_genes(self, source: Source) -> tuple[str, ...]:
        if source == "measured" and self.counts is not None:
            return self.counts.genes
        return self.result.genes if self.result is not None else ()

    def default_gene(self, source: Source) -> str | None:
        """Return the gene to begin with: the one best predicted, or else most expressed."""
        genes = self._own_genes(source)
        if source == "measured" and self.counts is not None and genes:
            return self.counts.most_expressed()
        held_out = self.result.held_out_pcc if self.result is not None else {}
        return max(genes, key=lambda gene: held_out.get(gene, -1.0), default=None)

    def values(self, source: Source, gene: str) -> NDArray[np.float32] | None:
        """Return the (n,) values of a gene, NaN where not known; None if there are none.

        Beside what was predicted and measured there are the predicted less the measured value,
        the spread over the retrieved spots, both ends of the interval, and the patch's distance
        from the reference. A program has its score, and nothing beside it.
        """
        result = self.result
        if source == "difference":
            predicted, measured = self.values("predicted", gene), self.values("measured", gene)
            return None if predicted is None or measured is None else predicted - measured
        if source == "distance":
            return None if result is None else result.distance_values()
        if gene in self._similar:
            shown = "measured" if result is None else "predicted"
            return self._similar[gene][1] if source == shown else None
        if gene in self.programs:
            assert result is not None
            return result.program_values(gene) if source == "predicted" else None
        if gene in self._signatures:
            return self._score(source, gene)
        if result is not None and gene in result:
            if source == "spread" or source == "lower" or source == "upper":
                return result.layer_values(source, gene)
            if source == "predicted":
                return result.predicted_values(gene)
            return result.measured_values(gene)
        if source == "measured" and self.counts is not None:
            return self.counts.values(gene)
        return None

    def unit(self, gene: str, source: Source = "predicted") -> str:
        """Return the unit of :meth:`values`."""
        if source == "distance":
            return DISTANCE_UNIT
        if gene in self._similar:
            return SIMILARITY_UNIT
        if gene in self.programs:
            return PROGRAM_UNIT
        if gene in self._signatures:
            return SCORE_UNIT
        if self.result is not None and gene in self.result:
            return self.result.unit
        return COUNTS_UNIT

    def key(self, source: Source, gene: str) -> Key:
        """Return what changes whenever :meth:`values` does."""
        if source == "distance":
            gene = ""  # it is the same for all
        if gene in self._similar:
            return (self.number, source, gene, self._similar[gene][0])
        content = hash(self._signatures[gene].genes) if gene in self._signatures else 0
        result = self.result
        ours = gene in self.programs or content
        if result is None or (gene not in result and not ours and gene):
            return (self.number, source, gene, content)
        revision = 0 if source == "measured" else result.revision
        return (self.number, source, gene, content, result.id, revision)

    def matrix(self, source: Source, *, every: bool = False) -> tuple[Expression, tuple[str, ...]]:
        """Return the whole expression, predicted or measured, and its genes.

        Many measured genes come as a sparse matrix.

        Parameters
        ----------
        source
            ``"predicted"`` or ``"measured"``.
        every
            Of what was measured take every gene, not only those that were predicted too.

        Raises
        ------
        SettingsError
            If there is none, or it is not complete.
        """
        result, counts = self.result, self.counts
        if source == "predicted":
            if result is None or not result.complete:
                raise SettingsError("There is no finished prediction yet; run one first.")
            return result.expression, result.genes
        every = every and counts is not None
        if not every and result is not None and result.measured is not None:
            known = result.measured_columns
            if len(known) == len(result.genes):
                return result.measured, result.genes
            if len(known):
                return result.measured[:, known], tuple(result.genes[i] for i in known)
        if counts is None:
            raise SettingsError("Nothing was measured at these spots.")
        return counts.normalised, counts.genes

    def program_scores(self) -> NDArray[np.float32] | None:
        """Return (n, R) scores of the programs of the chosen result, or None without any."""
        scores = [self.values("predicted", name) for name in self.programs]
        return np.stack([each for each in scores if each is not None], axis=1) if scores else None

    def _score(self, source: Source, name: str) -> NDArray[np.float32] | None:
        if source not in ("predicted", "measured"):
            return None
        key = self.key(source, name)
        if key not in self._scores:
            try:
                expression, genes = self.matrix(source, every=True)
                score = score_signature(expression, genes, self._signatures[name])
            except SettingsError:
                return None
            self._scores[key] = score.astype(np.float32)
        return self._scores[key]

    def image(
        self,
        kind: str,
        source: Source,
        gene: str,
        place: Key,
        build: Callable[[], Raster],
    ) -> tuple[NDArray[np.float32], Raster]:
        """Return the picture of a gene that has values, and its raster; both are kept.

        Parameters
        ----------
        kind
            Of raster.
        place
            What the raster depends on beside the spots: the scale and the tissue.
        build
            Makes the raster, called once a kind and place.
        """
        if (kind, *place) not in self._rasters:
            self._rasters = {key: each for key, each in self._rasters.items() if key[1:] == place}
            self._rasters[kind, *place] = build()
            self._images = {}
        raster = self._rasters[kind, *place]
        key = (kind, *self.key(source, gene))
        if key not in self._images:
            values = self.values(source, gene)
            if values is None:
                raise KeyError(gene)
            while len(self._images) >= _MAPS_KEPT:
                del self._images[next(iter(self._images))]
            self._images[key] = raster.render(values)
        return self._images[key], raster


def _enough(signature: Signature, genes: tuple[str, ...]) -> bool:
    try:
        return bool(genes) and bool(known_genes(signature, genes))
    except SettingsError:
        return False
