"""The dock "Slide and spots": what is open, at which scale, and where the spots are."""

from __future__ import annotations

import napari

from ...scene.layer_specs import Scene
from ..common.dock import Dock
from ..common.notify import told
from ..common.theme import rule
from ..frame.gene_bar import gene_picker_of
from .slide_chooser import SlideChooser
from .slide_panel import SlidePanel
from .spots_panel import GridPanel, SpotsPanel

PLUGIN, SAMPLE = "napari-mclstexp", "sample_section"


class SlideDock(Dock):
    """Open a slide, see it at its true scale, and load or lay its spots."""

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__(napari_viewer)
        self.slide = SlidePanel(SlideChooser(self.workspace))
        self.spots = SpotsPanel()
        self.grid = GridPanel()
        self.stack(self.slide, rule(), self.spots, rule(), self.grid)
        self._wire()
        self._show_scene(self.workspace.scene)

    def _wire(self) -> None:
        """Connect everything; there is no wiring of this dock anywhere else."""
        workspace, session = self.workspace, self.workspace.session
        self.slide.open_asked.connect(workspace.open_slide)
        self.slide.sample_asked.connect(self._sample_asked)
        self.slide.close_asked.connect(workspace.close_slide)
        self.slide.scale_given.connect(self._scale_given)
        self.spots.spots_asked.connect(workspace.load_spots)
        self.spots.clear_asked.connect(session.clear_spots)
        self.spots.outlines_wanted.connect(lambda on: session.show(show_spots=on))
        self.grid.grid_asked.connect(self._grid_asked)
        self.spots.counts_wanted.connect(self._counts_wanted)
        workspace.shown.connect(self._show_scene)

    def _show_scene(self, drawn: Scene) -> None:
        session = self.workspace.session
        self.slide.show_slide(session.slide, drawn.slide_text)
        loaded = session.spots is not None
        counted = session.expression.has_measured
        self.spots.show_spots(loaded, drawn.spots_text, session.display.show_spots, counted)
        self.grid.setEnabled(session.slide is not None)

    def _sample_asked(self) -> None:
        with told():
            self.workspace.layers.viewer.open_sample(PLUGIN, SAMPLE)

    def _counts_wanted(self) -> None:
        """Show what was measured, and lead to the gene bar, where the gene is chosen."""
        with told():
            self.workspace.session.show(quantity="measured")
        gene_picker_of(self.workspace.layers.viewer).go_to()

    def _scale_given(self, um_per_px: float) -> None:
        with told():
            self.workspace.session.set_um_per_px(um_per_px)

    def _grid_asked(self) -> None:
        with told():
            self.workspace.lay_grid(self.grid.settings())
