"""What is open and what is shown: the one state that every widget reads and writes.

It knows no screen. All of it belongs to one thread (the window's): workers hand their reports to
that thread, which passes them to :attr:`Session.runs`. What is read from files is read elsewhere:
by a worker, or by :mod:`napari_mclstexp.scripting.actions`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from psygnal import Signal

from ..analysis.prediction_result import Result, bare_spots, check_slide
from ..spots.schema import Provenance
from .annotations import Annotations
from .display import Display, Quantity, available, changed, resolve
from .history import UndoHistory
from .open_slide import OpenSlide
from .prediction_run import Run, Runs
from .spot_expression import Source, SpotExpression, maker

if TYPE_CHECKING:
    from pathlib import Path

    from anndata import AnnData

    from ..model import Model
    from ..slides import Slide
    from ..spots import Tissue


class Session:
    """The open slides, which of them is shown, the chosen model, and how they are shown.

    Each :class:`OpenSlide` has its own spots, results and work, as they were left when it is
    selected again. The model and the display are of all slides.

    A result is kept with the model that made it and dropped with the spots it was made on, so
    that :attr:`result` can never belong to another slide, other spots or another model than the
    ones that are selected. What fails leaves the session as it was.

    Attributes
    ----------
    open_slides
        In the order in which they were opened; never none.
    shown
        The one of them that is shown.
    model, display
        The chosen model, or None, and how things are drawn.
    runs
        Predictions: begins one, and takes in what its worker reports.

    Signals
    -------
    slide_changed, spots_changed, model_changed, result_changed, display_changed
        The new value (`Slide`, `AnnData`, `Model`, `Result`, `Display`), or None.
        `slide_changed` also tells of a new scale.
    annotations_changed
        The `OpenSlide` whose annotations, or steps to undo, are others by an edit.
    leaving
        Another slide is about to be shown, or this one closed, and is still there and readable.
    changed
        Anything that :func:`napari_mclstexp.scene.resolve.scene` looks at; after the others.
    """

    slide_changed = Signal(object)
    spots_changed = Signal(object)
    model_changed = Signal(object)
    result_changed = Signal(object)
    display_changed = Signal(object)
    annotations_changed = Signal(object)
    leaving = Signal()
    changed = Signal()

    def __init__(self) -> None:
        self.shown = OpenSlide()
        self.open_slides: tuple[OpenSlide, ...] = (self.shown,)
        self.model: Model | None = None
        self.display = Display()
        self.runs = Runs(lambda: (self.shown, self.model))
        self.runs.results_changed.connect(self._results_changed)
        self.runs.filled.connect(self._filled)

    @property
    def slide(self) -> Slide | None:
        """The slide that is shown, or None."""
        return self.shown.slide

    @property
    def spots(self) -> AnnData | None:
        """Its spots, or None."""
        return self.shown.spots

    @property
    def expression(self) -> SpotExpression:
        """Counts and results of the spots."""
        return self.shown.expression

    @property
    def um_per_px(self) -> float | None:
        """µm per level-0 px of the slide (of the spots, where there is no slide), if known."""
        return self.shown.um_per_px

    @property
    def tissue(self) -> Tissue | None:
        """The tissue of the slide, found when first asked for; None without a slide."""
        return self.shown.tissue

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
            opened = self._new()
            opened.take_slide(slide, tissue)
            self.open_slides = (*self.open_slides, opened)
            self.select(opened)

    def take_in(self, opened: Sequence[OpenSlide], shown: OpenSlide) -> None:
        """Put slides beside those that are open, in place of any that is open already; show one."""
        paths = [each.slide.path for each in opened if each.slide is not None]
        gone = [old for old in self.open_slides if old.slide is None or any(map(old.is_at, paths))]
        self.leaving.emit()
        self.open_slides = (*(each for each in self.open_slides if each not in gone), *opened)
        for each in gone:
            self.runs.drop(each.expression)
        if self.model is not None:  # without one, each shows the result it came with
            for each in opened:
                each.expression.choose(self.model)
        self._show(shown)
        for slide in [each.slide for each in gone if each.slide is not None]:
            self.runs.close(slide)

    def open_slide_at(self, path: Path) -> OpenSlide | None:
        """Return the open slide of a file, or None."""
        return next((each for each in self.open_slides if each.is_at(path)), None)

    def select(self, opened: OpenSlide) -> None:
        """Show another of :attr:`open_slides` as it was left; a run goes on behind it."""
        if opened is not self.shown:
            self.leaving.emit()
            self._show(opened)

    def select_next(self) -> None:
        """Show the next of :attr:`open_slides`, after the last one the first."""
        following = self.open_slides.index(self.shown) + 1
        self.select(self.open_slides[following % len(self.open_slides)])

    def close_slide(self, opened: OpenSlide | None = None) -> None:
        """Close a slide with what depends on it, by default the shown one; its run is cancelled.

        In place of the shown one, the one before it is shown.
        """
        opened = opened or self.shown
        slide, shown = opened.slide, opened is self.shown
        if opened not in self.open_slides or (slide is None and len(self.open_slides) == 1):
            return
        if shown:
            self.leaving.emit()
        self.runs.drop(opened.expression)
        place = self.open_slides.index(opened)
        left = tuple(each for each in self.open_slides if each is not opened)
        self.open_slides = left or (self._new(),)
        if shown:
            self._show(self.open_slides[max(place - 1, 0)])
        else:
            self.changed.emit()
        if slide is not None:
            self.runs.close(slide)

    def set_um_per_px(self, um_per_px: float) -> None:
        """Set the slide's scale as the person states it; results end, read at another one.

        Raises
        ------
        SettingsError
            If it is not above 0, there is no slide, or a run is on.
        """
        self.runs.refuse_second()
        self.shown.set_um_per_px(um_per_px)
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
        for opened in self.open_slides:
            opened.expression.choose(model)
        self.model_changed.emit(model)
        self._results_changed()

    # -- runs and results ----------------------------------------------------------------------

    @property
    def run(self) -> Run | None:
        """The run that is on; one that was cancelled is on until its worker has ended."""
        return self.runs.current

    @property
    def result(self) -> Result | None:
        """The result of the chosen model on these spots, complete or filling in, or None."""
        return self.expression.result

    def use_prediction(self, prediction: AnnData) -> Result:
        """Show a prediction that was made earlier, with its spots in place of those before.

        Raises
        ------
        SpotsError
            If it was made on another slide than the open one.
        """
        if self.slide is not None:
            check_slide(prediction, self.slide)
        self._take_spots(spots := bare_spots(prediction), Provenance.read(prediction).um_per_px)
        self.shown.on_disk = (spots, prediction)
        return self.take_result(prediction)

    def take_result(self, prediction: AnnData) -> Result:
        """Show a prediction that was made earlier on the very spots that are there.

        The chosen model stays chosen only if it is the one that made it.

        Raises
        ------
        SpotsError
            If it was made on other spots.
        """
        result = self.shown.take_result(prediction)
        if self.model is not None and self.model.made(result.model_id):
            self.expression.take(result, maker(self.model))  # a former id is the model's too
        elif self.model is not None:
            self.use_model(None)
            self.expression.take(result)
        self._results_changed()
        return result

    # -- work and display ----------------------------------------------------------------------

    @property
    def annotations(self) -> Annotations:
        """Regions, domains, signatures and notes of the slide that is shown."""
        return self.shown.annotations

    def edit(self, what: str, on: OpenSlide | None = None, **changes: Any) -> None:
        """Change annotations of a slide, by default the shown one, by a step that can be undone.

        A slide that was closed meanwhile is left alone, and what changes nothing is no step:
        ``session.edit("Rename a domain", domains=...)``.
        """
        opened = on or self.shown
        if opened in self.open_slides:
            self._go_on_with(opened.history.edited(what, **changes), opened)

    def undo(self) -> None:
        """Take the last step on the shown slide back, if there is one."""
        self._go_on_with(self.shown.history.undone(), self.shown)

    def redo(self) -> None:
        """Do the step again that was taken back, if there is one."""
        self._go_on_with(self.shown.history.redone(), self.shown)

    def show(self, **changes: Any) -> None:
        """Change fields of :class:`Display`: ``session.show(gene="FASN", style="heatmap")``."""
        display = changed(self.display, self.annotations.domains is not None, **changes)
        if display != self.display:
            self.display = display
            self._choose_gene()
            self.display_changed.emit(self.display)
            self.changed.emit()

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """The quantities that can be chosen now."""
        result, measured = self.result, self.expression.has_measured
        if result is None:
            return available(False, measured)
        return available(True, measured, result.has_uncertainty, result.has_interval)

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

    def _new(self) -> OpenSlide:
        """Return another slide's place, with the signatures that are shown."""
        return OpenSlide(maker(self.model), Annotations(signatures=self.annotations.signatures))

    def _go_on_with(self, history: UndoHistory, opened: OpenSlide) -> None:
        if history is not opened.history:
            opened.go_on_with(history)
            self._choose_gene()
            self.annotations_changed.emit(opened)
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
        before, annotations = self.expression, self.annotations
        self.shown.take_spots(spots, um_per_px)
        self.runs.drop(before)
        self.expression.chosen = maker(self.model)
        if self.annotations is not annotations:
            self.annotations_changed.emit(self.shown)
        if self.shown.calibrate():
            self.slide_changed.emit(self.slide)
        self._choose_gene()
        self.spots_changed.emit(spots)
        self.result_changed.emit(None)

    def _show(self, opened: OpenSlide) -> None:
        """Show another slide in place of the present one, and say so."""
        self.shown = opened
        self.slide_changed.emit(self.slide)
        self.spots_changed.emit(self.spots)
        self._results_changed()

    def _results_changed(self) -> None:
        self._choose_gene()
        self.result_changed.emit(self.result)
        self.changed.emit()

    def _filled(self, run: Run) -> None:
        if self.result is run.result:
            self.changed.emit()
