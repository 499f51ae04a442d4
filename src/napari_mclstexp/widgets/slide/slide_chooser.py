"""A list of the open slides to choose from, which is there as soon as there are two."""

from __future__ import annotations

from qtpy.QtWidgets import QComboBox

from ..workspace import Workspace


class SlideChooser(QComboBox):
    """Says which of the open slides is shown; choosing another shows that one, as it was left."""

    def __init__(self, workspace: Workspace) -> None:
        super().__init__()
        self._workspace = workspace
        self.setToolTip("The open slides; the chosen one is shown (Ctrl+PgDown: the next)")
        self.setAccessibleName("Open slides")
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(12)
        self.activated.connect(self._chosen)
        workspace.shown.connect(self._offer)
        self._offer()

    def _chosen(self, place: int) -> None:
        desks = self._workspace.session.desks
        if place < len(desks):
            self._workspace.session.select(desks[place])

    def _offer(self, _: object = None) -> None:
        session = self._workspace.session
        run = session.run
        names = [
            f"{desk.name} (predicting)"
            if run is not None and run.readings is desk.readings
            else desk.name
            for desk in session.desks
        ]
        if names != [self.itemText(i) for i in range(self.count())]:
            self.clear()
            self.addItems(names)
        self.setCurrentIndex(session.desks.index(session.desk))
        self.setVisible(len(names) > 1)
