"""All that is known of the expression at one set of spots: their counts, and each model's result.

New spots mean new readings, so that nothing of the former can be shown on them.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from .counts import COUNTS_UNIT, Counts, has_counts
from .result import Result

if TYPE_CHECKING:
    from anndata import AnnData

    from ..model import Model
    from .heatmap import HeatmapGeometry

Source = Literal["predicted", "measured"]
Key = tuple[int | float | str, ...]

_MAPS_KEPT = 8


def maker(model: Model | None) -> Hashable:
    """Return what tells a model from others: its checksum, or itself while it is not saved."""
    return None if model is None else model.id or model


class Readings:
    """Counts and results of one set of spots (or of none), and which result is chosen.

    Parameters
    ----------
    spots
        The spots, or None.
    number
        Tells these readings from others in keys.

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
        self._geometry: dict[Key, HeatmapGeometry] = {}
        self._maps: dict[Key, NDArray[np.float32]] = {}

    @cached_property
    def spacing_px(self) -> float:
        """Median distance of a spot to the nearest other in level-0 px, 0 if there is none."""
        from .heatmap import spacing

        return 0.0 if self._spots is None else spacing(self._spots.obsm["spatial"][:, :2])

    @property
    def result(self) -> Result | None:
        """The chosen model's result."""
        return self.results.get(self.chosen)

    @property
    def has_measured(self) -> bool:
        """Whether anything was measured here."""
        return self.counts is not None or (
            self.result is not None and self.result.measured is not None
        )

    def genes(self, source: Source) -> tuple[str, ...]:
        """Return the genes that can be shown."""
        if source == "measured" and self.counts is not None:
            return self.counts.genes
        return self.result.genes if self.result is not None else ()

    def default_gene(self, source: Source) -> str | None:
        """Return the gene to begin with: the one best predicted, or else most expressed."""
        genes = self.genes(source)
        if source == "measured" and self.counts is not None and genes:
            return self.counts.most_expressed()
        held_out = self.result.held_out_pcc if self.result is not None else {}
        return max(genes, key=lambda gene: held_out.get(gene, -1.0), default=None)

    def values(self, source: Source, gene: str) -> NDArray[np.float32] | None:
        """Return the (n,) values of a gene, NaN where not known; None if there are none."""
        if self.result is not None and gene in self.result:
            if source == "predicted":
                return self.result.predicted_values(gene)
            return self.result.measured_values(gene)
        if source == "measured" and self.counts is not None:
            return self.counts.values(gene)
        return None

    def unit(self, gene: str) -> str:
        """Return the unit of :meth:`values`."""
        if self.result is not None and gene in self.result:
            return self.result.unit
        return COUNTS_UNIT

    def key(self, source: Source, gene: str) -> Key:
        """Return what changes whenever :meth:`values` does."""
        if self.result is None or gene not in self.result:
            return (self.number, source, gene)
        revision = self.result.revision if source == "predicted" else 0
        return (self.number, source, gene, self.result.id, revision)

    def heatmap(
        self, source: Source, gene: str, place: Key, build: Callable[[], HeatmapGeometry]
    ) -> tuple[NDArray[np.float32], HeatmapGeometry]:
        """Return the smooth map of a gene that has values, and its raster; both are kept.

        Parameters
        ----------
        place
            What the raster depends on beside the spots: the scale and the tissue.
        build
            Makes the raster, called once a place.
        """
        if place not in self._geometry:
            self._geometry = {place: build()}
            self._maps = {}
        key = self.key(source, gene)
        if key not in self._maps:
            values = self.values(source, gene)
            if values is None:
                raise KeyError(gene)
            while len(self._maps) >= _MAPS_KEPT:
                del self._maps[next(iter(self._maps))]
            self._maps[key] = self._geometry[place].render(values)
        return self._maps[key], self._geometry[place]
