"""A list of the open slides to choose from, which is there as soon as there are two."""

from __future__ import annotations

from qtpy.QtWidgets import QComboBox

from ..common.words import tr
from ..workspace import Workspace


class SlideChooser(QComboBox):
    """Says which of the open slides is shown; choosing another shows that one, as it was left."""

    def __init__(self, workspace: Workspace) -> None:
        super().__init__()
        self._workspace = workspace
        self.setToolTip(tr("The open slides; the chosen one is shown (Ctrl+PgDown: the next)"))
        self.setAccessibleName(tr("Open slides"))
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(12)
        self.activated.connect(self._chosen)
        workspace.shown.connect(self._offer)
        self._offer()

    def _chosen(self, place: int) -> None:
        open_slides = self._workspace.session.open_slides
        if place < len(open_slides):
            self._workspace.session.select(open_slides[place])

    def _offer(self, _: object = None) -> None:
        session = self._workspace.session
        run = session.run
        names = [
            f"{opened.name} (predicting)"
            if run is not None and run.expression is opened.expression
            else opened.name
            for opened in session.open_slides
        ]
        if names != [self.itemText(i) for i in range(self.count())]:
            self.clear()
            self.addItems(names)
        self.setCurrentIndex(session.open_slides.index(session.shown))
        self.setVisible(len(names) > 1)
