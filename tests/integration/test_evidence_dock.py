"""The Evidence dock in the real window: a click on a spot shows what was retrieved for it."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt

from napari_mclstexp.analysis.evidence import evidence

RUN_MS = 60_000


@pytest.fixture
def predicted(docks, viewer, slide_file, spots_file, tiny_model, qtbot):
    """Return the Evidence dock beside a finished prediction."""
    dock = viewer.window.add_plugin_dock_widget("napari-mclstexp", "Evidence")[1]
    workspace = dock.workspace
    session = workspace.session
    workspace.open_slide(slide_file)
    qtbot.waitUntil(lambda: session.slide is not None)
    workspace.load_spots(spots_file)
    workspace.load_model(tiny_model)
    qtbot.waitUntil(lambda: session.spots is not None and session.model is not None, timeout=RUN_MS)
    workspace.run("cpu")
    qtbot.waitUntil(lambda: session.result is not None and session.result.complete, timeout=RUN_MS)
    return dock


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
    qtbot.waitUntil(lambda: value in predicted.summary.text())
    first = found.retrieved[0]
    assert predicted.retrieved[0] == (f"{first.section}\n{first.weight:.1%} · {first.measured:.2f}")


def test_another_gene_is_explained_at_the_same_spot(predicted, qtbot):
    session = predicted.workspace.session
    x, y = np.asarray(session.spots.obsm["spatial"])[5] * session.slide.um_per_px
    predicted.choose(y, x)
    other = next(gene for gene in session.genes if gene != session.gene)
    session.show(gene=other)
    title = f"{other} at {session.spots.obs_names[5]}"
    qtbot.waitUntil(lambda: title in predicted.summary.text())


def test_beside_the_tissue_nothing_is_explained(predicted):
    predicted.choose(-5000, -5000)
    assert predicted.spot == ""
    assert predicted.retrieved == []


def test_a_closed_slide_leaves_no_retrieved_spots_behind(predicted, qtbot):
    session = predicted.workspace.session
    x, y = np.asarray(session.spots.obsm["spatial"])[5] * session.slide.um_per_px
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
    qtbot.waitUntil(lambda: len(viewer.mouse_drag_callbacks) == listening - 1)
    click_at(viewer, qtbot, 100, 100)  # nobody is there to fail
    session.show(gene=next(gene for gene in session.genes if gene != session.gene))
    qtbot.wait(200)
