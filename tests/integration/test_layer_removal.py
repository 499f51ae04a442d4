"""Layers removed in napari's own list: what they show is still open, and nothing of it is lost."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_mclstexp.analysis.domain_settings import DomainSettings
from napari_mclstexp.analysis.region import Region
from support import widget_kit as kit

RUN_MS = 60_000
STILL_OPEN = "The slide is still open; close it in Slide and spots."
RING = ((100.0, 100.0), (500.0, 100.0), (500.0, 400.0), (100.0, 100.0))


@pytest.fixture
def workspace(docks, qtbot, slide_file, tiny_prediction, tiny_model):
    """A workspace with a slide, spots, a prediction, domains and a region."""
    workspace = docks[0].workspace
    session = workspace.session
    kit.open_prediction(session, slide_file, tiny_model, tiny_prediction)
    workspace.tasks.find_domains(DomainSettings(k=2), "predicted")
    qtbot.waitUntil(lambda: session.annotations.domains is not None, timeout=RUN_MS)
    session.edit("Draw", regions=(Region("one", ((RING,),)),))
    qtbot.waitUntil(lambda: not workspace.jobs.busy, timeout=RUN_MS)
    return workspace


@pytest.fixture
def kept(workspace):
    """A function that checks that the session still has all that it had."""
    session = workspace.session
    before = (session.slide, session.spots, session.result, session.annotations.domains)
    regions = session.annotations.regions

    def check():
        now = (session.slide, session.spots, session.result, session.annotations.domains)
        assert [a is b for a, b in zip(now, before, strict=True)] == [True] * 4
        assert session.annotations.regions == regions
        assert session.slide.read_level(0, 0, 0, 1, 1).shape[:2] == (1, 1)

    return check


def words(notes):
    return [note.message for note in notes]


def shown(viewer):
    return {layer.name for layer in viewer.layers}


def test_the_slide_comes_back_with_all_that_lies_on_it_and_says_how_to_close_it(
    workspace, viewer, qtbot, kept, notes
):
    layer, names = workspace.layers["slide"], shown(viewer)
    viewer.scene.camera.zoom = 3.0
    viewer.scene.camera.center = (0.0, 210.0, 330.0)
    viewer.layers.selection = {layer}
    qtbot.mouseClick(viewer.window._qt_viewer.layerButtons.deleteButton, Qt.MouseButton.LeftButton)
    assert layer not in viewer.layers
    qtbot.waitUntil(lambda: workspace.layers["slide"] in viewer.layers)
    kept()
    assert shown(viewer) == names
    assert viewer.layers[0] is workspace.layers["slide"]
    assert viewer.scene.camera.zoom == pytest.approx(3.0)
    np.testing.assert_allclose(viewer.scene.camera.center[-2:], (210, 330), atol=1)
    assert words(notes) == [STILL_OPEN]


def test_a_layer_that_can_be_hidden_is_hidden_and_comes_back_when_asked_for(
    workspace, viewer, qtbot, kept, notes
):
    session, layers = workspace.session, workspace.layers
    for slot in ("spots", "domains", "regions"):
        flag = f"show_{slot}"
        session.show(**{flag: True})
        layer = layers.regions.layer if slot == "regions" else layers[slot]
        notes.clear()
        viewer.layers.remove(layer)
        qtbot.waitUntil(lambda flag=flag: not getattr(session.display, flag))
        kept()
        assert layer not in viewer.layers
        (word,) = words(notes)
        assert word.startswith(f"The {slot} are hidden, not lost")
        session.show(**{flag: True})
        again = layers.regions.layer if slot == "regions" else layers[slot]
        assert again in viewer.layers
        assert again.visible


def test_regions_come_back_with_napari_s_eye_and_stay_while_one_draws_on(workspace, viewer, qtbot):
    session, regions = workspace.session, workspace.layers.regions
    viewer.layers.remove(regions.layer)
    qtbot.waitUntil(lambda: regions.layer in viewer.layers)
    regions.layer.visible = True
    assert session.display.show_regions
    regions.layer.add_polygons(np.array([[600.0, 700], [600, 900], [800, 900]]))
    qtbot.waitUntil(lambda: len(session.annotations.regions) == 2)
    assert regions.layer.visible


def test_the_expression_is_drawn_again(workspace, viewer, qtbot, kept, notes):
    for style in ("points", "heatmap"):
        workspace.session.show(style=style)
        notes.clear()
        viewer.layers.remove(workspace.layers["predicted"])
        qtbot.waitUntil(lambda: workspace.layers["predicted"] in viewer.layers)
        kept()
        assert "opacity" in words(notes)[0]


def test_removing_all_layers_at_once_loses_nothing(workspace, viewer, qtbot, kept, notes):
    def select_and_delete():
        viewer.layers.select_all()
        viewer.layers.remove_selected()

    for quantity in ("predicted", "beside"):
        workspace.session.show(quantity=quantity)
        names = shown(viewer)
        for remove_all in (viewer.layers.clear, select_and_delete):
            notes.clear()
            remove_all()
            assert len(viewer.layers) == 0
            qtbot.waitUntil(lambda names=names: shown(viewer) == names)
            kept()
            assert words(notes) == [STILL_OPEN]
            viewer.screenshot(canvas_only=True, flash=False)


def test_genes_in_views_of_their_own_come_back_too(workspace, viewer, qtbot, kept):
    workspace.session.show(compare=(kit.GENES[1], kit.GENES[2]))
    names = shown(viewer)
    qtbot.wait(200)
    viewer.layers.clear()
    qtbot.waitUntil(lambda: shown(viewer) == names)
    qtbot.wait(200)
    kept()
    workspace.session.show(compare=())


def test_what_was_drawn_just_before_is_not_lost_with_its_layer(workspace, viewer, qtbot):
    session, layer = workspace.session, workspace.layers.regions.layer
    layer.add_polygons(np.array([[600.0, 700], [600, 900], [800, 900]]))
    viewer.layers.clear()
    qtbot.waitUntil(lambda: len(session.annotations.regions) == 2)
    session.undo()
    assert len(session.annotations.regions) == 1
    qtbot.wait(100)
    assert len(session.shown.history.past) == 2  # domains and the first region: no step of its own


def test_a_layer_removed_while_one_draws_on_it_ends_the_drawing(workspace, viewer, qtbot):
    session, layer = workspace.session, workspace.layers.regions.layer
    layer.add_polygons(np.array([[600.0, 700], [600, 900], [800, 900]]))
    layer._is_creating = True  # napari's word for the mouse button being down
    viewer.layers.remove(layer)
    qtbot.waitUntil(lambda: len(session.annotations.regions) == 2)
    qtbot.wait(200)
    assert len(session.annotations.regions) == 2


def test_closing_napari_brings_no_layer_back(workspace, viewer, qtbot, notes):
    layer = workspace.layers.regions.layer
    layer.add_polygons(np.array([[600.0, 700], [600, 900], [800, 900]]))
    viewer.close()
    qtbot.wait(100)
    assert len(viewer.layers) == 0
    assert workspace.session.slide is None
    assert words(notes) == []


def test_the_dock_still_closes_the_slide(workspace, docks, viewer, click, qtbot):
    click(docks[0].slide.close_slide)
    qtbot.waitUntil(lambda: workspace.session.slide is None)
    qtbot.wait(50)
    assert len(viewer.layers) == 0
