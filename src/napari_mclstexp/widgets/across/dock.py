"""The dock "Across slides": similar places, a contact sheet, and landmarks between two slides."""

from __future__ import annotations

from typing import Any

from qtpy.QtWidgets import QTabWidget

from ..common.dock import Dock
from ..common.words import tr
from .landmarks_panel import LandmarksPanel
from .sheet_panel import SheetPanel
from .similar_panel import SimilarPanel


class AcrossDock(Dock):
    """What is done with several open slides at once."""

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__(napari_viewer)
        self.similar = SimilarPanel(napari_viewer, self.workspace)
        self.sheet = SheetPanel(self.workspace)
        self.landmarks = LandmarksPanel(napari_viewer, self.workspace)
        self.tabs = QTabWidget()
        self.tabs.setAccessibleName(tr("Across slides"))
        self.tabs.addTab(self.similar, "Similar places")
        self.tabs.addTab(self.sheet, "Contact sheet")
        self.tabs.addTab(self.landmarks, "Landmarks")
        self.stack(self.tabs, stretch=self.tabs)
