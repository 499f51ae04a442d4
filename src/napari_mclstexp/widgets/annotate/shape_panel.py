"""Buttons that shape the selected regions: merge, subtract, split, fill, grow."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from qtpy.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from ...analysis.region import Region
from ...analysis.region_edits import flat, merged
from ...analysis.region_shaping import filled, grown, ringed, split, subtracted
from ..common.notify import told
from ..common.words import tr

if TYPE_CHECKING:
    from ...session.session import Session
    from ..layers.region_layer import RegionLayer

MOST_UM = 5000.0


class ShapePanel(QWidget):
    """Acts on the regions that are selected, on the slide or in the list.

    Parameters
    ----------
    session, layer
        What is shaped, and where it is selected.
    """

    def __init__(self, session: Session, layer: RegionLayer) -> None:
        super().__init__()
        self._session, self._layer = session, layer
        self.merge = _button(
            tr("Merge"), tr("Make one of the selected regions; it keeps the first's name")
        )
        self.subtract = _button(
            tr("Subtract"), tr("Take the other selected regions out of the first")
        )
        self.split = _button(tr("Split"), tr("Make each separate part a region of its own"))
        self.fill = _button(tr("Fill holes"), tr("Fill the holes of the selected regions"))
        self.grow = _button(tr("Grow"), tr("Move the border of the selected regions outwards"))
        self.um = QDoubleSpinBox()
        self.um.setRange(-MOST_UM, MOST_UM)
        self.um.setDecimals(1)
        self.um.setSingleStep(10)
        self.um.setValue(100)
        self.um.setSuffix(tr(" µm"))
        self.um.setToolTip(tr("How far; below 0, inwards"))
        self.um.setAccessibleName(tr("How far the border moves"))
        self.how = QComboBox()
        self.how.addItem(tr("the region itself"), "grow")
        self.how.addItem(tr("as a ring around it"), "ring")
        self.how.setToolTip(
            tr("Whether the region grows, or what it would grow by is a new region")
        )
        self.how.setAccessibleName(tr("What grows"))
        first, second = QHBoxLayout(), QHBoxLayout()
        for part in (self.merge, self.subtract, self.split, self.fill):
            first.addWidget(part)
        second.addWidget(self.grow)
        second.addWidget(self.um)
        second.addWidget(self.how, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(3)
        column.addLayout(first)
        column.addLayout(second)
        self.merge.clicked.connect(self._merge)
        self.subtract.clicked.connect(self._subtract)
        self.split.clicked.connect(self._split)
        self.fill.clicked.connect(self._fill)
        self.grow.clicked.connect(self._grow)

    def show_selection(self) -> None:
        """Say on the buttons what they would do to what is selected."""
        chosen = self._chosen
        names = [each.name for each in chosen]
        several = any(len(each.polygons) > 1 for each in chosen)
        holes = any(len(polygon) > 1 for each in chosen for polygon in each.polygons)
        self.merge.setEnabled(len(chosen) > 1)
        self.subtract.setEnabled(len(chosen) > 1)
        self.split.setEnabled(several)
        self.fill.setEnabled(holes)
        self.grow.setEnabled(bool(chosen))
        if len(chosen) > 1:
            self.merge.setToolTip(f"Make one region of {_list(names)}, called {names[0]}")
            self.subtract.setToolTip(f"Take {_list(names[1:])} out of {names[0]}")

    @property
    def _chosen(self) -> list[Region]:
        every = {each.id: each for each in flat(self._session.annotations.regions)}
        return [every[each] for each in self._layer.selected if each in every]

    def _merge(self) -> None:
        names = [each.name for each in self._chosen]
        first = self._layer.selected[:1]
        self._do(f"Merge {_list(names)}", merged)
        self._layer.select(first)

    def _subtract(self) -> None:
        first, *others = [each.name for each in self._chosen]
        self._do(f"Subtract {_list(others)} from {first}", subtracted)

    def _split(self) -> None:
        self._do(f"Split {_list([each.name for each in self._chosen])}", split)

    def _fill(self) -> None:
        self._do(f"Fill holes of {_list([each.name for each in self._chosen])}", filled)

    def _grow(self) -> None:
        um, slide = self.um.value(), self._session.slide
        within = None if slide is None else (slide.width, slide.height)
        names = _list([each.name for each in self._chosen])
        ring = self.how.currentData() == "ring"
        change = ringed if ring else grown
        if ring:
            what = f"Ring of {abs(um):g} µm around {names}"
        else:
            what = f"{'Grow' if um > 0 else 'Shrink'} {names} by {abs(um):g} µm"
        scale = self._session.um_per_px
        self._do(what, lambda regions, ids: change(regions, ids, um, scale, within))

    def _do(
        self,
        what: str,
        change: Callable[[tuple[Region, ...], tuple[str, ...]], tuple[Region, ...]],
    ) -> None:
        with told():
            ids = tuple(each.id for each in self._chosen)
            before = self._session.annotations.regions
            after = change(before, ids)
            there = {each.id for each in flat(before)}
            new = tuple(each.id for each in flat(after) if each.id not in there)
            self._session.edit(what, regions=after)
            if new:
                self._layer.select((*ids, *new) if change is split else new)


def _list(names: list[str]) -> str:
    """Return names in a short line: "Tumour and Stroma", "Tumour and 4 more"."""
    if len(names) > 3:
        return f"{names[0]} and {len(names) - 1} more"
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def _button(text: str, tooltip: str) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tooltip)
    button.setStyleSheet("padding: 3px 6px;")
    return button
