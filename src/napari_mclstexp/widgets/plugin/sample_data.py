"""File > Open Sample: a section that the demo model has not seen, ready to be predicted."""

from __future__ import annotations

from typing import Any

import napari
import numpy as np

from ..predict.model_choices import built_in_model
from ..workspace import workspace_of
from .handover import Opened, layer_data

PLUGIN = "napari-mclstexp"
EMPTY = "mclstexp sample"  # in the metadata of the layer that stands for it meanwhile
DOCKS = ("Slide and spots", "Predict")


def sample_section() -> list[tuple[Any, dict[str, Any], str]]:
    """Show the third sample section with its spots; both docks open, the demo model chosen.

    Returns
    -------
    What napari makes layers of. Where there is a window, its workspace reads the section in the
    background: the layer, since napari wants one, is empty, unseen, and goes when that has come.
    """
    viewer = napari.current_viewer()
    if viewer is None or getattr(viewer, "window", None) is None:
        return layer_data(_read())
    for dock in DOCKS:
        viewer.window.add_plugin_dock_widget(PLUGIN, dock)
    workspace = workspace_of(viewer)

    def done(opened: Opened) -> None:
        for layer in [each for each in workspace.layers.viewer.layers if EMPTY in each.metadata]:
            workspace.layers.viewer.layers.remove(layer)
        workspace.take_in(opened)

    workspace.jobs.load("Opening the sample", lambda: _read().with_tissue(), done)
    return [
        (np.empty((0, 2)), {"name": "Sample", "visible": False, "metadata": {EMPTY: 1}}, "points")
    ]


def _read() -> Opened:
    from ... import samples
    from ...slides import open_slide
    from ...spots.readers.choose import read_spots

    section = samples.sample_section(3)
    return Opened(
        slide=open_slide(section.slide),
        spots=read_spots(section.spots),
        model=built_in_model(),
    )
