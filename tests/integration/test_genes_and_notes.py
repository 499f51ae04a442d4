"""Genes by name from anywhere, and what stands on the canvas, in the real window."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import QApplication

from napari_mclstexp.analysis.domain_settings import DomainSettings
from napari_mclstexp.session.next_step import DOCKS
from napari_mclstexp.slides import open_slide
from napari_mclstexp.widgets.frame.canvas_notes import CanvasNotes
from support import widget_kit as kit
from support.frame_kit import dock, gene_bar

RUN_MS = 60_000


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


def test_the_gene_bar_says_how_reliable_a_gene_is_and_keys_walk_wherever_one_is(
    explored, viewer, qtbot
):
    bar, session = gene_bar(viewer), explored.workspace.session
    for name in DOCKS:
        explored.bring(name)
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


def test_typing_unfolds_the_list_and_an_alias_says_what_happened(explored, viewer, qtbot):
    picker, session = gene_bar(viewer).picker, explored.workspace.session
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
    qtbot.keyClicks(picker.search, "gn")
    assert picker.drop.isVisible()
    assert picker.drop.height() < 100  # as high as what was found
    picker.search.clear()
    qtbot.keyClicks(picker.search, "FANS")
    assert "No gene has “FANS” in its name." in picker.none.text()
    assert 'href="FASN"' in picker.none.text()
    session.show(gene="GNAS")
    picker.none.linkActivated.emit("FASN")  # as QLabel does for a click on it
    assert session.gene == "FASN"


def test_names_of_genes_lead_to_their_maps_from_domains_dots_and_evidence(explored, viewer, qtbot):
    workspace = explored.workspace
    session = workspace.session
    explored.bring("Domains")
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


def test_the_divider_is_dragged_and_the_maps_follow_it(explored, viewer, qtbot):
    session, layers = explored.workspace.session, explored.workspace.layers
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


def test_domains_have_a_legend_on_the_canvas_in_their_colours(explored, viewer, qtbot):
    workspace = explored.workspace
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


def test_a_clicked_spot_has_a_ring_until_another_slide_is_shown(explored, viewer, qtbot, tmp_path):
    workspace = explored.workspace
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
