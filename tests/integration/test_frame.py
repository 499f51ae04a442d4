"""The frame around the tissue, in the real window: steps, gene bar, notes on the canvas, theme."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from napari.settings import get_settings
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import QApplication, QDockWidget, QTabBar

from napari_mclstexp.analysis.domain_settings import DomainSettings
from napari_mclstexp.inference.predict import predict
from napari_mclstexp.model import load_model
from napari_mclstexp.session.next_step import DOCKS
from napari_mclstexp.slides import open_slide
from napari_mclstexp.spots import find_tissue
from napari_mclstexp.spots.readers.choose import read_spots
from napari_mclstexp.widgets.common.napari_compat import layer_panels
from napari_mclstexp.widgets.common.theme import colour
from napari_mclstexp.widgets.frame.canvas_notes import CanvasNotes
from napari_mclstexp.widgets.frame.gene_bar import GeneBar
from support import widget_kit as kit

RUN_MS = 60_000


@pytest.fixture(scope="module")
def prediction(slide_file, spots_file, tiny_model):
    """A finished prediction beside measured counts."""
    with open_slide(slide_file) as slide:
        return predict(slide, read_spots(spots_file), load_model(tiny_model), device="cpu")


@pytest.fixture
def bench(viewer, qtbot):
    """The Workbench, in a window of 1366 by 768."""
    viewer.window._qt_window.resize(1366, 768)
    _, bench = viewer.window.add_plugin_dock_widget("napari-mclstexp", "Workbench")
    qtbot.waitUntil(lambda: standing(viewer) == ["Slide and spots"])
    qtbot.wait(400)
    viewer.window._qt_window.activateWindow()  # keys go to the window in front
    qtbot.waitUntil(viewer.window._qt_window.isActiveWindow)
    return bench


@pytest.fixture
def predicted(bench, slide_file, prediction, tiny_model):
    """The Workbench with a prediction open, as a worker would have opened it."""
    session = bench.workspace.session
    slide = open_slide(slide_file)
    session.use_slide(slide, find_tissue(slide))
    session.use_model(load_model(tiny_model))
    session.use_prediction(prediction)
    session.show(gene="FASN")
    return bench


def standing(viewer) -> list[str]:
    """The titles of the docks of the plugin that are seen, but for the line of steps."""
    window = viewer.window._qt_window
    panels = layer_panels(viewer)
    return [
        dock.windowTitle()
        for dock in window.findChildren(QDockWidget)
        if not dock.isHidden() and dock not in panels and dock.windowTitle() != "Workbench"
    ]


def dock(viewer, name):
    return viewer.window.add_plugin_dock_widget("napari-mclstexp", name)[1]


def gene_bar(viewer) -> GeneBar:
    return viewer.window._qt_window.findChild(GeneBar)


def share(viewer) -> float:
    """How much of the window's width the canvas has."""
    window = viewer.window._qt_window
    return viewer.window._qt_viewer.canvas.native.width() / window.width()


def test_the_workbench_gives_the_tissue_the_screen_and_one_key_brings_napari_back(
    bench, viewer, qtbot
):
    window = viewer.window._qt_window
    assert all(panel.isHidden() for panel in layer_panels(viewer))
    assert share(viewer) > 0.6
    assert "F9" in bench.layers.text()
    qtbot.keyClick(window, Qt.Key.Key_F9)
    qtbot.waitUntil(lambda: not any(panel.isHidden() for panel in layer_panels(viewer)))
    assert bench.layers.isChecked()
    qtbot.keyClick(window, Qt.Key.Key_F9)
    qtbot.waitUntil(lambda: all(panel.isHidden() for panel in layer_panels(viewer)))


def test_one_dock_stands_at_a_time_by_its_plain_name_and_the_steps_say_which(
    bench, viewer, qtbot, click
):
    assert standing(viewer) == ["Slide and spots"]  # it opens on the first step
    assert bench.steps["Slide and spots"].isChecked()
    for name in ("Annotate", "Predict", "Slide and spots"):
        click(bench.steps[name])
        assert standing(viewer) == [name]
        assert [step for step, button in bench.steps.items() if button.isChecked()] == [name]
    dock(viewer, "Genes")  # from napari's menu
    qtbot.waitUntil(lambda: standing(viewer) == ["Genes"])
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
for name in (*DOCKS, "Train", "Cohort"):
    bench.bring(name)
    settle(0.15)
    canvas = viewer.window._qt_viewer.canvas.native
    found[name] = (window.width(), window.height(), canvas.width(), canvas.height())
buttons = [*bench.steps.values(), bench.go, bench.fit, bench.layers]
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
    assert set(found) == {*DOCKS, "Train", "Cohort"}
    for name, (width, height, canvas, canvas_height) in found.items():
        assert (width, height) == (910, 512), name  # 1366 by 768 of the screen's own px
        assert canvas >= width / 2, name
        assert canvas_height >= height / 2, name
    assert all(x <= 910 and y <= 512 for x, y in places)
    assert cut == []
    assert said


def test_the_view_is_for_the_tissue_until_the_person_looks_elsewhere(predicted, viewer, qtbot):
    camera, canvas = viewer.scene.camera, viewer.window._qt_viewer.canvas.native
    (top, left), (bottom, right) = predicted.workspace.scene.focus

    def seen():
        high, wide = canvas.height() / camera.zoom, canvas.width() / camera.zoom
        return high, wide

    high, wide = seen()
    assert camera.center[-2:] == pytest.approx(((top + bottom) / 2, (left + right) / 2))
    assert 1 < min(high / (bottom - top), wide / (right - left)) < 1.15  # and little of the glass
    room = canvas.width()
    predicted.layers.click()  # less room, all of it still seen
    qtbot.waitUntil(lambda: canvas.width() < room - 100)
    qtbot.waitUntil(lambda: 1 < min(seen()[0] / (bottom - top), seen()[1] / (right - left)) < 1.15)
    camera.zoom = camera.zoom * 3
    zoom = camera.zoom
    predicted.layers.click()
    qtbot.waitUntil(lambda: canvas.width() == room)
    assert camera.zoom == zoom
    predicted.fit.click()
    assert camera.zoom < zoom


# -- the gene bar ------------------------------------------------------------------------------


def test_the_gene_bar_says_how_reliable_a_gene_is_and_keys_walk_wherever_one_is(
    predicted, viewer, qtbot
):
    bar, session = gene_bar(viewer), predicted.workspace.session
    for name in DOCKS:
        predicted.bring(name)
        assert bar.isVisible()
    assert "FASN" in bar.shown.text()
    assert "fair 0.21" in bar.shown.text()
    session.show(gene="CD74")
    assert "unknown" in bar.shown.text()
    session.show(quantity="measured")
    assert "measured" in bar.shown.text()
    session.show(quantity="predicted")
    window = viewer.window._qt_window
    order = gene_bar(viewer).picker.genes.shown
    session.show(gene=order[0])
    viewer.window._qt_viewer.canvas.native.setFocus()
    qtbot.keyClick(window, Qt.Key.Key_F7)
    assert session.gene == order[1]
    qtbot.keyClick(window, Qt.Key.Key_F6)
    assert session.gene == order[0]
    qtbot.keyClick(window, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    search = gene_bar(viewer).picker.search
    qtbot.waitUntil(search.hasFocus)
    qtbot.keyClick(search, Qt.Key.Key_Down)
    assert session.gene == order[1]
    assert not gene_bar(viewer).picker.drop.isVisible()  # it would cover the tissue


def test_typing_unfolds_the_list_and_an_alias_says_what_happened(predicted, viewer, qtbot):
    picker, session = gene_bar(viewer).picker, predicted.workspace.session
    picker.search.setFocus()
    qtbot.keyClicks(picker.search, "gn")
    assert picker.drop.isVisible()
    place = picker.list.visualRect(picker.genes.index(0)).center()
    qtbot.mouseClick(picker.list.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert session.gene == "GNAS"
    assert not picker.drop.isVisible()
    # An alias says what happened, and what comes near is a link.
    picker.search.clear()
    qtbot.keyClicks(picker.search, "HER2")
    qtbot.keyClick(picker.search, Qt.Key.Key_Return)
    assert picker.note.text() == "HER2 is ERBB2; this model does not predict it."
    picker.search.clear()
    qtbot.keyClicks(picker.search, "FANS")
    assert "No gene has “FANS” in its name." in picker.none.text()
    assert 'href="FASN"' in picker.none.text()
    session.show(gene="GNAS")
    picker.none.linkActivated.emit("FASN")  # as QLabel does for a click on it
    assert session.gene == "FASN"


# -- names of genes are links ------------------------------------------------------------------


def test_names_of_genes_lead_to_their_maps_from_domains_dots_and_evidence(predicted, viewer, qtbot):
    workspace = predicted.workspace
    session = workspace.session
    predicted.bring("Domains")
    domains = dock(viewer, "Domains")
    workspace.tasks.find_domains(DomainSettings(k=2), "predicted")
    qtbot.waitUntil(domains.save_markers.isEnabled, timeout=RUN_MS)
    assert workspace.layers["domains"] is not None
    gene = domains.dots.genes[-1]
    kit.bring_to_front(domains.dots)
    place = domains.dots.place_of(gene).toPoint()
    qtbot.mouseClick(domains.dots, Qt.MouseButton.LeftButton, pos=place)
    assert session.gene == gene
    assert workspace.layers["domains"] is None  # the map of the gene is what is seen
    label = domains.table.cellWidget(0, 3)
    first = domains.table.item(0, 3).text().split(", ")[0]
    assert f'href="{first}"' in label.text()
    session.show(gene=next(each for each in kit.GENES if each != first))
    label.linkActivated.emit(first)
    assert session.gene == first
    evidence = dock(viewer, "Evidence")
    evidence.summary.linkActivated.emit("GNAS")
    assert session.gene == "GNAS"
    genes = dock(viewer, "Genes")
    qtbot.waitUntil(lambda: genes.alike.count() > 0, timeout=RUN_MS)
    assert genes.plot.getPlotItem().items  # the histogram
    alike = genes.alike.item(0)
    name = alike.text().split()[0]
    genes.alike.itemClicked.emit(alike)
    assert session.gene == name != "GNAS"


# -- notes on the canvas -----------------------------------------------------------------------


def drag(widget, start: QPoint, end: QPoint) -> None:
    """Drag on a widget with the left button held."""
    left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    steps = [
        (QEvent.Type.MouseButtonPress, start, left, left),
        (QEvent.Type.MouseMove, (start + end) / 2, none, left),
        (QEvent.Type.MouseMove, end, none, left),
        (QEvent.Type.MouseButtonRelease, end, left, none),
    ]
    canvas = widget.parentWidget()
    for kind, at, button, held in steps:
        here = widget.mapFrom(canvas, at)
        event = QMouseEvent(
            kind, QPointF(here), QPointF(canvas.mapToGlobal(at)), button, held,
            Qt.KeyboardModifier.NoModifier,
        )  # fmt: skip
        QApplication.sendEvent(widget, event)


def test_the_divider_is_dragged_and_the_maps_follow_it(predicted, viewer, qtbot):
    session, layers = predicted.workspace.session, predicted.workspace.layers
    notes = viewer.window._qt_window.findChild(CanvasNotes)
    assert not notes.divider.isVisible()
    session.show(quantity="swipe", swipe=0.5)
    assert notes.divider.isVisible()
    before = int(layers["predicted"].shown.sum())
    middle, height = notes.divider.middle, notes.divider.height() // 3
    centre = viewer.scene.camera.center
    drag(notes.divider, QPoint(middle, height), QPoint(middle + 150, height))
    assert session.display.swipe > 0.6
    assert abs(notes.divider.middle - middle - 150) <= 2  # it stays under the mouse
    assert int(layers["predicted"].shown.sum()) > before
    assert viewer.scene.camera.center == centre  # the canvas took no part in it
    notes.divider.setFocus()
    at = session.display.swipe
    qtbot.keyClick(notes.divider, Qt.Key.Key_Left)
    assert session.display.swipe < at
    session.show(quantity="predicted")
    assert not notes.divider.isVisible()


def test_domains_have_a_legend_on_the_canvas_in_their_colours(predicted, viewer, qtbot):
    workspace = predicted.workspace
    notes = viewer.window._qt_window.findChild(CanvasNotes)
    workspace.tasks.find_domains(DomainSettings(k=2), "predicted")
    qtbot.waitUntil(lambda: workspace.layers["domains"] is not None, timeout=RUN_MS)
    domains = workspace.session.annotations.domains
    picture = notes.grab().toImage()
    seen = {
        picture.pixelColor(x, y).getRgb()[:3]
        for x in range(10, 40)
        for y in range(picture.height() - 80, picture.height())
    }
    assert {tuple(domains.colours[key]) for key in domains.keys} <= seen
    assert all(domains.names[key] in notes.accessibleDescription() for key in domains.keys)


def test_a_clicked_spot_has_a_ring_until_another_slide_is_shown(predicted, viewer, qtbot, tmp_path):
    workspace = predicted.workspace
    session, layers = workspace.session, workspace.layers
    evidence = dock(viewer, "Evidence")
    y, x = workspace.scene.spots.positions[30]
    evidence.choose(y, x)
    ring = layers["picked"]
    np.testing.assert_allclose(ring.data, np.tile([y, x], (4, 1)))
    model = session.model.config
    assert ring.size.max() == pytest.approx(model.patch_px * model.um_per_px)
    viewer.layers.remove(ring)  # by hand: what is picked is still picked
    qtbot.waitUntil(lambda: layers["picked"] is not None)
    other = kit.write_slide(tmp_path / "other.ome.tif")
    session.use_slide(open_slide(other))
    assert layers["picked"] is None
    evidence.choose(-1e5, -1e5)
    assert session.shown.picked == ""


# -- the theme, and what moves nothing ---------------------------------------------------------


def test_a_change_of_theme_reaches_what_the_plugin_draws(predicted, viewer):
    theme = get_settings().appearance
    before = theme.theme
    genes = dock(viewer, "Genes")
    scrolling = genes.layout().itemAt(0).widget()
    try:
        theme.theme = "dark"
        dark = scrolling.styleSheet(), predicted.styleSheet(), colour("text").lightness()
        theme.theme = "light"
        light = scrolling.styleSheet(), predicted.styleSheet(), colour("text").lightness()
    finally:
        theme.theme = before
    assert dark[2] > 128 > light[2]
    assert dark[0] != light[0]  # boxes that are not ticked
    assert dark[1] != light[1]  # the steps


def test_the_steps_and_the_predict_dock_stand_still_and_say_what_is_so(predicted, viewer, qtbot):
    texts = {name: button.text() for name, button in predicted.steps.items()}
    assert "✓" in texts["Slide and spots"]
    assert "✓" in texts["Predict"]
    assert "✓" not in texts["Domains"]
    assert [n for n, button in predicted.steps.items() if button.font().bold()] == ["Domains"]
    assert "domains" in predicted.say.text()
    predicted.bring("Predict")
    panel = dock(viewer, "Predict")
    run = predicted.workspace.session.runs
    qtbot.wait(50)
    place = panel.display.y()
    started = run.start()
    qtbot.wait(50)
    assert panel.runner.bar.isVisible()
    assert panel.display.y() == place
    run.abandon(started)
    # Colours are not offered for maps that have their own.
    session = predicted.workspace.session
    assert panel.display.colormap.isEnabled()
    session.show(quantity="difference")
    assert not panel.display.colormap.isEnabled()
    assert not panel.display.fixed.isEnabled()
    session.show(quantity="predicted")
    assert panel.display.colormap.isEnabled()
