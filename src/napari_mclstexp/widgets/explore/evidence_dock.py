"""The dock "Evidence": click a spot to see the reference spots retrieved for it."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

import napari
import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtGui import QPixmap, QShowEvent
from qtpy.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

from ...analysis.evidence import Evidence, evidence, retrieved_by_section
from ...spots.schema import positions
from ..common.latest import Latest
from ..common.tabbing import join_docks
from ..common.theme import Scrolling, facts
from ..workspace import workspace_of

SHOWN, COLUMNS = 12, 3  # retrieved spots with a picture
NEAR_UM = 150.0  # a click farther from every spot means none of them
HINT = "Run a prediction, then click a spot to see the reference spots retrieved for it."


class EvidenceDock(QWidget):
    """Why a spot has the value it has.

    Attributes
    ----------
    spot
        Name of the spot that was clicked last, or "".
    """

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self.workspace = workspace_of(napari_viewer)
        self.spot = ""
        self.summary = facts(
            "The value, the reference spots it was predicted from, and how much they disagree"
        )
        self.summary.setTextFormat(Qt.TextFormat.RichText)
        self._latest = Latest[tuple[Evidence, str]](
            self, self.workspace.jobs, lambda found: self._show(*found)
        )
        self._cells: list[tuple[QLabel, QLabel]] = []
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.setContentsMargins(10, 8, 10, 8)
        layout.addWidget(self.summary)
        grid = QGridLayout()
        for place in range(SHOWN):
            picture, text = QLabel(), QLabel()
            picture.setToolTip("The tissue around a retrieved reference spot")
            text.setToolTip("Its section, its share of the value, and what was measured there")
            grid.addWidget(picture, place // COLUMNS * 2, place % COLUMNS)
            grid.addWidget(text, place // COLUMNS * 2 + 1, place % COLUMNS)
            self._cells.append((picture, text))
        layout.addLayout(grid)
        layout.addStretch(1)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(Scrolling(content))
        viewer, clicked = getattr(napari_viewer, "__wrapped__", napari_viewer), self._clicked
        viewer.mouse_drag_callbacks.append(clicked)
        # Not a method: Qt no longer calls those of an object that is destroyed.
        self.destroyed.connect(lambda: _forget(viewer, clicked))
        self.workspace.leaving.connect(self._leaving)
        self.workspace.shown.connect(self._explain)
        self._explain()

    @property
    def retrieved(self) -> list[str]:
        """What stands below the pictures, the largest weight first."""
        return [text.text() for _, text in self._cells if text.text()]

    def _clicked(self, viewer: Any, event: Any) -> Iterator[None]:
        """Take a click, not a drag, as the choice of the spot under it."""
        yield
        if event.type == "mouse_move":
            return
        self.choose(*event.position[-2:])

    def _leaving(self) -> None:
        self.spot = ""  # the next slide may have one of the same name

    def choose(self, y_um: float, x_um: float) -> None:
        """Explain the spot nearest to a place on the slide, in µm."""
        session = self.workspace.session
        spots, slide = session.spots, session.slide
        if spots is None or slide is None or not slide.um_per_px:
            return
        xy = positions(spots) * slide.um_per_px
        distance = np.hypot(xy[:, 0] - x_um, xy[:, 1] - y_um)
        nearest = int(np.argmin(distance))
        self.spot = str(spots.obs_names[nearest]) if distance[nearest] <= NEAR_UM else ""
        self._explain()

    def _explain(self, _: object = None) -> None:
        session = self.workspace.session
        result, model, gene = session.result, session.model, session.gene
        prediction = result.adata if result is not None else None
        spot = self.spot
        known = spot and prediction is not None and spot in prediction.obs_names
        if not known or result is None or prediction is None or model is None or gene is None:
            self._latest.forget()
            self._show(None, "")
        else:
            self._latest.ask(
                (model.id, result.id, spot, gene),
                lambda: (evidence(model, prediction, spot, gene), result.unit),
            )

    def _show(self, found: Evidence | None, unit: str) -> None:
        retrieved = found.retrieved if found is not None else ()
        for place, (picture, text) in enumerate(self._cells):
            spot = retrieved[place] if place < len(retrieved) else None
            pixmap = QPixmap()
            if spot is not None and spot.thumbnail:
                pixmap.loadFromData(spot.thumbnail)
            picture.setPixmap(pixmap)
            picture.setAccessibleName(f"Reference spot {spot.barcode}" if spot else "")
            text.setText(f"{spot.section}\n{spot.weight:.1%} · {spot.measured:.2f}" if spot else "")
        if found is None:
            self.summary.setText(HINT)
            return
        shares = ", ".join(
            f"{escape(s)} {share:.0%}" for s, share in retrieved_by_section(found).items()
        )
        agreement = (
            "They agree"
            if found.agreement > 0.7
            else "They agree in part"
            if found.agreement > 0.3
            else "They differ almost as much as reference spots picked at random"
        )
        self.summary.setText(
            f"<b>{escape(found.gene)} at {escape(found.spot)}: {found.value:.2f}</b> {escape(unit)}"
            f"<br>{len(found.retrieved)} retrieved spots ({shares}). {agreement}: spread "
            f"{found.spread:.2f}.<br>Those with the largest weights, with their share of the value "
            "and what was measured there:"
        )

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """Stand as a tab beside the other docks."""
        super().showEvent(event)
        join_docks(self.workspace.docks, self)
        self.workspace.docks.add(self)


def _forget(viewer: Any, callback: Any) -> None:
    if callback in viewer.mouse_drag_callbacks:
        viewer.mouse_drag_callbacks.remove(callback)
