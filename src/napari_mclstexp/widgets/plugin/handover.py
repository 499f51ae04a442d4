"""What a reader opened, travelling to the session on the layers that napari makes of it."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from qtpy.QtCore import QTimer

from ...errors import UserError
from ...scene.layer_specs import ExpressionHeatmap, ExpressionPoints, SlideLayer, SpotsLayer
from ...scene.resolve import scene
from ...session.session import Session
from ...spots.schema import Provenance
from ..layers.arguments import (
    Description,
    expression_arguments,
    heatmap_arguments,
    slide_arguments,
    spots_arguments,
)
from ..layers.slots import SLOTS

if TYPE_CHECKING:
    from anndata import AnnData

    from ...slides import Slide
    from ...spots import Tissue

METADATA = "mclstexp"


@dataclass(frozen=True, eq=False)
class Opened:
    """A slide, spots or a prediction that a reader opened, and the model meant for them."""

    slide: Slide | None = None
    spots: AnnData | None = None
    prediction: AnnData | None = None
    model: Path | None = None
    tissue: Tissue | None = None
    prediction_path: Path | None = None

    def with_tissue(self) -> Opened:
        """Return it with the tissue of its slide, which takes seconds on a large one.

        Raises
        ------
        UserError
            If the slide cannot be read; it is closed then.
        """
        from ...spots import find_tissue

        if self.slide is None or self.tissue is not None:
            return self
        try:
            tissue = find_tissue(self.slide)
            # The first look is at the coarsest level: read here, it is there when the window asks.
            self.slide.read_level(len(self.slide.levels) - 1, 0, 0, 1, 1)
        except BaseException:
            self.slide.close()
            raise
        return replace(self, tissue=tissue)

    def close(self) -> None:
        """Close its slide: nobody wants it any more."""
        if self.slide is not None:
            self.slide.close()

    def enter(self, session: Session) -> None:
        """Make it the session's.

        Raises
        ------
        UserError
            If it does not fit what is open already; a slide that does not fit is closed.
        """
        # A prediction comes with its slide only where none is open yet.
        if self.slide is not None and (self.prediction is None or session.slide is None):
            try:
                session.use_slide(self.slide, self.tissue)
            except UserError:
                self.slide.close()
                raise
        if self.spots is not None:
            session.use_spots(self.spots)
            session.shown.on_disk = (self.spots,)
        if self.prediction is not None:
            session.use_prediction(self.prediction)
            if self.prediction_path is not None:
                session.shown.came_from(self.prediction_path)


def read_opened_prediction(path: Path, with_slide: bool = True) -> Opened:
    """Read a prediction, and open the slide that it was made on if it still is where it was."""
    from ...inference.prediction_io import read_prediction
    from ...slides import open_slide

    prediction = read_prediction(path)
    slide = Path(Provenance.read(prediction).slide or "")
    found = with_slide and slide.is_file()
    return Opened(open_slide(slide) if found else None, prediction=prediction, prediction_path=path)


def layer_data(opened: Opened) -> list[tuple[Any, dict[str, Any], str]]:
    """Return what napari makes layers of, as a session would draw it."""
    session = Session()
    opened.enter(session)
    drawn = scene(session)
    tuples = []
    for slot in SLOTS:
        description: Description | None = getattr(drawn, slot)
        if description is None:
            continue
        arguments, kind = _arguments(description)
        data = arguments.pop("data")
        arguments["units"] = (drawn.unit, drawn.unit)
        arguments["metadata"] = {METADATA: opened}
        tuples.append((data, arguments, kind))
    return tuples


def _arguments(description: Description) -> tuple[dict[str, Any], str]:
    if isinstance(description, SlideLayer):
        return slide_arguments(description), "image"
    if isinstance(description, SpotsLayer):
        return spots_arguments(description), "points"
    if isinstance(description, ExpressionHeatmap):
        return heatmap_arguments(description), "image"
    assert isinstance(description, ExpressionPoints)  # a fresh session blends nothing
    return expression_arguments(description), "points"


class Arrivals:
    """Takes layers that a reader of this plugin made over into the session, which draws its own.

    They come from viewers without docks, and from File > Open Sample.

    Parameters
    ----------
    viewer
        Whose layers to watch; those that are there already count too.
    take_in
        Called with what was opened, as soon as it came, and with what makes its layers go.
    """

    def __init__(self, viewer: Any, take_in: Callable[[Opened, Callable[[], None]], None]) -> None:
        self._viewer = weakref.ref(viewer)
        self._take_in = take_in
        self._taken: WeakSet[Opened] = WeakSet()
        # napari adds the layers of one file one after the other: look when it is through.
        self._timer = QTimer()
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._deliver)
        viewer.layers.events.inserted.connect(self._inserted)
        self._timer.start(0)

    def _inserted(self, event: Any) -> None:
        if METADATA in event.value.metadata:
            self._timer.start(0)

    def _deliver(self) -> None:
        for _, opened in self._standing():
            if opened not in self._taken:
                self._taken.add(opened)
                self._take_in(opened, partial(self._remove, opened))

    def _remove(self, opened: Opened) -> None:
        viewer = self._viewer()
        for layer, whose in self._standing():
            if whose is opened and viewer is not None:
                viewer.layers.remove(layer)

    def _standing(self) -> list[tuple[Any, Opened]]:
        """Return the readers' layers in the viewer, each with what was opened."""
        viewer = self._viewer()
        layers = [] if viewer is None else list(viewer.layers)
        found = [(layer, layer.metadata.get(METADATA)) for layer in layers]
        return [(layer, opened) for layer, opened in found if isinstance(opened, Opened)]
