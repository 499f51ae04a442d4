"""The Evidence dock in the real window: a click on a spot shows what was retrieved for it."""

from __future__ import annotations

import re

import numpy as np
import pytest
from qtpy.compat import isalive
from qtpy.QtCore import QPoint, Qt

from napari_mclstexp.analysis.evidence import evidence
from support import widget_kit as kit

RUN_MS = 60_000


@pytest.fixture
def predicted(docks, viewer, slide_file, tiny_prediction, tiny_model):
    """Return the Evidence dock beside a finished prediction."""
    dock = viewer.window.add_plugin_dock_widget("napari-mclstexp", "Evidence")[1]
    session = dock.workspace.session
    kit.open_prediction(session, slide_file, tiny_model, tiny_prediction)
    return dock


def plain(rich: str) -> str:
    """What is read of rich text."""
    return re.sub("<[^>]+>", "", rich)


def click_at(viewer, qtbot, y_um: float, x_um: float) -> None:
    """Click the canvas where a place of the slide is drawn."""
    viewer.reset_view()
    canvas = viewer.window._qt_viewer.canvas
    qtbot.wait(200)
    height, width = canvas.native.height(), canvas.native.width()
    camera = viewer.scene.camera
    centre, zoom = np.array(camera.center[-2:]), camera.zoom
    y, x = (np.array([y_um, x_um]) - centre) * zoom + np.array([height, width]) / 2
    qtbot.mouseClick(canvas.native, Qt.MouseButton.LeftButton, pos=QPoint(round(x), round(y)))


def test_a_click_on_a_spot_shows_the_retrieved_spots_that_make_its_value(predicted, viewer, qtbot):
    session = predicted.workspace.session
    assert "click a spot" in predicted.summary.text()
    x, y = np.asarray(session.spots.obsm["spatial"])[20] * session.slide.um_per_px
    click_at(viewer, qtbot, y, x)
    spot = session.spots.obs_names[20]
    qtbot.waitUntil(lambda: predicted.spot == spot)
    found = evidence(session.model, session.result.adata, spot, session.gene)
    value = f"{session.gene} at {spot}: {found.value:.2f}"
    qtbot.waitUntil(lambda: value in plain(predicted.summary.text()))
    first = found.retrieved[0]
    assert predicted.retrieved[0] == (f"{first.section}\n{first.weight:.1%} · {first.measured:.2f}")


def test_another_gene_is_explained_at_the_same_spot_until_the_slide_is_closed(predicted, qtbot):
    session = predicted.workspace.session
    x, y = np.asarray(session.spots.obsm["spatial"])[5] * session.slide.um_per_px
    predicted.choose(y, x)
    other = next(gene for gene in session.genes if gene != session.gene)
    session.show(gene=other)
    title = f"{other} at {session.spots.obs_names[5]}"
    qtbot.waitUntil(lambda: title in plain(predicted.summary.text()))
    predicted.choose(-5000, -5000)  # beside the tissue
    assert predicted.spot == ""
    assert predicted.retrieved == []
    predicted.choose(y, x)
    qtbot.waitUntil(lambda: bool(predicted.retrieved))
    predicted.workspace.close_slide()
    qtbot.waitUntil(lambda: session.slide is None)
    assert predicted.retrieved == []
    assert "click a spot" in predicted.summary.text()


def test_a_closed_dock_listens_no_more(predicted, viewer, qtbot):
    listening = len(viewer.mouse_drag_callbacks)
    session = predicted.workspace.session
    viewer.window.remove_dock_widget(predicted)
    predicted.deleteLater()
    qtbot.waitUntil(lambda: not isalive(predicted))
    click_at(viewer, qtbot, 100, 100)  # nobody is there to fail
    session.show(gene=next(gene for gene in session.genes if gene != session.gene))
    qtbot.wait(200)
    viewer.window.add_plugin_dock_widget("napari-mclstexp", "Evidence")
    assert len(viewer.mouse_drag_callbacks) == listening  # the new dock in place of the old


def test_the_spot_s_own_tissue_is_shown_large_and_what_was_retrieved_at_96_px(predicted, qtbot):
    session = predicted.workspace.session
    xy = np.asarray(session.spots.obsm["spatial"])[20]
    predicted.choose(*(xy * session.slide.um_per_px)[::-1])
    qtbot.waitUntil(lambda: bool(predicted.retrieved))
    across = session.model.config.patch_px * session.model.config.um_per_px
    pixels = predicted.patch.pixmap().toImage()
    assert pixels.width() == pixels.height() >= 192
    seen = pixels.pixelColor(pixels.width() // 2, pixels.height() // 2)
    step = across / session.slide.um_per_px / pixels.width()
    there = session.slide.read_downsampled(xy[0] - step / 2, xy[1] - step / 2, 1, 1, step)[0, 0]
    assert np.abs(np.array(seen.getRgb()[:3]) - there).max() < 60  # noise of ± 18 in the slide
    picture, _ = predicted._more.cells[0]
    assert picture.iconSize().width() >= 96


def test_a_retrieved_spot_leads_to_its_place_where_its_section_is_open(
    predicted, viewer, qtbot, click, tmp_path, slide_file, spots_file, notes
):
    workspace = predicted.workspace
    session = workspace.session
    predicted.choose(*(np.asarray(session.spots.obsm["spatial"])[20] * 0.5)[::-1])
    qtbot.waitUntil(lambda: bool(predicted.retrieved))
    first = predicted._more._spots[0]
    picture, _ = predicted._more.cells[0]
    click(picture)
    qtbot.waitUntil(lambda: any(f"{first.section} is not open" in note.message for note in notes))
    other = tmp_path / f"{first.section}.ome.tif"
    other.write_bytes(slide_file.read_bytes())
    shown = session.shown
    workspace.open_slide(other)
    qtbot.waitUntil(lambda: session.shown is not shown, timeout=RUN_MS)
    workspace.load_spots(spots_file)
    qtbot.waitUntil(lambda: session.spots is not None, timeout=RUN_MS)
    of_section = session.shown
    names = session.spots.obs_names.tolist()
    names[7] = first.barcode
    session.spots.obs_names = names
    session.select(shown)
    predicted.choose(*(np.asarray(session.spots.obsm["spatial"])[20] * 0.5)[::-1])
    qtbot.waitUntil(lambda: bool(predicted.retrieved))
    click(picture)
    assert session.shown is of_section
    x, y = np.asarray(session.spots.obsm["spatial"])[7] * session.um_per_px
    np.testing.assert_allclose(viewer.scene.camera.center[-2:], (y, x), atol=1)
