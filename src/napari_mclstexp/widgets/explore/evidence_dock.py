"""The dock "Evidence": click a spot to see the reference spots that its value is made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import Any

import napari
import numpy as np
from napari.utils.notifications import show_info
from numpy.typing import NDArray
from qtpy.QtCore import Qt
from qtpy.QtGui import QImage, QPixmap
from qtpy.QtWidgets import QLabel

from ...analysis.evidence import Evidence, RetrievedSpot, evidence, retrieved_by_section
from ...analysis.prediction_result import Result
from ...inference.patches import patch_around
from ...session.display import ENDS
from ...session.find_spot import find_spot
from ...spots.schema import positions
from ..common.canvas_clicks import when_clicked
from ..common.dock import Dock
from ..common.latest import Latest
from ..common.theme import facts, gene_links, when_theme_changes
from ..common.words import tr
from ..frame.gene_link import show_gene
from .spot_pictures import SpotPictures

SHOWN = 12  # reference spots with a picture
EACH_WAY = 6  # of those that raised a value, and of those that lowered it
ALIKE = 1.2  # times the smallest weight: none above that
SEEN_UM = 1500.0  # of tissue, from top to bottom, around a reference spot that is gone to
NEAR_UM = 150.0  # a click farther from every spot means none of them
HINT = (
    "Run a prediction and choose a gene, then click a spot to see the reference spots that its "
    "value is made of."
)


class EvidenceDock(Dock):
    """Why a spot has the value it has."""

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__(napari_viewer)
        self.summary = facts(tr("The value, and the reference spots that it is made of"))
        self.summary.setTextFormat(Qt.TextFormat.RichText)
        self.summary.setTextInteractionFlags(Qt.TextInteractionFlag.TextBrowserInteraction)
        self.summary.linkActivated.connect(lambda gene: show_gene(self.workspace.session, gene))
        self.patch = QLabel()
        self.patch.setAccessibleName(tr("The tissue around the spot"))
        self._latest = Latest[Explained](self, self.workspace.jobs, self._show)
        self._more = SpotPictures(SHOWN, self._go_to)
        self._less = SpotPictures(EACH_WAY, self._go_to)
        self.stack(self.summary, self.patch, self._more, self._less)
        when_clicked(napari_viewer, self._clicked)
        self.workspace.shown.connect(self._explain)
        when_theme_changes(self._explain_anew)
        self._explain()

    @property
    def spot(self) -> str:
        """Name of the spot that was clicked last on the shown slide, or ""."""
        return self.workspace.session.shown.picked

    @spot.setter
    def spot(self, name: str) -> None:
        session = self.workspace.session
        session.shown.picked = name
        session.changed.emit()  # the canvas shows a ring around it

    @property
    def retrieved(self) -> list[str]:
        """What stands below the pictures: of what was retrieved, or of what raised the value."""
        return self._more.texts

    @property
    def lowering(self) -> list[str]:
        """What stands below the pictures of the spots that lowered the value."""
        return self._less.texts

    def _clicked(self, viewer: Any, event: Any) -> Iterator[None]:
        """Take a click, not a drag, as the choice of the spot under it."""
        yield
        if event.type == "mouse_move":
            return
        self.choose(*event.position[-2:])

    def choose(self, y_um: float, x_um: float) -> None:
        """Explain the spot nearest to a place on the slide, in µm."""
        session = self.workspace.session
        spots, slide = session.spots, session.slide
        if spots is None or slide is None or not slide.um_per_px:
            return
        xy = positions(spots) * slide.um_per_px
        distance = np.hypot(xy[:, 0] - x_um, xy[:, 1] - y_um)
        nearest = int(np.argmin(distance))
        near = distance[nearest] <= NEAR_UM
        self.spot = str(spots.obs_names[nearest]) if near else ""

    def _explain_anew(self) -> None:
        """Write the links in the theme of the moment."""
        self._latest.forget()
        self._explain()

    def _explain(self, _: object = None) -> None:
        session = self.workspace.session
        result, model, gene = session.result, session.model, session.gene
        prediction = result.adata if result is not None else None
        spot = self.spot
        known = spot and prediction is not None and spot in prediction.obs_names
        if not known or result is None or prediction is None or model is None or gene not in result:
            self._latest.forget()
            self._show(None)
        else:
            assert gene is not None
            slide, place = session.slide, prediction.obs_names.get_loc(spot)
            x, y = positions(prediction)[place]

            def work() -> Explained:
                found = evidence(model, prediction, spot, gene)
                pixels = None if slide is None else patch_around(slide, (x, y), model.config)
                return Explained(found, _unit(result, spot, gene), pixels)

            self._latest.ask((model.id, result.id, spot, gene), work)

    def _go_to(self, spot: RetrievedSpot) -> None:
        """Show where a reference spot is, on its section if that is open."""
        session = self.workspace.session
        found = find_spot(session, spot.section, spot.barcode)
        if found is None:
            show_info(
                f"The section {spot.section} is not open. Open its slide with its spots to go to "
                f"spot {spot.barcode}."
            )
            return
        opened, (x, y) = found
        session.select(opened)
        scale = opened.um_per_px or 1.0
        self.workspace.layers.look_at((y * scale, x * scale), SEEN_UM)

    def _show(self, explained: Explained | None) -> None:
        self.patch.setVisible(explained is not None and explained.patch is not None)
        if explained is None:
            self._more.show_spots((), "", share=True)
            self._less.show_spots((), "", share=True)
            self.summary.setText(HINT)
            return
        found, unit = explained.evidence, explained.unit
        if explained.patch is not None:
            self.patch.setPixmap(_pixmap(explained.patch))
        share = found.head == "contrastive"
        if share:
            title = "Those with the largest weights: share of the value, and what was measured"
            self._more.show_spots(found.retrieved[:SHOWN], title, share=True)
            self._less.show_spots((), "", share=True)
        else:
            shown = ((self._more, found.raising, "raised"), (self._less, found.lowering, "lowered"))
            for part, spots, did in shown:
                title = f"{len(spots):,} {did} it; most of all, with what was measured there:"
                part.show_spots(spots[:EACH_WAY], title, share=False)
        shares = ", ".join(
            f"{escape(s)} {part:.0%}" for s, part in retrieved_by_section(found).items()
        )
        self.summary.setText(
            f"<b>{gene_links([found.gene])} at {escape(found.spot)}: {found.value:.2f}</b> "
            f"{escape(unit)}"
            f"<br>{escape(found.sentence())} {_agreement(found)} {_alike(found)}"
            f"<br>By section: {shares}."
        )


@dataclass(frozen=True, eq=False)
class Explained:
    """What is shown of a spot: its evidence, the unit, and the (h, w, 3) tissue around it."""

    evidence: Evidence
    unit: str
    patch: NDArray[np.uint8] | None


def _pixmap(pixels: NDArray[np.uint8]) -> QPixmap:
    height, width = pixels.shape[:2]
    whole = np.ascontiguousarray(pixels)
    image = QImage(whole.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888)
    return QPixmap.fromImage(image)


def _alike(found: Evidence) -> str:
    """Say so where no reference spot weighs more than the others: it is no near match then."""
    weights = [each.weight for each in found.retrieved]
    if found.head != "contrastive" or len(weights) < 2 or max(weights) > ALIKE * min(weights):
        return ""
    return (
        "<b>All weigh nearly the same</b>: no reference spot stands out as like this tissue, and "
        "the value is close to their plain mean."
    )


def _agreement(found: Evidence) -> str:
    """Return how much the spots agree, where the value is a mean of what they say."""
    if not np.isfinite(found.agreement):
        return ""
    agreement = (
        "They agree"
        if found.agreement > 0.7
        else "They agree in part"
        if found.agreement > 0.3
        else "They differ almost as much as reference spots picked at random"
    )
    return f"{agreement}: spread {found.spread:.2f}."


def _unit(result: Result, spot: str, gene: str) -> str:
    """Return the unit of a value, and between what it may lie where that is known."""
    lower, upper = (result.layer_values(end, gene) for end in ENDS)
    if lower is None or upper is None or result.adata is None:
        return result.unit
    row = result.adata.obs_names.get_loc(spot)
    share = "" if result.interval is None else f", {result.interval:.0%}"
    return f"({lower[row]:.2f} to {upper[row]:.2f}{share}) {result.unit}"
