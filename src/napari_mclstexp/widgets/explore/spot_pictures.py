"""Pictures of reference spots, each a button that leads to its place on its section."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QIcon, QPixmap
from qtpy.QtWidgets import QGridLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from ...analysis.evidence import RetrievedSpot
from ..common.theme import heading
from ..common.words import tr

COLUMNS = 3
SIDE = 96  # px of the screen


class SpotPictures(QWidget):
    """Pictures of reference spots under a title; hidden while there are none.

    Parameters
    ----------
    most
        How many there may be.
    chosen
        Called with the spot whose picture was clicked.
    """

    def __init__(self, most: int, chosen: Callable[[RetrievedSpot], object]) -> None:
        super().__init__()
        self._title = heading("")
        self._title.setWordWrap(True)
        self._chosen = chosen
        self._spots: Sequence[RetrievedSpot] = ()
        self.cells: list[tuple[QToolButton, QLabel]] = []
        grid = QGridLayout()
        grid.setHorizontalSpacing(4)
        for place in range(most):
            picture, text = QToolButton(), QLabel()
            picture.setAutoRaise(True)
            picture.setAccessibleName(tr("Reference spot"))
            picture.setIconSize(QSize(SIDE, SIDE))
            picture.clicked.connect(partial(self._clicked, place))
            text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            grid.addWidget(picture, place // COLUMNS * 2, place % COLUMNS)
            grid.addWidget(text, place // COLUMNS * 2 + 1, place % COLUMNS)
            self.cells.append((picture, text))
        grid.setColumnStretch(COLUMNS, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 0)
        layout.addWidget(self._title)
        layout.addLayout(grid)

    @property
    def texts(self) -> list[str]:
        """What stands below the pictures."""
        return [text.text() for _, text in self.cells if text.text()]

    def show_spots(self, spots: Sequence[RetrievedSpot], title: str, *, share: bool) -> None:
        """Show these spots, each with its share of the value, or with what it adds to it."""
        self._spots = spots
        self.setVisible(bool(spots))
        self._title.setText(title)
        does = "its share of the value" if share else "what it adds to the value"
        for place, (picture, text) in enumerate(self.cells):
            spot = spots[place] if place < len(spots) else None
            for part in (picture, text):  # an empty one would keep its room
                part.setVisible(spot is not None)
            if spot is None:
                text.setText("")
                continue
            picture.setIcon(QIcon(_large(spot.thumbnail)))
            picture.setAccessibleName(f"Reference spot {spot.barcode} of {spot.section}")
            picture.setToolTip(f"Go to spot {spot.barcode} on {spot.section}, if that is open")
            text.setToolTip(f"Its section, {does}, and what was measured there")
            text.setText(_caption(spot, share))

    def _clicked(self, place: int) -> None:
        if place < len(self._spots):
            self._chosen(self._spots[place])


def _large(thumbnail: bytes) -> QPixmap:
    """Return a stored picture at the size at which it is shown."""
    pixmap = QPixmap()
    if thumbnail:
        pixmap.loadFromData(thumbnail)
    if pixmap.isNull():
        return pixmap
    smooth = Qt.TransformationMode.SmoothTransformation
    return pixmap.scaled(SIDE, SIDE, Qt.AspectRatioMode.KeepAspectRatio, smooth)


def _caption(spot: RetrievedSpot, share: bool) -> str:
    part = f"{spot.weight:.1%}" if share else f"{spot.adds:+.2g}"
    return f"{spot.section}\n{part} · {spot.measured:.2f}"
