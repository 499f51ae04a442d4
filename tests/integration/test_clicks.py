"""How many clicks it takes, with real mouse events, from where a newcomer starts."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QDockWidget

from napari_mclstexp.export.geojson import read_geojson
from napari_mclstexp.session.read_session import read_session
from napari_mclstexp.session.recent_files import recent_models
from napari_mclstexp.widgets.workbench import Workbench
from napari_mclstexp.widgets.workspace import workspace_of
from support import widget_kit as kit
from support.clicks import Hands
from support.her2st import HER2ST, NEEDED

RUN_MS = 120_000
TO_FILES, TO_REOPEN, TO_MAP = 18, 3, 8


@pytest.fixture
def hands(viewer, qtbot):
    viewer.window._qt_window.resize(1366, 768)
    viewer.window._qt_window.move(0, 0)
    qtbot.wait(200)
    return Hands(viewer)


def standing(viewer):
    """Names of the docks of the window."""
    return [each.windowTitle() for each in viewer.window._qt_window.findChildren(QDockWidget)]


def dock_of(viewer, name):
    """The dock of that name, which stands in the window."""
    for each in viewer.window._qt_window.findChildren(QDockWidget):
        if each.windowTitle().split(" (")[0] == name and each.widget() is not None:
            return viewer.window.add_plugin_dock_widget("napari-mclstexp", name)[1]
    raise AssertionError(f"{name} does not stand in the window")


def waits_for(qtbot, what):
    qtbot.waitUntil(what, timeout=RUN_MS)
    qtbot.wait(400)  # as long as she needs to see it


@pytest.mark.slow
def test_a_newcomer_comes_to_geojson_figure_and_session_in_18_clicks_and_back_in_3(
    viewer, hands, qtbot, answers, tmp_path
):
    hands.menu("Plugins", "mclSTExp", "Workbench")
    session = workspace_of(viewer).session
    waits_for(qtbot, lambda: "Slide and spots" in standing(viewer))
    bench = viewer.window._qt_window.findChild(Workbench)
    hands.press(dock_of(viewer, "Slide and spots").slide.sample)
    waits_for(qtbot, lambda: session.spots is not None and session.model is not None)
    predict = dock_of(viewer, "Predict")
    if not predict.isVisible():
        hands.press(bench.steps["Predict"])
    waits_for(qtbot, predict.isVisible)
    hands.press(predict.runner.run)
    waits_for(qtbot, lambda: session.result is not None and session.result.complete)
    hands.press(bench.steps["Domains"])
    domains = dock_of(viewer, "Domains")
    waits_for(qtbot, domains.isVisible)
    hands.press(domains.find)
    waits_for(qtbot, lambda: session.annotations.domains is not None)
    hands.write_cell(domains.table, 0, 1, "Invasive tumour")
    assert "Invasive tumour" in session.annotations.domains.names.values()
    hands.press(bench.steps["Save and export"])
    export = dock_of(viewer, "Save and export")
    waits_for(qtbot, export.isVisible)
    paths = [tmp_path / "regions.geojson", tmp_path / "domains.png"]
    for button, path in zip(("GeoJSON…", "Figure…"), paths, strict=True):
        answers(path)
        hands.press(export.buttons[button])
        hands.dialog()
        waits_for(qtbot, path.is_file)
    folder = tmp_path / "saved"
    answers(folder)
    hands.press(export.save)
    hands.dialog()
    waits_for(qtbot, lambda: not session.shown.unsaved)
    print(f"\n{len(hands.made)} clicks: {', '.join(hands.made)}")
    assert "Invasive tumour" in {each.name for each in read_geojson(paths[0])}
    assert paths[1].stat().st_size > 50_000
    assert len(hands.made) <= TO_FILES

    answers(tmp_path / "steps.py")
    hands.press(export.buttons["Steps…"])
    waits_for(qtbot, (tmp_path / "steps.py").is_file)
    does_it_again_without_a_window(tmp_path)

    saved = read_session(folder)
    workspace_of(viewer).close_slide()
    waits_for(qtbot, lambda: session.slide is None)
    hands.made.clear()
    hands.press(bench.steps["Save and export"])
    waits_for(qtbot, export.isVisible)
    hands.press_list(export.recent, 1)
    waits_for(qtbot, lambda: session.annotations.domains is not None)
    print(f"{len(hands.made)} clicks: {', '.join(hands.made)}")
    assert len(hands.made) <= TO_REOPEN
    assert session.annotations.domains.names == saved.slides[0].annotations.domains.names


def does_it_again_without_a_window(folder):
    """Run what was recorded, and compare its files with those of the window."""
    environment = {**os.environ, "QT_QPA_PLATFORM": "none", "DISPLAY": ""}
    done = subprocess.run(
        [sys.executable, "steps.py"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (again,) = folder.glob("*_steps")
    now, then = (read_geojson(each / "regions.geojson") for each in (again, folder))
    assert [each.name for each in now] == [each.name for each in then]
    assert [each.shape() for each in now] == [each.shape() for each in then]
    pictures = [np.asarray(Image.open(each / "domains.png")) for each in (again, folder)]
    assert np.array_equal(*pictures)


@pytest.mark.slow
@pytest.mark.realdata
@NEEDED[1]
def test_her_own_jpeg_without_spots_comes_to_its_first_map_in_8_clicks(
    viewer, hands, qtbot, answers, tiny_model, notes
):
    recent_models().add(tiny_model)  # she has trained one, or used it before
    hands.menu("Plugins", "mclSTExp", "Workbench")
    session = workspace_of(viewer).session
    waits_for(qtbot, lambda: "Slide and spots" in standing(viewer))
    bench = viewer.window._qt_window.findChild(Workbench)
    slide = dock_of(viewer, "Slide and spots")
    answers(next((HER2ST / "images" / "C5").glob("*.jpg")))
    hands.press(slide.slide.open)
    hands.dialog()
    waits_for(qtbot, lambda: session.slide is not None)
    scale = slide.slide.scale.lineEdit()
    assert scale.isVisible()
    scale.selectAll()
    QTest.keyClicks(scale, "0.73")
    QTest.keyClick(scale, Qt.Key.Key_Return)
    assert session.um_per_px == 0.73
    slide.grid.fields["pitch_um"].setValue(800)  # few spots: the clicks are what is tried
    hands.press(slide.grid.lay)
    waits_for(qtbot, lambda: session.spots is not None)
    hands.press(bench.go)
    predict = dock_of(viewer, "Predict")
    waits_for(qtbot, lambda: predict.isVisible() and session.model is not None)
    hands.press(predict.runner.run)
    waits_for(qtbot, lambda: session.result is not None and session.result.complete)
    print(f"\n{len(hands.made)} clicks: {', '.join(hands.made)}")
    assert len(hands.made) <= TO_MAP
    assert workspace_of(viewer).layers["predicted"].visible
    assert kit.sentences(notes) == []
