"""The one prediction that is on, and those that were cancelled and whose worker is still ending."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from psygnal import Signal

from ..analysis.prediction_result import Result
from ..errors import SettingsError, SlideError
from ..progress import CancelToken, PartialPrediction, Progress
from .spot_expression import maker

if TYPE_CHECKING:
    from anndata import AnnData

    from ..model import Model
    from ..slides import Slide
    from .open_slide import OpenSlide
    from .spot_expression import SpotExpression


@dataclass(frozen=True, eq=False)
class Run:
    """One prediction under way, with all that it was started on.

    The worker gives `slide`, `spots`, `model`, `genes` and `token` to
    :func:`napari_mclstexp.api.predict`, and always ends with :meth:`Runs.finish` or
    :meth:`Runs.abandon`; the slide is not closed under it before.

    Attributes
    ----------
    expression, opened
        Of the spots, which get the result, whichever slide is shown by then; and the slide's.
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
    opened: OpenSlide
    result: Result
    before: Result | None = None
    token: CancelToken = field(default_factory=CancelToken)


def new_run(opened: OpenSlide, model: Model | None, genes: Sequence[str] | None) -> Run:
    """Return a run with an empty result, if there is all that it needs.

    Raises
    ------
    SettingsError
        If there is no slide, spots or model, or a gene is unknown to the model.
    SlideError
        If the scale of the slide is not known.
    """
    slide, spots, expression = opened.slide, opened.spots, opened.expression
    if slide is None:
        raise SettingsError("There is no slide to predict on; open one first.")
    if spots is None:
        raise SettingsError("There are no spots to predict at; load spots or create a grid first.")
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
        held_out_low=config.held_out_low,
    )
    before = expression.results.get(maker(model))
    return Run(slide, spots, model, wanted, expression, opened, result, before)


def _how(run: Run) -> dict[str, Any]:
    """Return what a run was given, for who does it again."""
    every = run.genes == tuple(run.model.config.genes)
    return {
        "model": None if run.model.path is None else str(run.model.path),
        **({} if every else {"genes": list(run.genes)}),
    }


class Runs:
    """Begins runs, keeps them apart, and slides open for as long as a worker may read them.

    Parameters
    ----------
    ready
        Returns what a run would be on: the slide that is shown, and the chosen model.

    Attributes
    ----------
    current
        The run that is on, or None. One that was cancelled is on until its worker has ended.

    Signals
    -------
    changed
        :attr:`current`, when it is another, or was asked to stop.
    progressed
        The :class:`~napari_mclstexp.api.Progress` of the run that is on.
    filled
        The run that has more rows.
    results_changed
        A run has begun or ended, so that another result is there.
    """

    changed = Signal(object)
    progressed = Signal(object)
    filled = Signal(object)
    results_changed = Signal()

    def __init__(self, ready: Callable[[], tuple[OpenSlide, Model | None]]) -> None:
        self._ready = ready
        self.current: Run | None = None
        self._dropped: list[Run] = []
        self._to_close: list[Slide] = []

    def start(self, genes: Sequence[str] | None = None) -> Run:
        """Begin a prediction; its rows are shown as :meth:`report` brings them.

        Raises
        ------
        SettingsError
            If a run is on already, there is no slide, spots or model, or a gene is unknown.
        SlideError
            If the scale of the slide is not known.
        """
        self.refuse_second()
        run = self.current = new_run(*self._ready(), genes)
        run.expression.results[maker(run.model)] = run.result
        self.changed.emit(run)
        self.results_changed.emit()
        return run

    def report(self, run: Run, progress: Progress) -> None:
        """Take in what a run has done so far; ignored if it is over, or was asked to stop."""
        if run is not self.current or run.token.cancelled:
            return
        if isinstance(progress.partial, PartialPrediction):
            run.result.fill(progress.partial.indices, progress.partial.expression)
        self.progressed.emit(progress)
        if progress.partial is not None:
            self.filled.emit(run)

    def cancel(self) -> None:
        """Ask the run that is on to stop; it is over when its worker says so."""
        if self.current is not None and not self.current.token.cancelled:
            self.current.token.cancel()
            self.changed.emit(self.current)

    def finish(self, run: Run, prediction: AnnData) -> None:
        """Take the finished prediction of a run; ignored if the run was cancelled meanwhile."""
        self._end(run, run.before if run.token.cancelled else Result.from_adata(prediction))

    def abandon(self, run: Run) -> None:
        """Note that a run ended without a result (cancelled or failed); its rows disappear."""
        self._end(run, run.before)

    def refuse_second(self) -> None:
        """Raise SettingsError if a run is on."""
        if self.current is not None:
            raise SettingsError("A prediction is running already; wait for it or cancel it first.")

    def drop(self, expression: SpotExpression) -> None:
        """Cancel the run that is on, if these are its, and have no more to do with it."""
        if self.current is not None and self.current.expression is expression:
            self.current.token.cancel()
            self._dropped.append(self.current)
            self.current = None
            self.changed.emit(None)

    def close(self, slide: Slide) -> None:
        """Close a slide as soon as no worker reads it."""
        self._to_close.append(slide)
        self._close_unread()

    def _end(self, run: Run, result: Result | None) -> None:
        if run in self._dropped:
            self._dropped.remove(run)
            self._close_unread()
        if run is not self.current:
            return
        self.current = None
        run.expression.results.pop(maker(run.model), None)
        if result is not None:
            run.expression.results[maker(run.model)] = result
        if result is not None and result is not run.before:
            run.opened.note("predict", **_how(run))
        self.changed.emit(None)
        self.results_changed.emit()

    def _close_unread(self) -> None:
        read = [run.slide for run in self._dropped]
        for slide in [slide for slide in self._to_close if slide not in read]:
            self._to_close.remove(slide)
            slide.close()
