"""What is open and what is shown: the one state that every widget reads and writes.

It knows no screen. All of it belongs to one thread (the window's): workers hand their reports to
that thread, which passes them to :meth:`Session.report` and :meth:`Session.finish_run`. What is
read from files is read elsewhere: by a worker, or by :mod:`napari_mclstexp.session.scripting`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from psygnal import Signal

from ..analysis.prediction_result import Result, bare_spots, check_slide
from ..errors import SettingsError, SpotsError
from ..progress import PartialPrediction, Progress
from .annotations import Annotations
from .display import Display, Quantity, Style, available, resolve
from .history import History, Steps
from .open_slides import OpenSlide, OpenSlides
from .prediction_run import Run, Runs, new_run
from .spot_expression import Source, SpotExpression, maker

if TYPE_CHECKING:
    from anndata import AnnData

    from ..model import Model
    from ..slides import Slide
    from ..spots import Tissue

__all__ = ["Display", "Quantity", "Run", "Session", "Style"]


class Session(OpenSlides):
    """The open slides, their spots and results, the chosen model, and how they are shown.

    One slide of those that are open is shown. Its spots, results and the person's work go with it:
    they come back when it is selected again. The model and the display are of all slides.

    A result is kept with the model that made it and dropped with the spots it was made on, so
    that :attr:`result` can never belong to another slide, other spots or another model than the
    ones that are selected. What fails leaves the session as it was.

    Signals
    -------
    slide_changed, spots_changed, model_changed, result_changed, run_changed, display_changed
        The new value (`Slide`, `AnnData`, `Model`, `Result`, `Run`, `Display`), or None.
        `slide_changed` also tells of a new scale, `run_changed` also of a cancel asked for.
    progressed
        The :class:`~napari_mclstexp.api.Progress` of the run that is on.
    leaving
        Another slide is about to be shown, or this one closed, and is still there and readable.
    changed
        Anything that :func:`napari_mclstexp.scene.resolve.scene` looks at; after the others.
    """

    slide_changed = Signal(object)
    spots_changed = Signal(object)
    model_changed = Signal(object)
    result_changed = Signal(object)
    run_changed = Signal(object)
    display_changed = Signal(object)
    progressed = Signal(object)
    leaving = Signal()
    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.model: Model | None = None
        self.display = Display()
        self.history = History()
        self.history.changed.connect(self._work_changed)
        self._runs = Runs()

    # -- slides --------------------------------------------------------------------------------

    def use_slide(self, slide: Slide, tissue: Tissue | None = None) -> None:
        """Show an open slide beside those that are open; one that is open already is selected.

        Spots that were loaded before any slide are kept if they fit.

        Parameters
        ----------
        slide
            The session closes it when its time has come.
        tissue
            Its tissue, where a worker has found it already; else found when first needed.

        Raises
        ------
        SpotsError
            If spots loaded earlier lie outside this slide.
        """
        there = self.open_slide_at(slide.path)
        if there is not None:
            if there.slide is not slide:
                slide.close()
            self.select(there)
        elif self.slide is None:
            self.shown.take_slide(slide, tissue)
            self.slide_changed.emit(slide)
            self.changed.emit()
        else:
            self.select(self.add(slide, tissue))

    def select(self, opened: OpenSlide) -> None:
        """Show another of :attr:`open_slides` as it was left; a run goes on behind it."""
        if opened is self.shown:
            return
        self.leaving.emit()
        self.shown.steps = self.history.steps
        self._show(opened)

    def select_next(self) -> None:
        """Show the next of :attr:`open_slides`, after the last one the first."""
        self.select(
            self.open_slides[(self.open_slides.index(self.shown) + 1) % len(self.open_slides)]
        )

    def close_slide(self, opened: OpenSlide | None = None) -> None:
        """Close a slide with what depends on it, by default the shown one; its run is cancelled.

        In place of the shown one, the one before it is shown.
        """
        opened = opened or self.shown
        slide, shown = opened.slide, opened is self.shown
        if slide is None or opened not in self.open_slides:
            return
        if shown:
            self.leaving.emit()
        self._drop_run(opened.expression)
        following = self.without(opened)
        if shown:
            self._show(following)
        else:
            self.changed.emit()
        self._runs.close(slide)

    def edit(self, opened: OpenSlide, what: str, **changes: Any) -> None:
        """Change the work on a slide, also while another one is shown."""
        if opened is self.shown:
            self.history.edit(what, **changes)
        elif opened in self.open_slides:
            opened.steps = (opened.steps or Steps()).edited(what, **changes)
            self.changed.emit()

    def set_um_per_px(self, um_per_px: float) -> None:
        """Set the slide's scale as stated by the person (µm per level-0 px).

        Results end, since they were read from patches of another physical size.

        Raises
        ------
        SettingsError
            If it is not above 0, there is no slide, or a run is on.
        """
        self._runs.refuse_second()
        if self.slide is None:
            raise SettingsError("There is no slide whose scale could be set; open one first.")
        if not (np.isfinite(um_per_px) and um_per_px > 0):
            raise SettingsError(
                f"A scale of {um_per_px:g} µm per px makes no sense; it must be above 0."
            )
        self.slide.calibrate(um_per_px, "user")
        self.expression.results.clear()
        self.slide_changed.emit(self.slide)
        self.result_changed.emit(None)
        self.changed.emit()

    # -- spots ---------------------------------------------------------------------------------

    def use_spots(self, spots: AnnData) -> None:
        """Take spots in place of those before; results and a run on the former end.

        A slide that states no scale gets it from the pitch of the spots, where that is known.

        Raises
        ------
        SpotsError
            If they do not fit the slide.
        """
        self._take_spots(spots)
        self.changed.emit()

    def clear_spots(self) -> None:
        """Remove the spots, their results, and the run on them."""
        self._take_spots(None)
        self.changed.emit()

    # -- model ---------------------------------------------------------------------------------

    def use_model(self, model: Model | None) -> None:
        """Choose a model; the result that it made on these spots, if any, is shown again.

        A run that is on goes on with the model it was started with.
        """
        self.model = model
        self.expression.choose(model)
        self._choose_gene()
        self.model_changed.emit(model)
        self.result_changed.emit(self.result)
        self.changed.emit()

    # -- runs and results ----------------------------------------------------------------------

    @property
    def run(self) -> Run | None:
        """The run that is on; one that was cancelled is on until its worker has ended."""
        return self._runs.current

    @property
    def result(self) -> Result | None:
        """The result of the chosen model on these spots, complete or filling in, or None."""
        return self.expression.result

    def start_run(self, genes: Sequence[str] | None = None) -> Run:
        """Begin a prediction; its rows are shown as :meth:`report` brings them.

        Raises
        ------
        SettingsError
            If a run is on already, there is no slide, spots or model, or a gene is unknown.
        SlideError
            If the scale of the slide is not known.
        """
        self._runs.refuse_second()
        run = new_run(self.slide, self.spots, self.model, genes, self.expression)
        self._runs.begin(run)
        run.expression.results[maker(run.model)] = run.result
        self._choose_gene()
        self.run_changed.emit(run)
        self.result_changed.emit(self.result)
        self.changed.emit()
        return run

    def report(self, run: Run, progress: Progress) -> None:
        """Take in what a run has done so far; ignored if the run is no longer this session's."""
        if run is not self.run or run.token.cancelled:
            return
        if isinstance(progress.partial, PartialPrediction):
            run.result.fill(progress.partial.indices, progress.partial.expression)
        self.progressed.emit(progress)
        if progress.partial is not None and self.result is run.result:
            self.changed.emit()

    def cancel_run(self) -> None:
        """Ask the run that is on to stop; it is over when its worker says so."""
        if self._runs.cancel():
            self.run_changed.emit(self.run)

    def finish_run(self, run: Run, prediction: AnnData) -> None:
        """Take the finished prediction of a run; ignored if the run was cancelled meanwhile."""
        self._end(run, run.before if run.token.cancelled else Result.from_adata(prediction))

    def abandon_run(self, run: Run) -> None:
        """Note that a run ended without a result (cancelled or failed); its rows disappear."""
        self._end(run, run.before)

    def use_prediction(self, prediction: AnnData) -> Result:
        """Show a prediction that was made earlier, with its spots in place of those before.

        The chosen model stays chosen only if it is the one that made it.

        Raises
        ------
        SpotsError
            If it was made on another slide than the open one.
        """
        spots = bare_spots(prediction)
        if self.slide is not None:
            check_slide(prediction, self.slide)
        self._take_spots(spots, prediction.uns.get("mclstexp", {}).get("um_per_px"))
        return self.take_result(prediction)

    def take_result(self, prediction: AnnData) -> Result:
        """Show a prediction that was made earlier on the very spots that are there.

        The chosen model stays chosen only if it is the one that made it.

        Raises
        ------
        SpotsError
            If it was made on other spots.
        """
        if self.spots is None or list(self.spots.obs_names) != list(prediction.obs_names):
            raise SpotsError("The prediction was made on other spots; load them with it.")
        result = Result.from_adata(prediction)
        if not (result.model_id and self.model and self.model.made(result.model_id)):
            self.use_model(None)
        self.expression.chosen = maker(self.model) or result.model_id or result
        self.expression.results[self.expression.chosen] = result
        self._choose_gene()
        self.result_changed.emit(result)
        self.changed.emit()
        return result

    # -- work and display ----------------------------------------------------------------------

    @property
    def annotations(self) -> Annotations:
        """Regions, domains, signatures and notes; change them by ``history.edit``."""
        return self.history.annotations

    def show(self, **changes: Any) -> None:
        """Change fields of :class:`Display`: ``session.show(gene="FASN", style="heatmap")``."""
        display = replace(self.display, **changes)
        if display != self.display:
            self.display = display
            self._choose_gene()
            self.display_changed.emit(self.display)
            self.changed.emit()

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """The quantities that can be chosen now."""
        uncertainty = self.result is not None and self.result.has_uncertainty
        return available(self.result is not None, self.expression.has_measured, uncertainty)

    @property
    def shown_quantity(self) -> Quantity | None:
        """What of the wanted quantity exists, or None if there is no expression at all."""
        return resolve(self.display.quantity, self.quantities)

    @property
    def genes(self) -> tuple[str, ...]:
        """The genes that can be shown in :attr:`shown_quantity`, in the model's order."""
        return self.expression.genes(self._leading) if self.shown_quantity else ()

    @property
    def gene(self) -> str | None:
        """The gene that is shown, or None if there is none."""
        return self.display.gene if self.display.gene in self.genes else None

    # -- within --------------------------------------------------------------------------------

    def _work_changed(self) -> None:
        self.expression.set_signatures(self.annotations.signatures)
        self._choose_gene()
        self.changed.emit()

    @property
    def _leading(self) -> Source:
        return "measured" if self.shown_quantity == "measured" else "predicted"

    def _choose_gene(self) -> None:
        """Keep the gene asked for if it is there, else take one worth looking at."""
        gene = self.expression.default_gene(self._leading) if self.gene is None else None
        if gene is not None:
            self.display = replace(self.display, gene=gene)
            self.display_changed.emit(self.display)

    def _take_spots(self, spots: AnnData | None, um_per_px: float | None = None) -> None:
        if spots is None and self.spots is None:
            return
        before = self.expression
        self.shown.take_spots(spots, um_per_px)
        self._drop_run(before)
        self.expression.chosen = maker(self.model)
        self.expression.set_signatures(self.annotations.signatures)
        self.history.drop_domains()
        if self.shown.calibrate():
            self.slide_changed.emit(self.slide)
        self._choose_gene()
        self.spots_changed.emit(spots)
        self.result_changed.emit(None)

    def _show(self, opened: OpenSlide) -> None:
        """Show another desk in place of the present one, and say so."""
        steps = opened.steps or Steps(
            annotations=Annotations(signatures=self.annotations.signatures)
        )
        self.shown, opened.steps = opened, None
        opened.expression.chosen = maker(self.model)
        with self.changed.blocked():  # until all of it is there
            self.history.go_on_with(steps)
        self._choose_gene()
        self.slide_changed.emit(self.slide)
        self.spots_changed.emit(self.spots)
        self.result_changed.emit(self.result)
        self.changed.emit()

    def _drop_run(self, expression: SpotExpression) -> None:
        """Cancel the run that is on, if these are its, and have no more to do with it."""
        if self.run is not None and self.run.expression is expression:
            self._runs.drop()
            self.run_changed.emit(None)

    def _end(self, run: Run, result: Result | None) -> None:
        if not self._runs.ended(run):
            return
        results = run.expression.results
        results.pop(maker(run.model), None)
        if result is not None:
            results[maker(run.model)] = result
        self._choose_gene()
        self.run_changed.emit(None)
        self.result_changed.emit(self.result)
        self.changed.emit()
