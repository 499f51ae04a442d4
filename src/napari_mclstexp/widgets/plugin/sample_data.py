"""File > Open Sample: a section that the demo model has not seen, ready to be predicted."""

from __future__ import annotations

from typing import Any

import napari

from ..predict.model_choices import built_in_model
from .handover import Opened, layer_data

PLUGIN = "napari-mclstexp"
DOCKS = ("Slide and spots", "Predict")


def sample_section() -> list[tuple[Any, dict[str, Any], str]]:
    """Return the third sample section with its spots; both docks open, the demo model chosen."""
    from ... import samples
    from ...slides import open_slide
    from ...spots.readers.choose import read_spots

    section = samples.sample_section(3)
    opened = Opened(
        slide=open_slide(section.slide),
        spots=read_spots(section.spots),
        model=built_in_model(),
    )
    viewer = napari.current_viewer()
    if viewer is not None and getattr(viewer, "window", None) is not None:
        for dock in DOCKS:
            viewer.window.add_plugin_dock_widget(PLUGIN, dock)
    return layer_data(opened)
