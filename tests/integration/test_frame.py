"""The frame around the tissue, in the real window: steps, screen, view, theme."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from napari.settings import get_settings
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDockWidget, QTabBar

from napari_mclstexp.session.next_step import DOCKS
from napari_mclstexp.widgets.common.napari_compat import layer_panels
from napari_mclstexp.widgets.common.theme import colour
from napari_mclstexp.widgets.workbench import MORE
from support import widget_kit as kit
from support.frame_kit import dock, standing


def share(viewer) -> float:
    """How much of the window's width the canvas has."""
    window = viewer.window._qt_window
    return viewer.window._qt_viewer.canvas.native.width() / window.width()


def test_the_workbench_gives_the_tissue_the_screen_and_one_key_brings_napari_back(
    workbench, viewer, qtbot
):
    window = viewer.window._qt_window
    assert all(panel.isHidden() for panel in layer_panels(viewer))
    assert share(viewer) > 0.6
    assert "F9" in workbench.layers.text()
    qtbot.keyClick(window, Qt.Key.Key_F9)
    qtbot.waitUntil(lambda: not any(panel.isHidden() for panel in layer_panels(viewer)))
    assert workbench.layers.isChecked()
    qtbot.keyClick(window, Qt.Key.Key_F9)
    qtbot.waitUntil(lambda: all(panel.isHidden() for panel in layer_panels(viewer)))


def test_one_dock_stands_at_a_time_by_its_plain_name_and_the_steps_say_which(
    workbench, viewer, qtbot, click
):
    assert standing(viewer) == ["Slide and spots"]  # it opens on the first step
    assert workbench.steps["Slide and spots"].isChecked()
    for name in ("Annotate", "Predict", "Slide and spots"):
        click(workbench.steps[name])
        assert standing(viewer) == [name]
        assert [step for step, button in workbench.steps.items() if button.isChecked()] == [name]
    dock(viewer, "Genes")  # from napari's menu
    qtbot.waitUntil(lambda: standing(viewer) == ["Genes"])
    (train,) = (each for each in workbench.more.menu().actions() if each.text() == "Train")
    train.trigger()
    assert standing(viewer) == ["Train"]
    assert not any(button.isChecked() for button in workbench.steps.values())
    bars = viewer.window._qt_window.findChildren(QTabBar)
    assert not any(bar.isVisible() for bar in bars)  # one navigation


def test_docks_without_the_workbench_are_tabs_whose_names_are_whole(docks, viewer, qtbot):
    qtbot.wait(50)
    titles = {each.windowTitle() for each in viewer.window._qt_window.findChildren(QDockWidget)}
    assert {"Slide and spots", "Predict"} <= titles
    assert not any("napari" in title for title in titles)
    (bar,) = (b for b in viewer.window._qt_window.findChildren(QTabBar) if b.isVisible())
    assert bar.elideMode() == Qt.TextElideMode.ElideNone


def test_at_150_percent_of_a_small_screen_nothing_is_off_it_and_the_tissue_has_half(tmp_path):
    """In a process of its own: Qt reads the scale when it starts."""
    slides = [str(kit.write_slide(tmp_path / f"{name}.ome.tif")) for name in ("one", "two")]
    code = """
import json, sys, time
from pathlib import Path
import napari
from qtpy.QtWidgets import QApplication
from napari_mclstexp.session.next_step import DOCKS
from napari_mclstexp.slides import open_slide
from napari_mclstexp.widgets.common import dialogs
from napari_mclstexp.widgets.workbench import MORE
dialogs.ask_unsaved = lambda *_: dialogs.DISCARD
def settle(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        QApplication.processEvents()
viewer = napari.Viewer()
window = viewer.window._qt_window
_, bench = viewer.window.add_plugin_dock_widget("napari-mclstexp", "Workbench")
settle(0.8)
session = bench.workspace.session
for path in map(Path, sys.argv[1:]):  # two, so that there is a list of slides too
    session.use_slide(open_slide(path))
window.resize(910, 512)
found = {}
for name in (*DOCKS, *MORE):
    bench.bring(name)
    settle(0.15)
    canvas = viewer.window._qt_viewer.canvas.native
    found[name] = (window.width(), window.height(), canvas.width(), canvas.height())
buttons = [*bench.steps.values(), bench.go, bench.more, bench.fit, bench.layers]
assert bench.slides.isVisible()
places = [b.mapTo(window, b.rect().bottomRight()) for b in buttons]
cut = [b.text() for b in buttons if b.width() < b.minimumSizeHint().width()]
print(json.dumps([found, [[p.x(), p.y()] for p in places], cut, bench.say.isVisible()]))
viewer.close()
"""
    run = subprocess.run(
        [sys.executable, "-c", code, *slides],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "QT_SCALE_FACTOR": "1.5"},
    )
    assert run.returncode == 0, run.stderr[-800:]
    found, places, cut, said = json.loads(run.stdout.splitlines()[-1])
    assert set(found) == {*DOCKS, *MORE}
    for name, (width, height, canvas, canvas_height) in found.items():
        assert (width, height) == (910, 512), name  # 1366 by 768 of the screen's own px
        assert canvas >= width / 2, name
        assert canvas_height >= height / 2, name
    assert all(x <= 910 and y <= 512 for x, y in places)
    assert cut == []
    assert said


def test_the_view_is_for_the_tissue_until_the_person_looks_elsewhere(explored, viewer, qtbot):
    camera, canvas = viewer.scene.camera, viewer.window._qt_viewer.canvas.native
    (top, left), (bottom, right) = explored.workspace.scene.focus

    def seen():
        high, wide = canvas.height() / camera.zoom, canvas.width() / camera.zoom
        return high, wide

    high, wide = seen()
    assert camera.center[-2:] == pytest.approx(((top + bottom) / 2, (left + right) / 2))
    assert 1 < min(high / (bottom - top), wide / (right - left)) < 1.15  # and little of the glass
    room = canvas.width()
    explored.layers.click()  # less room, all of it still seen
    qtbot.waitUntil(lambda: canvas.width() < room - 100)
    qtbot.waitUntil(lambda: 1 < min(seen()[0] / (bottom - top), seen()[1] / (right - left)) < 1.15)
    camera.zoom = camera.zoom * 3
    zoom = camera.zoom
    explored.layers.click()
    qtbot.waitUntil(lambda: canvas.width() == room)
    assert camera.zoom == zoom
    explored.fit.click()
    assert camera.zoom < zoom


def test_a_change_of_theme_reaches_what_the_plugin_draws(explored, viewer):
    theme = get_settings().appearance
    before = theme.theme
    genes = dock(viewer, "Genes")
    scrolling = genes.layout().itemAt(0).widget()
    try:
        theme.theme = "dark"
        dark = scrolling.styleSheet(), explored.styleSheet(), colour("text").lightness()
        theme.theme = "light"
        light = scrolling.styleSheet(), explored.styleSheet(), colour("text").lightness()
    finally:
        theme.theme = before
    assert dark[2] > 128 > light[2]
    assert dark[0] != light[0]  # boxes that are not ticked
    assert dark[1] != light[1]  # the steps


def test_the_steps_and_the_predict_dock_stand_still_and_say_what_is_so(explored, viewer, qtbot):
    texts = {name: button.text() for name, button in explored.steps.items()}
    assert "✓" in texts["Slide and spots"]
    assert "✓" in texts["Predict"]
    assert "✓" not in texts["Domains"]
    assert [n for n, button in explored.steps.items() if button.font().bold()] == ["Domains"]
    assert "domains" in explored.say.text()
    explored.bring("Predict")
    panel = dock(viewer, "Predict")
    run = explored.workspace.session.runs
    qtbot.wait(50)
    place = panel.display.y()
    started = run.start()
    qtbot.wait(50)
    assert panel.runner.bar.isVisible()
    assert panel.display.y() == place
    run.abandon(started)
    # Colours are not offered for maps that have their own.
    session = explored.workspace.session
    assert panel.display.colormap.isEnabled()
    session.show(quantity="difference")
    assert not panel.display.colormap.isEnabled()
    assert not panel.display.fixed.isEnabled()
    session.show(quantity="predicted")
    assert panel.display.colormap.isEnabled()
