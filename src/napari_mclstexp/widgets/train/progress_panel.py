"""How a training goes: curves, and the held-out section's map filling in as it learns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from qtpy.QtWidgets import QLabel, QProgressBar, QVBoxLayout, QWidget

from ...progress import Estimate, HeldOutMap, TrainingPoint
from ...training.events import Done, Event, StepsDone
from ..common.theme import colour, facts
from ..common.words import tr

HEIGHT = 130
DOT_PX = 6


class TrainProgress(QWidget):
    """A bar, two curves and two maps; hidden until a training says something."""

    def __init__(self) -> None:
        super().__init__()
        self.estimate = facts(tr("Estimated time and memory, measured just before training starts"))
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(8)
        self.bar.setToolTip(tr("Progress of the training"))
        self.status = QLabel("")
        self.status.setWordWrap(True)
        self.status.setToolTip(tr("What is being done"))
        self.curves = self._plot("Loss (blue, falls) and the held-out section's mean PCC (orange)")
        self.maps = self._plot(
            "The best predicted gene of the held-out section: measured, predicted"
        )
        self.maps.setAspectLocked(True)
        self.maps.invertY(True)
        for axis in ("left", "bottom"):
            self.maps.hideAxis(axis)
        self.told = facts(tr("Which gene is drawn"))
        self._points: list[TrainingPoint] = []
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        for each in (self.estimate, self.bar, self.status, self.curves, self.maps, self.told):
            layout.addWidget(each)
        self.begin()
        self.hide()

    def begin(self) -> None:
        """Forget what was shown of another training."""
        self._points = []
        self.bar.setRange(0, 0)
        self.curves.clear()
        self.maps.clear()
        for each in (self.estimate, self.told):
            each.setText("")
        self.status.setText(tr("Preparing"))
        self.curves.hide()  # a linear head has none: it is computed at once
        self.maps.hide()
        self.show()

    def show_events(self, events: Sequence[Event]) -> None:
        """Show what came since the last look; of several of a kind, the last."""
        new = [event for event in events if isinstance(event, TrainingPoint)]
        self._points += new
        for event in {type(event): event for event in events}.values():
            match event:
                case Estimate():
                    self.estimate.setText(str(event))
                case StepsDone():
                    self.bar.setRange(0, max(1, event.total))
                    self.bar.setValue(event.done)
                    self.status.setText(_of_all(event))
                case HeldOutMap():
                    self._draw_map(event)
                case Done():
                    self.bar.setRange(0, 1)
                    self.bar.setValue(1)
        if new:
            self._draw_curves()

    def say(self, text: str) -> None:
        """Show a line instead of the progress."""
        self.status.setText(text)

    def _draw_curves(self) -> None:
        self.curves.show()
        self.curves.clear()
        epochs = [point.epoch for point in self._points]
        loss = np.array([point.loss for point in self._points])
        # Both in one picture: each loss as a share of the first.
        share = loss / loss[0] if loss[0] else loss
        self.curves.plot(epochs, share, pen=pg.mkPen("#5b9bd5", width=2), name="loss / first")
        known = [p for p in self._points if p.held_out_pcc is not None]
        if known:
            self.curves.plot(
                [p.epoch for p in known],
                [p.held_out_pcc for p in known],
                pen=pg.mkPen("#e08a3c", width=2),
                name="held-out PCC",
            )

    def _draw_map(self, event: HeldOutMap) -> None:
        self.maps.show()
        self.maps.clear()
        xy = event.xy
        width = np.ptp(xy[:, 0]) * 1.15 or 1.0
        colours = pg.colormap.get("viridis")
        for shift, values in ((0.0, event.measured), (width, event.predicted)):
            low, high = np.nanmin(values), np.nanmax(values)
            scaled = np.nan_to_num((values - low) / (high - low if high > low else 1.0))
            brushes = [pg.mkBrush(each) for each in colours.mapToQColor(scaled)]
            self.maps.addItem(
                pg.ScatterPlotItem(
                    x=xy[:, 0] + shift, y=xy[:, 1], size=DOT_PX, pen=None, brush=brushes
                )
            )
        self.told.setText(
            f"{event.gene} on {event.section}: measured left, predicted right, PCC {event.pcc:.2f}"
        )

    @staticmethod
    def _plot(tooltip: str) -> pg.PlotWidget:
        plot = pg.PlotWidget(background=colour("background"))
        plot.setToolTip(tooltip)
        plot.setFixedHeight(HEIGHT)
        plot.setMouseEnabled(x=False, y=False)
        plot.setMenuEnabled(False)
        plot.hideButtons()
        plot.addLegend(offset=(-5, 5), labelTextSize="8pt") if "Loss" in tooltip else None
        return plot


def _of_all(event: StepsDone) -> str:
    """Return what is being done; of steps, it says itself how far it is."""
    if event.unit == "steps":
        return event.what
    return f"{event.what}: {event.done:,} of {event.total:,} {event.unit}"
