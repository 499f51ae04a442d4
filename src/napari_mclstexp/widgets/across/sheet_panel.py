"""All open slides side by side: the shown gene on each, in one range of colours."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QVBoxLayout, QWidget

from ...errors import SettingsError
from ...scene.open_sheet import DrawnSheet, OpenSheet, open_sheet
from ..common.contact_view import ContactView
from ..common.latest import Latest
from ..common.notify import told
from ..common.theme import facts
from ..common.words import tr
from ..predict.colour_bar import ColourBarView

if TYPE_CHECKING:
    from ..workspace import Workspace

SIDE = 150  # px of a picture
NOTHING = "Nothing to show yet: run a prediction, or load spots with counts."


class SheetPanel(QWidget):
    """Follows the gene that is shown, while the panel is seen."""

    def __init__(self, workspace: Workspace) -> None:
        super().__init__()
        self.workspace = workspace
        self.say = facts(tr("What is shown, and on how many slides"))
        self.say.setAccessibleName(tr("What the contact sheet shows"))
        self.bar = ColourBarView()
        self.sheet = ContactView("The open slides; a double click goes to one", SIDE)
        self.sheet.setAccessibleName(tr("Open slides"))
        self._sheet: OpenSheet | None = None
        self._latest = Latest(self, workspace.jobs, self._show_sheet)
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
        with told():
            sheet = open_sheet(self.workspace.session)
            if sheet is None:
                self._sheet = None
                self._latest.forget()
                self.bar.show_bar(None)
                self.sheet.show_pictures({})
                self.say.setText(NOTHING)
                self.say.show()
            else:
                self._latest.ask(sheet.key, partial(_drawn, sheet))

    def _show_sheet(self, found: tuple[OpenSheet, DrawnSheet]) -> None:
        sheet, drawn = found
        self._sheet = sheet
        keys = [str(place) for place in range(len(sheet.entries))]
        captions = {key: entry.opened.name for key, entry in zip(keys, sheet.entries, strict=True)}
        self.sheet.show_pictures(dict(zip(keys, drawn.pictures, strict=True)), captions)
        self.bar.show_bar(drawn.bar)
        of, n = f"{sheet.source} {sheet.gene}", len(sheet.entries)
        missing = len(drawn.without)
        self.say.setText(f"{missing} of {n} slides have no {of}." if missing else "")
        self.say.setVisible(bool(missing))

    def _go(self, key: str) -> None:
        session = self.workspace.session
        if self._sheet is None:
            return
        opened = self._sheet.entries[int(key)].opened
        with told():
            if opened not in session.open_slides:
                raise SettingsError("That slide was closed; open it again.")
            session.select(opened)


def _drawn(sheet: OpenSheet) -> tuple[OpenSheet, DrawnSheet]:
    return sheet, sheet.drawn(SIDE)
