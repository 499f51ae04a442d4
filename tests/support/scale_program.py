"""Slides with and without scale, in a program of its own: switching once ended in the driver.

Run as ``python scale_program.py FOLDER``; it says "survived" at the end.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

import napari
import numpy as np
from napari.utils.notifications import notification_manager
from PIL import Image
from qtpy.QtCore import QTimer
from qtpy.QtTest import QTest

from napari_mclstexp.analysis.region import Region
from napari_mclstexp.spots import GridSettings
from support import widget_kit as kit

SWITCHES = 40


def photograph(path: Path) -> Path:
    """Write a JPEG, which says nothing of its scale, of another shape than the other slide."""
    rng = np.random.default_rng(3)
    coarse = rng.integers(90, 230, (180, 150, 3), dtype=np.uint8)
    Image.fromarray(coarse).resize((4640, 4952), Image.Resampling.BILINEAR).save(path)
    return path


def main(folder: Path) -> None:
    """Switch, as a person does, and look after every step."""
    viewer = napari.Viewer(show=True)
    _, dock = viewer.window.add_plugin_dock_widget("napari-mclstexp", "Slide and spots")
    workspace = dock.workspace
    session = workspace.session

    def soon(act):
        """Act within the event loop, as a key or a button does, and let it be drawn."""
        QTimer.singleShot(0, act)
        QTest.qWait(60)
        while workspace.jobs.busy:
            QTest.qWait(20)
        viewer.screenshot(canvas_only=True, flash=False)
        units = {str(unit) for layer in viewer.layers for unit in layer.units}
        assert units == {"pixel" if session.um_per_px is None else "micrometer"}, units

    def grid():
        if session.um_per_px is not None:
            workspace.lay_grid(GridSettings(chance.choice((40, 90)), 30))

    def region():
        ring = ((100.0, 100.0), (500.0, 100.0), (500.0, 400.0), (100.0, 100.0))
        session.edit("Draw", regions=(Region("one", ((ring,),)),))

    chance = random.Random(5)
    soon(lambda: workspace.open_slide(kit.write_slide(folder / "scaled.ome.tif")))
    soon(lambda: workspace.load_spots(kit.write_spots(folder / "spots.h5ad")))
    soon(lambda: workspace.open_slide(photograph(folder / "photograph.jpg")))
    steps = [session.select_next] * 4 + [grid, region]
    for number in range(SWITCHES):
        soon(session.select_next if number % 2 else chance.choice(steps))
    soon(lambda: session.show(show_domains=False))
    session.select(session.open_slides[1])
    soon(lambda: session.set_um_per_px(0.7))
    told = [note.message for note in notification_manager.records]
    assert not [each for each in told if "Inconsistent units" in each], told
    viewer.close()
    print("survived")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
