"""The places on the open slides that are most like a spot or a region: a ranked list, and a map."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from ...analysis.region_edits import find, flat
from ...analysis.similar_places import MOST, By, Similar
from ...errors import SettingsError, SlideError
from ...session.similar_search import SimilarSearch, can_search, prepare_search
from ...spots.schema import positions
from ..common.background_jobs import ANALYSIS
from ..common.canvas_clicks import when_clicked
from ..common.contact_view import ContactView
from ..common.notify import tell, told
from ..common.theme import facts
from ..common.words import tr

if TYPE_CHECKING:
    from ...slides import Slide
    from ..workspace import Workspace

PICTURE, AROUND = 84, 2.0  # px of a picture, and pitches of the spots that it shows
ACROSS = 12  # pitches that are seen around a place that one goes to
HOW = {
    "image": ("How the tissue looks", "Compare the image features that the model reads"),
    "expression": ("Its expression", "Compare all genes, predicted or else measured, alike"),
}
SPOT = "spot"


class SimilarPanel(QWidget):
    """Chooses a place, searches, and shows what was found.

    Parameters
    ----------
    viewer, workspace
        Where it is.
    """

    def __init__(self, viewer: Any, workspace: Workspace) -> None:
        super().__init__()
        self.workspace = workspace
        self._picked = ""  # the spot that was clicked last, as it was seen here
        self.place = QComboBox()
        self.place.setToolTip(
            tr("The place that others are compared with; a click on a spot takes it")
        )
        self.place.setAccessibleName(tr("Place"))
        self.by = QComboBox()
        for key, (label, tooltip) in HOW.items():
            self.by.addItem(label, key)
            self.by.setItemData(self.by.count() - 1, tooltip, Qt.ItemDataRole.ToolTipRole)
        self.by.setToolTip(tr("What is compared"))
        self.by.setAccessibleName(tr("Compare"))
        self._wanted = "image"
        self.everywhere = QCheckBox(tr("On all open slides"))
        self.everywhere.setToolTip(tr("Search the other open slides as well"))
        self.everywhere.setChecked(True)
        self.most = QSpinBox()
        self.most.setRange(1, 200)
        self.most.setValue(MOST)
        self.most.setToolTip(tr("How many places to list of each slide"))
        self.most.setAccessibleName(tr("Places of each slide"))
        self.search = QPushButton(tr("Find similar places"))
        self.search.setToolTip(
            tr("List the places most like this one, and colour every spot by it")
        )
        self.say = facts(tr("What was searched, and what was left out"))
        self.say.setAccessibleName(tr("What was found"))
        self.found = ContactView("The most similar places; a click goes there", PICTURE, lines=2)
        self.found.setAccessibleName(tr("Similar places"))
        self._search: SimilarSearch | None = None
        self._similar: Similar | None = None
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow("Like", self.place)
        form.addRow("By", self.by)
        row = QHBoxLayout()
        row.addWidget(self.everywhere)
        row.addStretch(1)
        row.addWidget(QLabel(tr("Of each slide")))
        row.addWidget(self.most)
        column = QVBoxLayout(self)
        column.addLayout(form)
        column.addLayout(row)
        column.addWidget(self.search)
        column.addWidget(self.say)
        column.addWidget(self.found, 1)
        column.addStretch(0)
        self.search.clicked.connect(self.start)
        self.found.picked.connect(self._go)
        self.by.activated.connect(self._by_chosen)
        self.place.activated.connect(lambda _: self._show_buttons())
        when_clicked(viewer, self._clicked)
        workspace.shown.connect(self._show_scene)
        workspace.layers.regions.selection_changed.connect(self._region_selected)
        self._show_scene()

    def start(self) -> None:
        """Search in the background, and show what is found."""
        session = self.workspace.session
        with told():
            chosen = self.place.currentData()
            region = None
            if chosen and chosen != SPOT:
                region = find(flat(session.annotations.regions), chosen)
            search = prepare_search(
                session,
                cast(By, self.by.currentData()),
                spot=self.spot if chosen == SPOT else "",
                region=region,
                most=self.most.value(),
                everywhere=self.everywhere.isChecked(),
            )
            readers = [each.slide for each in search.opened]
            diameters = [each.expression.spacing_px * AROUND for each in search.opened]
            self.search.setEnabled(False)
            self.workspace.jobs.load(
                "Searching similar places",
                lambda: _searched(search, readers, diameters),
                lambda found: self._take(search, *found),
                self._failed,
                ANALYSIS,
            )

    def _take(
        self, search: SimilarSearch, found: Similar, pictures: list[NDArray[np.uint8]]
    ) -> None:
        self._search, self._similar = search, found
        keys = [str(rank) for rank in range(len(found.places))]
        captions = {
            key: f"{each.similarity:.2f}\n{_short(search.slides[each.slide].name)}"
            for key, each in zip(keys, found.places, strict=True)
        }
        self.found.show_pictures(dict(zip(keys, pictures, strict=True)), captions)
        where = "1 slide" if len(search.slides) == 1 else f"{len(search.slides)} slides"
        text = (
            f"{len(found.places):,} places like {search.what} on {where}, the most similar first. "
            "1 is the same direction from the average place, 0 has nothing in common."
        )
        self.say.setText(" ".join((text, *search.left_out)))
        search.show(self.workspace.session, found)
        self._show_buttons()

    def _failed(self, error: BaseException) -> None:
        self._show_buttons()
        tell(error)

    def _go(self, key: str) -> None:
        if self._search is None or self._similar is None:
            return
        place = self._similar.places[int(key)]
        opened, slide = self._search.opened[place.slide], self._search.slides[place.slide]
        session = self.workspace.session
        with told():
            if opened not in session.open_slides:
                raise SettingsError("That slide was closed; open it again, and search again.")
            # The canvas rings it; the place that was asked for stays what it was.
            opened.picked = self._picked = slide.spots[place.spot]
            session.select(opened)
            session.changed.emit()
            x, y = slide.xy[place.spot]
            wide = ACROSS * (opened.expression.spacing_px or 100.0)
            scale = session.um_per_px or 1.0
            self.workspace.layers.look_at((y * scale, x * scale), wide * scale)

    def _by_chosen(self) -> None:
        self._wanted = self.by.currentData()

    # -- the place -----------------------------------------------------------------------------

    @property
    def spot(self) -> str:
        """Name of the spot that was clicked last on the shown slide, or ""."""
        return self.workspace.session.shown.picked

    def choose_spot(self, spot: str) -> None:
        """Take a spot of the shown slide as the place."""
        session = self.workspace.session
        session.shown.picked = self._picked = spot
        session.changed.emit()  # the canvas shows a ring around it
        self._offer()
        self.place.setCurrentIndex(max(0, self.place.findData(SPOT)))
        self._show_buttons()

    def choose_region(self, region_id: str) -> None:
        """Take a region of the shown slide as the place."""
        self._offer()
        if (at := self.place.findData(region_id)) >= 0:
            self.place.setCurrentIndex(at)
        self._show_buttons()

    def _clicked(self, viewer: Any, event: Any) -> Iterator[None]:
        """Take a click, not a drag, as the choice of the spot under it."""
        yield
        layer = viewer.layers.selection.active
        panning = str(getattr(layer, "mode", "pan_zoom")) == "pan_zoom"
        if event.type == "mouse_move" or not self.isVisible() or not panning:
            return
        session = self.workspace.session
        if session.spots is None:
            return
        scale = session.um_per_px or 1.0
        y, x = event.position[-2:]
        away = positions(session.spots) - np.array([x, y]) / scale
        distance = np.hypot(away[:, 0], away[:, 1])
        nearest = int(np.argmin(distance))
        if distance[nearest] <= (session.expression.spacing_px or np.inf):
            self.choose_spot(str(session.spots.obs_names[nearest]))

    def _region_selected(self, ids: tuple[str, ...]) -> None:
        if len(ids) == 1:
            self.choose_region(ids[0])

    def _show_scene(self, _: object = None) -> None:
        self._offer()
        if self.spot != self._picked:  # clicked on for another dock
            self._picked = self.spot
            if self.spot:
                self.place.setCurrentIndex(max(0, self.place.findData(SPOT)))
        self._show_buttons()

    def _offer(self) -> None:
        regions = flat(self.workspace.session.annotations.regions)
        wanted = [(SPOT, f"Spot {self.spot}" if self.spot else "Click on a spot of the tissue")]
        wanted += [(each.id, each.name) for each in regions]
        there = [
            (self.place.itemData(i), self.place.itemText(i)) for i in range(self.place.count())
        ]
        if wanted != there:
            kept = self.place.currentData()
            self.place.clear()
            for key, text in wanted:
                self.place.addItem(text, key)
            self.place.setCurrentIndex(max(0, self.place.findData(kept)))

    def _show_buttons(self) -> None:
        session = self.workspace.session
        able = {key: can_search(session, cast(By, key)) for key in HOW}
        model = self.by.model()
        for row, key in enumerate(HOW):
            model.item(row).setEnabled(able[key])
        wanted = self._wanted if able[self._wanted] or not any(able.values()) else "expression"
        self.by.setCurrentIndex(self.by.findData(wanted))
        chosen = self.place.currentData() != SPOT or bool(self.spot)
        self.search.setEnabled(chosen and any(able.values()))


def _searched(
    search: SimilarSearch, slides: list[Slide | None], diameters: list[float]
) -> tuple[Similar, list[NDArray[np.uint8]]]:
    """Return what is found, and a picture of each place."""
    found = search.run()
    pictures = []
    for each in found.places:
        x, y = search.slides[each.slide].xy[each.spot]
        pictures.append(
            place_picture(slides[each.slide], (float(x), float(y)), diameters[each.slide])
        )
    return found, pictures


def place_picture(
    slide: Slide | None, xy: tuple[float, float], wide_px: float
) -> NDArray[np.uint8]:
    """Return the tissue around a place as a square picture; grey where it cannot be read."""
    grey = np.full((PICTURE, PICTURE, 3), 128, dtype=np.uint8)
    if slide is None:
        return grey
    wide = wide_px or 200.0
    try:
        return slide.read_downsampled(
            xy[0] - wide / 2, xy[1] - wide / 2, PICTURE, PICTURE, wide / PICTURE
        )
    except (SlideError, SettingsError):  # it was closed meanwhile
        return grey


def _short(name: str, letters: int = 10) -> str:
    """Return a slide's name, cut in the middle so that names still differ."""
    stem = (name.rpartition(".")[0] or name).removesuffix(".ome")
    if len(stem) <= letters:
        return stem
    return f"{stem[: letters // 2]}…{stem[-(letters - letters // 2 - 1) :]}"
