"""The result that is shown: complete from a run or a file, filling in row by row meanwhile."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import SpotsError
from ..model.programs import Program
from ..spots.schema import POSITIONS, Provenance, SpotMetadata, positions, read_programs
from .predicted_programs import programs_of

if TYPE_CHECKING:
    from anndata import AnnData

    from ..slides import Slide

Layer = Literal["spread", "lower", "upper"]
_ids = itertools.count(1)


@dataclass(eq=False)
class Result:
    """Expression of n spots and G genes, of which some spots may still be missing.

    Attributes
    ----------
    genes
        The G gene names, in the order of the columns.
    expression
        (n, G) float32 in `unit`; rows of spots that are not predicted yet are NaN.
    measured
        (n, G) float32 in the same unit, NaN in columns of genes that were not measured; None
        when the spots have no counts.
    unit
        What the values are, as the colour bar says it: "ln(1 + counts per 10,000)".
    model_id, model_name
        Which model made it.
    held_out_pcc
        The model's own cross-validated correlation of each gene that has one.
    held_out_low
        Lower end of its 95 % interval, where that is known.
    interval
        Share of measured values that lie between lower and upper end, where those are known.
    warning
        Why the slide is unlike those that the model knows, in a sentence, or "".
    adata
        The finished AnnData of `predict`, or None while the run is on.
    """

    genes: tuple[str, ...]
    expression: NDArray[np.float32]
    measured: NDArray[np.float32] | None
    unit: str
    model_id: str
    model_name: str
    held_out_pcc: dict[str, float] = field(default_factory=dict)
    held_out_low: dict[str, float] = field(default_factory=dict)
    interval: float | None = None
    adata: AnnData | None = None
    warning: str = ""
    n_done: int = 0
    revision: int = 0
    id: int = field(default_factory=lambda: next(_ids))

    def __post_init__(self) -> None:
        self._column = {gene: column for column, gene in enumerate(self.genes)}

    @classmethod
    def empty(
        cls,
        n_spots: int,
        genes: tuple[str, ...],
        *,
        measured: NDArray[np.float32] | None,
        unit: str,
        model_id: str,
        model_name: str,
        held_out_pcc: dict[str, float] | None = None,
        held_out_low: dict[str, float] | None = None,
    ) -> Result:
        """Return a result of which no spot is known yet."""
        return cls(
            genes,
            np.full((n_spots, len(genes)), np.nan, dtype=np.float32),
            measured,
            unit,
            model_id,
            model_name,
            held_out_pcc or {},
            held_out_low or {},
        )

    @classmethod
    def from_adata(cls, adata: AnnData) -> Result:
        """Return the complete result that `predict` gave or that a prediction file held."""
        made = Provenance.read(adata)
        genes = tuple(str(name) for name in adata.var_names)
        return cls(
            genes=genes,
            expression=_dense(adata.X),
            measured=_dense(adata.layers["measured"]) if "measured" in adata.layers else None,
            unit=made.unit,
            model_id=made.model_id or "",
            model_name=made.model_name or "",
            held_out_pcc=_known(adata, "held_out_pcc"),
            held_out_low=_known(adata, "held_out_low"),
            interval=made.interval,
            adata=adata,
            warning=made.warning,
            n_done=adata.n_obs,
        )

    @property
    def n_spots(self) -> int:
        """Number of spots, predicted or not."""
        return int(self.expression.shape[0])

    @property
    def complete(self) -> bool:
        """Whether every spot has its prediction."""
        return self.adata is not None

    def fill(self, indices: NDArray[np.integer[Any]], expression: NDArray[np.float32]) -> None:
        """Write the rows of some spots.

        Parameters
        ----------
        indices
            (m,) rows, that is spots.
        expression
            (m, G) their values.
        """
        fresh = np.isnan(self.expression[indices]).all(axis=1)
        self.expression[indices] = expression
        self.n_done += int(fresh.sum())
        self.revision += 1

    def __contains__(self, gene: object) -> bool:
        """Whether a gene is among the columns."""
        return gene in self._column

    def predicted_values(self, gene: str) -> NDArray[np.float32] | None:
        """Return the (n,) predicted values of a gene, or None if the result lacks it."""
        column = self._column.get(gene)
        return None if column is None else self.expression[:, column]

    def measured_values(self, gene: str) -> NDArray[np.float32] | None:
        """Return the (n,) measured values of a gene, or None if it was not measured."""
        column = self._column.get(gene)
        if column is None or self.measured is None:
            return None
        values = self.measured[:, column]
        return values if np.isfinite(values).any() else None

    @cached_property
    def measured_columns(self) -> NDArray[np.int64]:
        """Columns of the genes that were measured at every spot."""
        if self.measured is None:
            return np.empty(0, dtype=np.int64)
        return np.flatnonzero(np.isfinite(self.measured).all(axis=0))

    @property
    def enough_counts(self) -> NDArray[np.bool_]:
        """Which of the n spots are measured well enough to be compared with; all if not known."""
        if self.adata is None or "enough_counts" not in self.adata.obs:
            return np.ones(self.n_spots, dtype=bool)
        good: NDArray[np.bool_] = self.adata.obs["enough_counts"].to_numpy(dtype=bool)
        return good if good.any() else ~good

    def layer_values(self, layer: Layer, gene: str) -> NDArray[np.float32] | None:
        """Return the (n,) values of a gene in a layer, or None if they are not known.

        Those are the spread, over the retrieved spots or of the errors to be expected, and the
        two ends of the interval.
        """
        column = self._column.get(gene)
        if column is None or self.adata is None or layer not in self.adata.layers:
            return None
        return _dense(self.adata.layers[layer][:, [column]])[:, 0]

    def distance_values(self) -> NDArray[np.float32] | None:
        """Return (n,) how far each patch is from the bank (1 - similarity), None if not known."""
        if self.adata is None or "similarity" not in self.adata.obs:
            return None
        return 1 - np.asarray(self.adata.obs["similarity"], dtype=np.float32)

    @property
    def programs(self) -> dict[str, Program]:
        """The programs of a linear head by name, once every spot has its prediction."""
        return {} if self.adata is None else self._programs

    @cached_property
    def _programs(self) -> dict[str, Program]:
        assert self.adata is not None
        return {each.name: each for each in programs_of(self.adata)}

    def program(self, name: str) -> Program | None:
        """Return the program of a name ("Program 1: FASN, ...") or key ("program_1"), or None."""
        return next((p for p in self.programs.values() if name in (p.name, p.key)), None)

    def program_values(self, name: str) -> NDArray[np.float32] | None:
        """Return the (n,) scores of a program, or None if there is none of that name or key."""
        program = self.program(name)
        kept = None if self.adata is None else read_programs(self.adata)
        return None if program is None or kept is None else kept[0][:, program.number - 1]

    @property
    def has_interval(self) -> bool:
        """Whether both ends of an interval are known."""
        return self.adata is not None and {"lower", "upper"} <= set(self.adata.layers)

    @property
    def has_uncertainty(self) -> bool:
        """Whether spread and distance are known."""
        adata = self.adata
        return adata is not None and "spread" in adata.layers and "similarity" in adata.obs


def _known(adata: AnnData, column: str) -> dict[str, float]:
    """Return the numbers of a column of var by gene, where there are any."""
    if column not in adata.var:
        return {}
    scores = np.asarray(adata.var[column], dtype=float)
    named = zip(map(str, adata.var_names), scores, strict=True)
    return {gene: float(score) for gene, score in named if np.isfinite(score)}


def _dense(matrix: Any) -> NDArray[np.float32]:
    array = matrix.toarray() if hasattr(matrix, "toarray") else matrix
    return np.asarray(array, dtype=np.float32)


def bare_spots(prediction: AnnData) -> AnnData:
    """Return the spots that a prediction was made on, without any expression."""
    from anndata import AnnData
    from scipy import sparse

    spots = AnnData(
        X=sparse.csr_matrix((prediction.n_obs, 0), dtype=np.float32),
        obs=prediction.obs.copy(),
        obsm={POSITIONS: positions(prediction)},
    )
    known, made = SpotMetadata.read(prediction), Provenance.read(prediction)
    SpotMetadata(
        known.platform, known.source or made.spots, known.pitch_um, known.spot_diameter_um
    ).write(spots)
    return spots


def check_slide(prediction: AnnData, slide: Slide) -> None:
    """Raise SpotsError if a prediction was made on another slide than this one."""
    made = Provenance.read(prediction)
    if made.slide_fingerprint not in (None, slide.fingerprint()):
        raise SpotsError(
            f"The prediction was made on {made.slide or 'another slide'}, which is not "
            f"{slide.path.name}, the slide that is open; close that one first."
        )
