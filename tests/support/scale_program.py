"""Slides with and without scale, in a program of its own: switching once ended in the driver.

Run as ``python scale_program.py FOLDER [STEPS]``; it says "survived" at the end.
"""

from __future__ import annotations

import gc
import random
import sys
from pathlib import Path

import napari
import numpy as np
import psutil
from napari.layers import Points, Shapes
from napari.utils.notifications import notification_manager
from PIL import Image
from qtpy.QtCore import QTimer
from qtpy.QtTest import QTest

from napari_mclstexp.analysis.region import Region
from napari_mclstexp.samples import sample_section
from napari_mclstexp.spots import GridSettings
from napari_mclstexp.widgets.common import dialogs
from support import widget_kit as kit

STEPS = 60


def photograph(path: Path, size: tuple[int, int]) -> Path:
    """Write a JPEG, which says nothing of its scale, of another shape than the other slides."""
    rng = np.random.default_rng(3)
    coarse = rng.integers(90, 230, (180, 150, 3), dtype=np.uint8)
    Image.fromarray(coarse).resize(size, Image.Resampling.BILINEAR).save(path)
    return path


class Person:
    """Switches, draws, and does by hand to layers what napari lets one do."""

    def __init__(self, viewer, workspace):
        self.viewer, self.workspace = viewer, workspace
        self.session = workspace.session
        self.chance = random.Random(5)
        self.steps = [self.session.select_next] * 8 + [self.grid, self.region, self.scale]
        self.steps += [self.delete, self.delete_all, self.rename, self.hide, self.edit, self.gene]

    def grid(self):
        if self.session.um_per_px is not None:
            self.workspace.lay_grid(GridSettings(self.chance.choice((40, 90)) * 4, 120))

    def region(self):
        ring = ((100.0, 100.0), (500.0, 100.0), (500.0, 400.0), (100.0, 100.0))
        self.session.edit("Draw", regions=(Region("one", ((ring,),)),))

    def scale(self):
        if self.session.slide.um_per_px_source != "file" and self.chance.random() < 0.3:
            self.session.set_um_per_px(self.chance.choice((0.3, 0.7)))

    def gene(self):
        if self.session.genes:
            self.session.show(gene=self.chance.choice(self.session.genes))

    def delete(self):
        self.viewer.layers.remove(self.chance.choice(list(self.viewer.layers)))

    def delete_all(self):
        self.viewer.layers.clear()

    def rename(self):
        self.chance.choice(list(self.viewer.layers)).name = "hers"

    def hide(self):
        layer = self.chance.choice(list(self.viewer.layers))
        layer.visible = not layer.visible

    def edit(self):
        several = [each for each in self.viewer.layers if isinstance(each, Points | Shapes)]
        several = [each for each in several if len(each.data) > 1]
        if several:
            chosen = self.chance.choice(several)
            chosen.selected_data = {0, 1}
            chosen.remove_selected()


def main(folder: Path, steps: int) -> None:
    """Take steps, and look after every one."""
    dialogs.ask_unsaved = lambda *_: dialogs.DISCARD
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
        layer = workspace.layers["slide"]
        assert layer in viewer.layers
        np.testing.assert_allclose(layer.scale, session.um_per_px or 1.0)
        for slot in ("spots", "measured"):
            points = workspace.layers[slot]
            if points is not None and slot == "spots":
                assert len(points.data) in (session.spots.n_obs, session.spots.n_obs - 2)

    soon(lambda: workspace.open_slide(kit.write_slide(folder / "scaled.ome.tif")))
    soon(lambda: workspace.load_spots(kit.write_spots(folder / "spots.h5ad")))
    soon(lambda: workspace.open_slide(photograph(folder / "tall.jpg", (4640, 4952))))
    soon(lambda: workspace.open_slide(photograph(folder / "wide.jpg", (5200, 2000))))
    for number in (1, 3):
        sample = sample_section(number)
        soon(lambda path=sample.slide: workspace.open_slide(path))
        soon(lambda path=sample.spots: workspace.load_spots(path))
    assert len(session.open_slides) == 5
    person, process, sizes = Person(viewer, workspace), psutil.Process(), []
    for number in range(steps):
        act = session.select_next if number % 2 else person.chance.choice(person.steps)
        print(number, act.__name__, flush=True)
        soon(act)
        if number in (steps // 2, steps - 1):
            gc.collect()
            sizes.append(process.memory_info().rss / 1e6)
    told = [note.message for note in notification_manager.records]
    assert not [each for each in told if "Inconsistent units" in each], told
    viewer.close()
    print(f"{steps} steps; memory {sizes[0]:.0f} MB half way, {sizes[-1]:.0f} MB at the end")
    print("survived")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else STEPS)
