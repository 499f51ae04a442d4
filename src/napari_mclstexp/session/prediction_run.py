"""The one prediction that is on, and those that were cancelled and whose worker is still ending."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..analysis.prediction_result import Result
from ..errors import SettingsError, SlideError
from ..progress import CancelToken
from .spot_expression import maker

if TYPE_CHECKING:
    from anndata import AnnData

    from ..model import Model
    from ..slides import Slide
    from .spot_expression import SpotExpression


@dataclass(frozen=True, eq=False)
class Run:
    """One prediction under way, with all that it was started on.

    The worker gives `slide`, `spots`, `model`, `genes` and `token` to
    :func:`napari_mclstexp.api.predict`, and always ends with :meth:`Session.finish_run` or
    :meth:`Session.abandon_run`; the slide is not closed under it before.

    Attributes
    ----------
    readings
        Of the spots; they get the result, whichever slide is shown by then.
    result
        Fills in as the worker reports.
    before
        The result that this model had given before, which comes back if the run is cancelled.
    """

    slide: Slide
    spots: AnnData
    model: Model
    genes: tuple[str, ...]
    expression: SpotExpression
    result: Result
    before: Result | None = None
    token: CancelToken = field(default_factory=CancelToken)


def new_run(
    slide: Slide | None,
    spots: AnnData | None,
    model: Model | None,
    genes: Sequence[str] | None,
    expression: SpotExpression,
) -> Run:
    """Return a run with an empty result, if there is all that it needs.

    Raises
    ------
    SettingsError
        If there is no slide, spots or model, or a gene is unknown to the model.
    SlideError
        If the scale of the slide is not known.
    """
    if slide is None:
        raise SettingsError("There is no slide to predict on; open one first.")
    if spots is None:
        raise SettingsError("There are no spots to predict at; load spots or lay a grid first.")
    if model is None:
        raise SettingsError("No model is chosen; choose one first.")
    if slide.um_per_px is None:
        raise SlideError(f"{slide.path.name} does not state its scale; enter its µm per px first.")
    config = model.config
    wanted = tuple(genes) if genes is not None else config.genes
    if unknown := [gene for gene in wanted if gene not in config.genes]:
        raise SettingsError(
            f"The model {config.name} does not know the gene {unknown[0]}; "
            "ask for genes of its list."
        )
    counts = expression.counts
    columns = [config.genes.index(gene) for gene in wanted]
    result = Result.empty(
        spots.n_obs,
        wanted,
        measured=(
            counts.matrix(config.genes, config.normalisation)[:, columns]
            if counts is not None
            else None
        ),
        unit=config.unit,
        model_id=model.id,
        model_name=config.name,
        held_out_pcc=config.held_out_pcc,
    )
    before = expression.results.get(maker(model))
    return Run(slide, spots, model, wanted, expression, result, before)


class Runs:
    """Keeps runs apart, and slides open for as long as a worker may read them.

    Attributes
    ----------
    current
        The run that is on, or None. One that was cancelled is on until its worker has ended.
    """

    def __init__(self) -> None:
        self.current: Run | None = None
        self._dropped: list[Run] = []
        self._to_close: list[Slide] = []

    def begin(self, run: Run) -> None:
        """Make a run the current one; there must be none."""
        self.refuse_second()
        self.current = run

    def refuse_second(self) -> None:
        """Raise SettingsError if a run is on."""
        if self.current is not None:
            raise SettingsError("A prediction is running already; wait for it or cancel it first.")

    def cancel(self) -> bool:
        """Ask the current run to stop; whether that is news to it."""
        news = self.current is not None and not self.current.token.cancelled
        if self.current is not None:
            self.current.token.cancel()
        return news

    def drop(self) -> bool:
        """Cancel the current run and have nothing more to do with it; whether there was one."""
        if self.current is None:
            return False
        self.current.token.cancel()
        self._dropped.append(self.current)
        self.current = None
        return True

    def ended(self, run: Run) -> bool:
        """Note that the worker of a run has ended; whether it was the current one."""
        if run is self.current:
            self.current = None
            return True
        if run in self._dropped:
            self._dropped.remove(run)
            self._close_unread()
        return False

    def close(self, slide: Slide) -> None:
        """Close a slide as soon as no worker reads it."""
        self._to_close.append(slide)
        self._close_unread()

    def _close_unread(self) -> None:
        read = [run.slide for run in self._dropped]
        for slide in [slide for slide in self._to_close if slide not in read]:
            self._to_close.remove(slide)
            slide.close()
