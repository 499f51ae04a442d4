"""The way from a slide to its files without a mouse but for drawing."""

from __future__ import annotations

import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_mclstexp.export.geojson import read_geojson
from napari_mclstexp.session.next_step import DOCKS
from napari_mclstexp.widgets.common.tabbing import dock_of
from napari_mclstexp.widgets.workbench import MORE
from support.canvas_mouse import drag_over
from support.frame_kit import standing
from support.keys import ALT, CTRL, Keys

RUN_MS = 120_000
ENTER, SPACE, ESCAPE = Qt.Key.Key_Return, Qt.Key.Key_Space, Qt.Key.Key_Escape


@pytest.fixture
def keys(workbench, viewer):
    return Keys(viewer)


def dock(viewer, name):
    return viewer.window.add_plugin_dock_widget("napari-mclstexp", name)[1]


def test_every_dock_has_keys_that_bring_it_to_the_front_and_the_focus_into_it(keys, viewer, qtbot):
    for number, name in enumerate((*DOCKS, *MORE), start=1):
        keys.step(number % 10)
        qtbot.waitUntil(lambda name=name: standing(viewer) == [name])
        inside = dock_of(dock(viewer, name))
        qtbot.waitUntil(lambda inside=inside: inside.isAncestorOf(keys.focus))


def test_one_sees_where_the_keys_go(explored, keys, viewer, qtbot):
    keys.step(2)
    inside = dock_of(dock(viewer, "Predict"))
    qtbot.waitUntil(lambda: inside.isAncestorOf(keys.focus))
    seen = set()
    for _ in range(12):
        control = keys.focus
        if type(control) not in seen:
            seen.add(type(control))
            with_focus = control.grab().toImage()
            viewer.window._qt_viewer.canvas.native.setFocus()
            assert control.grab().toImage() != with_focus, control.accessibleName()
            control.setFocus()
        QTest.keyClick(control, Qt.Key.Key_Tab)
    assert len(seen) > 2


@pytest.mark.slow
def test_from_the_sample_to_geojson_figure_and_session_by_keys(
    keys, viewer, qtbot, answers, tmp_path, workbench
):
    session, jobs = workbench.workspace.session, workbench.workspace.jobs

    def waits_for(what):
        qtbot.waitUntil(what, timeout=RUN_MS)
        qtbot.waitUntil(lambda: not jobs.busy, timeout=RUN_MS)

    keys.step(1)
    keys.use(dock(viewer, "Slide and spots").slide.sample)
    waits_for(lambda: session.spots is not None and session.model is not None)
    keys.step(2)
    keys.use(dock(viewer, "Predict").runner.run, ENTER)
    assert session.run is not None
    waits_for(lambda: session.result is not None and session.result.complete)

    wanted = session.genes[7]
    keys.press(Qt.Key.Key_F, CTRL)
    keys.type(wanted)
    keys.press(ESCAPE)  # folds the list, and is not yet the choice
    keys.press(ENTER)
    qtbot.waitUntil(lambda: session.gene == wanted)
    keys.press(Qt.Key.Key_F, CTRL)
    keys.press(Qt.Key.Key_Delete)  # else the list holds what was searched alone
    keys.press(Qt.Key.Key_F7)
    qtbot.waitUntil(lambda: session.gene != wanted)

    keys.step(5)
    domains = dock(viewer, "Domains")
    keys.use(domains.find)
    waits_for(lambda: session.annotations.domains is not None)
    keys.tab_to(domains.table)
    keys.press(Qt.Key.Key_Home)
    while domains.table.currentColumn() != 1:
        keys.press(Qt.Key.Key_Right)
    keys.press(Qt.Key.Key_F2)
    keys.press(Qt.Key.Key_A, CTRL)
    keys.type("Invasive tumour")
    keys.press(ENTER)
    assert "Invasive tumour" in session.annotations.domains.names.values()

    keys.step(6)
    annotate = dock(viewer, "Annotate")
    keys.use(annotate.tools["Rectangle"])
    assert annotate.tools["Rectangle"].isChecked()
    (top, left), (bottom, right) = workbench.workspace.scene.focus
    y, x = (top + bottom) / 2, (left + right) / 2
    drag_over(viewer, qtbot, (y - 300, x - 300), (y + 300, x + 300))
    qtbot.waitUntil(lambda: len(session.annotations.regions) == 1)
    keys.press(Qt.Key.Key_1, ALT)
    first = next(iter(annotate.palette_of_names.buttons))
    qtbot.waitUntil(lambda: session.annotations.regions[0].name == first)

    keys.step(8)
    export = dock(viewer, "Save and export")
    paths = [tmp_path / "regions.geojson", tmp_path / "map.png"]
    for button, path in zip(("GeoJSON…", "Figure…"), paths, strict=True):
        answers(path)
        keys.use(export.buttons[button])
        waits_for(path.is_file)
    answers(tmp_path / "saved")
    keys.use(export.save)
    waits_for(lambda: not session.shown.unsaved)
    assert first in {each.name for each in read_geojson(paths[0])}
    assert paths[1].stat().st_size > 50_000
    assert QApplication.focusWidget() is not None
