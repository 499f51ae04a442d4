"""File > Open Sample: a section that the demo model has not seen, ready to be predicted."""

from __future__ import annotations

from typing import Any

import napari

from .opened import Opened, layer_data

PLUGIN = "napari-mclstexp"
DOCKS = ("Slide and spots", "Predict")


def sample_section() -> list[tuple[Any, dict[str, Any], str]]:
    """Return the third sample section with its spots; both docks open, the demo model chosen."""
    from ..samples import demo_model_path, sample_section
    from ..slides import open_slide
    from ..spots import read_spots

    section = sample_section("section_3")
    opened = Opened(
        slide=open_slide(section.slide),
        spots=read_spots(section.spots, section.counts),
        model=demo_model_path(),
    )
    viewer = napari.current_viewer()
    if viewer is not None and getattr(viewer, "window", None) is not None:
        for dock in DOCKS:
            viewer.window.add_plugin_dock_widget(PLUGIN, dock)
    return layer_data(opened)
