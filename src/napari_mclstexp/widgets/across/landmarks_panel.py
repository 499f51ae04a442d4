"""Landmarks between two open slides: placed in turn on both, and how well the pairs fit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtGui import QHideEvent, QShowEvent
from qtpy.QtWidgets import (
    QComboBox,
    QFormLayout,
    QGridLayout,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from ...analysis.registration import (
    FEWEST,
    LandmarkPair,
    Registration,
    landmark_table,
    read_landmarks,
)
from ...errors import SettingsError, UserError
from ...session.slide_landmarks import (
    bring_regions,
    bring_spots,
    landmarks_between,
    registration_between,
    set_landmarks,
    without_children_of_chosen,
)
from ..common import dialogs
from ..common.canvas_clicks import when_clicked
from ..common.notify import told
from ..common.theme import facts
from ..common.words import tr
from ..explore.domains_dock import write_table
from .landmark_words import HEADS, how_they_fit, pair_rows
from .slide_marks import Marks

if TYPE_CHECKING:
    from ...session.open_slide import OpenSlide
    from ..workspace import Workspace

MARK_PX = 15.0  # of the screen
NEAR_UM = 1500.0  # how much is seen around a landmark that one goes to


class LandmarksPanel(QWidget):
    """Places pairs, fits the map, and brings regions and spots across.

    Parameters
    ----------
    viewer, workspace
        Where it is.
    """

    def __init__(self, viewer: Any, workspace: Workspace) -> None:
        super().__init__()
        self.workspace = workspace
        self.marks = Marks(viewer, workspace, "Landmarks")
        self._here: OpenSlide | None = None  # while pairs are placed: where each begins
        self._waiting: tuple[float, float] | None = None  # placed there, not yet on the other
        self.onto = QComboBox()
        self.onto.setToolTip(
            tr("The other slide: a neighbouring section, or the same one scanned anew")
        )
        self.onto.setAccessibleName(tr("Other slide"))
        self.place = QPushButton(tr("Place pairs"))
        self.place.setCheckable(True)
        self.place.setToolTip(tr("Click a landmark here, then the same one on the other slide"))
        self.say = facts(tr("What to do next, and how well the pairs fit"))
        self.say.setAccessibleName(tr("How well the landmarks fit"))
        self.table = QTableWidget(0, len(HEADS))
        self.table.setHorizontalHeaderLabels(list(HEADS))
        self.table.verticalHeader().hide()
        self.table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
        self.table.horizontalHeader().setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        self.table.setColumnWidth(0, 26)
        self.table.setAccessibleName(tr("Pairs of landmarks"))
        self.table.setToolTip(
            tr(
                "A click goes to the landmark. Residual: how far it falls from its partner. Left "
                "out: the same by the map of the other pairs alone, which is what an error "
                "elsewhere may be"
            )
        )
        self.remove = _button(tr("Remove"), tr("Remove the selected pair"))
        self.read = _button(
            tr("Read…"), tr("Read pairs from a CSV file with x, y, onto_x and onto_y")
        )
        self.save = _button(tr("Save…"), tr("Save the pairs with their residuals as CSV"))
        self.regions = _button(
            tr("Bring regions"), tr("Copy the selected regions, or all, to the other")
        )
        self.spots = _button(
            tr("Bring spots"), tr("Load the spots of this slide, with counts, on the other")
        )
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow("With", self.onto)
        row = QHBoxLayout()
        row.addWidget(self.place, 1)
        for part in (self.remove, self.read, self.save):
            row.addWidget(part)
        across = QGridLayout()
        across.addWidget(self.regions, 0, 0)
        across.addWidget(self.spots, 0, 1)
        column = QVBoxLayout(self)
        column.addLayout(form)
        column.addLayout(row)
        column.addWidget(self.say)
        column.addWidget(self.table, 1)
        column.addLayout(across)
        self.place.clicked.connect(self._begin_or_end)
        self.onto.activated.connect(lambda _: self._show_scene())
        self.remove.clicked.connect(self._remove)
        self.read.clicked.connect(self._read)
        self.save.clicked.connect(self._save)
        self.regions.clicked.connect(self._bring_regions)
        self.spots.clicked.connect(self._bring_spots)
        self.table.cellClicked.connect(lambda row, _: self._go(row))
        when_clicked(viewer, self._clicked)
        workspace.shown.connect(self._show_scene)
        self._show_scene()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """Mark the landmarks on the slide."""
        super().showEvent(event)
        self._show_scene()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802
        """Leave the slide to what is looked at now; a pair that is half placed waits."""
        super().hideEvent(event)
        self.marks.clear()

    # -- placing -------------------------------------------------------------------------------

    @property
    def other(self) -> OpenSlide | None:
        """The other slide of the pairs, seen from the one that is shown."""
        session = self.workspace.session
        if self._onto is session.shown:  # while pairs are placed, on the second of the two
            return self._here
        return self._onto

    @property
    def _onto(self) -> OpenSlide | None:
        """The slide that is chosen: while pairs are placed, the one they go to."""
        slides, number = self.workspace.session.open_slides, self.onto.currentData()
        return next((each for each in slides if each.number == number), None)

    def _begin_or_end(self, on: bool) -> None:
        self._waiting = None
        self._here = self.workspace.session.shown if on and self.other is not None else None
        self._show_scene()

    def _clicked(self, viewer: Any, event: Any) -> Iterator[None]:
        """Take a click, not a drag, as a landmark, while pairs are placed."""
        yield
        layer = viewer.layers.selection.active
        panning = str(getattr(layer, "mode", "pan_zoom")) == "pan_zoom"
        if event.type == "mouse_move" or self._here is None or not panning:
            return
        scale = self.workspace.session.um_per_px or 1.0
        y, x = event.position[-2:]
        with told():
            self.take((float(x) / scale, float(y) / scale))

    def take(self, xy: tuple[float, float]) -> None:
        """Take a place of the shown slide as the next landmark, while pairs are placed.

        Parameters
        ----------
        xy
            In level-0 px.

        Raises
        ------
        SettingsError
            If it is on neither of the two slides.
        """
        session, here, other = self.workspace.session, self._here, self._onto
        if here is None or other is None:
            return
        if session.shown is here and self._waiting is None:
            self._waiting = xy
            session.select(other)
            self._look_where_it_should_be(here, other, xy)
            return
        if session.shown is not other or self._waiting is None:
            raise SettingsError(f"Click on {(here if self._waiting is None else other).name} now.")
        pair, self._waiting = LandmarkPair(self._waiting, xy), None
        pairs = (*landmarks_between(here, other), pair)
        set_landmarks(session, "Place a landmark", here, other, pairs)
        session.select(here)

    def _look_where_it_should_be(
        self, here: OpenSlide, other: OpenSlide, xy: tuple[float, float]
    ) -> None:
        """Show the place on the other slide, once enough pairs tell where it is about."""
        try:
            found = registration_between(here, other)
        except UserError:
            return
        x, y = found.across(np.array([xy]))[0]
        scale = other.um_per_px or 1.0
        self.workspace.layers.look_at((y * scale, x * scale), NEAR_UM)

    # -- pairs ---------------------------------------------------------------------------------

    @property
    def pairs(self) -> tuple[LandmarkPair, ...]:
        """The pairs between the shown slide and the other."""
        other = self.other
        return () if other is None else landmarks_between(self.workspace.session.shown, other)

    @property
    def registration(self) -> Registration | None:
        """The map from the shown slide to the other, where the pairs tell one."""
        other = self.other
        try:
            return None if other is None else registration_between(self._shown, other)
        except UserError:
            return None

    @property
    def _shown(self) -> OpenSlide:
        return self.workspace.session.shown

    def _set(self, what: str, pairs: tuple[LandmarkPair, ...]) -> None:
        if self.other is not None:
            set_landmarks(self.workspace.session, what, self._shown, self.other, pairs)

    def _remove(self) -> None:
        row = self.table.currentRow()
        if 0 <= row < len(self.pairs):
            left = tuple(each for i, each in enumerate(self.pairs) if i != row)
            self._set("Remove a landmark", left)

    def _read(self) -> None:
        path = dialogs.ask_file(self, "Read pairs of landmarks", dialogs.TABLE)
        if path is not None:
            with told():
                self._set("Read landmarks", read_landmarks(path))

    def _save(self) -> None:
        path = dialogs.ask_target(self, "Save the landmarks", "landmarks.csv", dialogs.TABLE)
        if path is not None:
            with told():
                write_table(landmark_table(self.pairs, self.registration), path)

    def _go(self, row: int) -> None:
        scale = self._shown.um_per_px or 1.0
        if row < len(self.pairs):
            x, y = self.pairs[row].here
            self.workspace.layers.look_at((y * scale, x * scale), NEAR_UM)

    # -- across --------------------------------------------------------------------------------

    def _bring_regions(self) -> None:
        session, other, shown = self.workspace.session, self.other, self._shown
        chosen = self.workspace.layers.regions.selected
        with told():
            if other is None:
                return
            every = shown.annotations.regions
            regions = without_children_of_chosen(every, chosen) if chosen else every
            bring_regions(session, shown, other, regions)
            session.select(other)
            session.show(show_regions=True)

    def _bring_spots(self) -> None:
        session, other, shown = self.workspace.session, self.other, self._shown
        with told():
            if other is None:
                return
            had = other.spots
            if had is not None and not dialogs.ask_replace_spots(self, other.name, had.n_obs):
                return
            bring_spots(session, shown, other)

    # -- shown ---------------------------------------------------------------------------------

    def _show_scene(self, _: object = None) -> None:
        session = self.workspace.session
        there = session.open_slides
        if self._here is not None and not {self._here, self._onto} <= set(there):
            self._here = self._waiting = None
        self._offer()
        pairs, found = self.pairs, self.registration
        self._show_table(pairs, found)
        self.place.setChecked(self._here is not None)
        self.place.setText("Done" if self._here is not None else "Place pairs")
        self.onto.setEnabled(self._here is None)
        able = self.other is not None and self._here is None
        self.place.setEnabled(self.other is not None)
        self.read.setEnabled(able)
        for button in (self.save, self.remove):
            button.setEnabled(bool(pairs) and self._here is None)
        self.regions.setEnabled(found is not None and bool(self._shown.annotations.regions))
        self.spots.setEnabled(found is not None and self._shown.spots is not None)
        name = _of(self.other)
        self.regions.setText(f"Bring regions to {name}")
        self.spots.setText(f"Bring spots to {name}")
        self.say.setText(self._said(pairs, found))
        places = [each.here for each in pairs]
        texts = [str(number) for number in range(1, len(pairs) + 1)]
        if self._waiting is not None and self._shown is self._here:
            places, texts = [*places, self._waiting], [*texts, str(len(pairs) + 1)]
        if self.isVisible():
            self.marks.show(places, texts, MARK_PX)
        else:
            self.marks.clear()

    def _offer(self) -> None:
        """Offer the other open slides; while pairs are placed, the two stay a pair."""
        session = self.workspace.session
        if self._here is not None and session.shown is self._onto:
            return  # it is the slide that the pairs go to
        wanted = [
            (each.number, each.name)
            for each in session.open_slides
            if each is not session.shown and each.slide is not None
        ]
        offered = [(self.onto.itemData(i), self.onto.itemText(i)) for i in range(self.onto.count())]
        if wanted != offered:
            kept = self.onto.currentData()
            self.onto.clear()
            for number, name in wanted:
                self.onto.addItem(name, number)
            self.onto.setCurrentIndex(max(0, self.onto.findData(kept)) if wanted else -1)

    def _said(self, pairs: tuple[LandmarkPair, ...], found: Registration | None) -> str:
        here, other = self._here, self._onto
        if other is None:
            return "Open a second slide: a neighbouring section, or the same one scanned anew."
        doing = ""
        if here is not None:
            at, what = (here, "a landmark") if self._waiting is None else (other, "the same place")
            doing = f"Click {what} on {at.name} (pair {len(pairs) + 1}). "
        if found is not None or len(pairs) < FEWEST:
            return doing + how_they_fit(len(pairs), found)
        try:
            registration_between(self._shown, self.other or other)
        except UserError as error:
            return f"{doing}{error}"
        return doing

    def _show_table(self, pairs: tuple[LandmarkPair, ...], found: Registration | None) -> None:
        rows = pair_rows(pairs, found, self._shown.um_per_px)
        kept = self.table.currentRow()
        self.table.setRowCount(len(rows))
        for row, texts in enumerate(rows):
            for column, text in enumerate(texts):
                self.table.setItem(row, column, QTableWidgetItem(text))
        if 0 <= kept < len(rows):
            self.table.setCurrentCell(kept, 0)


def _of(other: OpenSlide | None, letters: int = 14) -> str:
    if other is None:
        return "the other"
    name = other.name
    return name if len(name) <= letters else f"{name[:6]}…{name[-7:]}"


def _button(text: str, tooltip: str) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tooltip)
    button.setStyleSheet("padding: 3px 6px;")
    return button
