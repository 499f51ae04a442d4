"""All open slides side by side: the shown gene on each, in one range of colours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QVBoxLayout, QWidget

from ...errors import UserError
from ...scene.open_sheet import OpenSheet, open_sheet
from ..common.contact_view import ContactView
from ..common.latest import Latest
from ..common.notify import told
from ..common.theme import facts
from ..predict.colour_bar import ColourBarView

if TYPE_CHECKING:
    from ..workspace import Workspace

SIDE = 150  # px of a picture


class SheetPanel(QWidget):
    """Follows the gene that is shown, while the panel is seen."""

    def __init__(self, workspace: Workspace) -> None:
        super().__init__()
        self.workspace = workspace
        self.say = facts("What is shown, and on how many slides")
        self.say.setAccessibleName("What the contact sheet shows")
        self.bar = ColourBarView()
        self.sheet = ContactView("The open slides; a double click goes to one", SIDE)
        self.sheet.setAccessibleName("Open slides")
        self._sheet: OpenSheet | None = None
        self._latest = Latest(self, workspace.jobs, self._show_pictures)
        column = QVBoxLayout(self)
        column.addWidget(self.say)
        column.addWidget(self.bar)
        column.addWidget(self.sheet, 1)
        column.addStretch(0)
        self.sheet.opened.connect(self._go)
        workspace.shown.connect(self._show_scene)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """Draw what changed while nobody looked."""
        super().showEvent(event)
        self._show_scene()

    def _show_scene(self, _: object = None) -> None:
        if not self.isVisible():
            return
        session = self.workspace.session
        with told():
            sheet = open_sheet(session)
            self._sheet = sheet
            self.say.setVisible(sheet is None or self._missing > 0)
            if sheet is None:
                self._latest.forget()
                self.bar.show_bar(None)
                self.sheet.show_pictures({})
                self.say.setText(
                    "Nothing to show yet: run a prediction, or load spots with counts."
                )
                return
            self.say.setText(self._said)
            self.bar.show_bar(sheet.bar)
            self._latest.ask(sheet.key, lambda: sheet.pictures(SIDE))

    @property
    def _missing(self) -> int:
        entries = () if self._sheet is None else self._sheet.entries
        return sum(each.values is None for each in entries)

    @property
    def _said(self) -> str:
        assert self._sheet is not None
        n, missing = len(self._sheet.entries), self._missing
        of = self._sheet.source
        return f"{missing} of {n} slides have no {of} {self._sheet.gene}." if missing else ""

    def _show_pictures(self, pictures: list[NDArray[np.uint8]]) -> None:
        if self._sheet is None:
            return
        keys = [str(place) for place in range(len(self._sheet.entries))]
        captions = {
            key: entry.opened.name for key, entry in zip(keys, self._sheet.entries, strict=True)
        }
        if len(pictures) == len(keys):
            self.sheet.show_pictures(dict(zip(keys, pictures, strict=True)), captions)

    def _go(self, key: str) -> None:
        session = self.workspace.session
        if self._sheet is None or int(key) >= len(self._sheet.entries):
            return
        opened = self._sheet.entries[int(key)].opened
        with told():
            if opened not in session.open_slides:
                raise UserError("That slide was closed meanwhile.")
            session.select(opened)
