"""Dropping files on the window, with and without the docks open, and File > Open Sample."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.utils.notifications import notification_manager
from npe2 import PluginManager
from qtpy.QtCore import QUrl

from napari_mclstexp.errors import SlideError
from napari_mclstexp.widgets.workspace import workspace_of
from support import widget_kit as kit

PLUGIN = "napari-mclstexp"
RUN_MS = 60_000


@pytest.fixture
def outs(tmp_path):
    """A Space Ranger folder with the spots of the small slide."""
    return kit.write_outs(tmp_path / "section" / "outs")


@pytest.fixture
def bare():
    """A viewer without a window, as scripts use it."""
    PluginManager.instance().discover()
    viewer = ViewerModel()
    yield viewer
    for layer in viewer.layers:
        layer.metadata["mclstexp"].slide.close()


def test_a_dropped_slide_is_drawn_in_micrometres_even_without_docks(bare, slide_file):
    viewer = bare
    (layer,) = viewer.open(slide_file, plugin=PLUGIN)
    assert layer.multiscale
    assert [str(unit) for unit in layer.units] == ["micrometer"] * 2
    np.testing.assert_allclose(layer.extent.world[1], [600, 800], atol=1)


def test_a_dropped_slide_becomes_the_sessions_without_being_drawn_twice(
    docks, viewer, slide_file, qtbot
):
    slide, _ = docks
    viewer.open(slide_file, plugin=PLUGIN)
    assert slide.busy.label.text() == "Opening tissue.ome.tif …"  # read in the background
    qtbot.waitUntil(lambda: slide.workspace.session.slide is not None)
    assert list(viewer.layers) == [slide.workspace.layers["slide"]]
    assert "1,600 × 1,200 px" in slide.slide.facts.text()


def test_docks_opened_later_know_what_was_dropped_before(viewer, slide_file, spots_file, qtbot):
    viewer.open(slide_file, plugin=PLUGIN)
    viewer.open(spots_file, plugin=PLUGIN)
    _, slide = viewer.window.add_plugin_dock_widget(PLUGIN, "Slide and spots")
    qtbot.waitUntil(lambda: slide.workspace.session.spots is not None)
    assert slide.workspace.session.slide is not None
    assert len(viewer.layers) == 3
    np.testing.assert_array_equal(
        slide.workspace.layers["spots"].data, kit.spots().obsm["spatial"][:, ::-1] * 0.5
    )


def test_a_dropped_space_ranger_folder_becomes_the_spots(docks, viewer, slide_file, outs, qtbot):
    slide, _ = docks
    session = slide.workspace.session
    viewer.open(slide_file, plugin=PLUGIN)
    viewer.open(outs, plugin=PLUGIN)
    qtbot.waitUntil(lambda: session.spots is not None)
    assert session.spots.n_obs == 63
    assert session.spots.uns["mclstexp"]["platform"] == "visium"
    assert slide.workspace.layers["spots"] in viewer.layers


def test_other_folders_are_left_to_other_readers(tmp_path):
    readers = PluginManager.instance().iter_compatible_readers([str(tmp_path)])
    ours = [reader for reader in readers if reader.plugin_name == PLUGIN]
    assert ours
    assert all(r.exec(kwargs={"path": [str(tmp_path)], "stack": False}) is None for r in ours)


def test_spots_that_do_not_fit_the_slide_are_told_and_not_kept(
    docks, viewer, slide_file, tmp_path, qtbot
):
    slide, _ = docks
    far = kit.spots()
    far.obsm["spatial"] += 50_000
    far.write_h5ad(tmp_path / "far.h5ad")
    viewer.open(slide_file, plugin=PLUGIN)
    notification_manager.records.clear()
    viewer.open(tmp_path / "far.h5ad", plugin=PLUGIN)
    qtbot.waitUntil(lambda: bool(notification_manager.records))
    assert [record.message.count("outside") for record in notification_manager.records] == [1]
    assert slide.workspace.session.spots is None
    assert len(viewer.layers) == 1


def test_a_dropped_prediction_shows_its_slide_and_its_genes(
    docks, viewer, slide_file, spots_file, tiny_model, tmp_path, qtbot
):
    from napari_mclstexp.inference.predict import predict
    from napari_mclstexp.inference.prediction_io import write_prediction
    from napari_mclstexp.model.folder import load_model
    from napari_mclstexp.slides.registry import open_slide
    from napari_mclstexp.spots.readers.choose import read_spots

    with open_slide(slide_file) as slide:
        prediction = predict(slide, read_spots(spots_file), load_model(tiny_model))
    write_prediction(prediction, tmp_path / "p.h5ad")
    _, dock = docks
    viewer.open(tmp_path / "p.h5ad", plugin=PLUGIN)
    qtbot.waitUntil(lambda: dock.save.isEnabled())
    layers = dock.workspace.layers
    assert all(layers[slot] in viewer.layers for slot in ("slide", "spots", "predicted"))
    assert len(viewer.layers) == 3
    assert set(dock.genes.genes.shown) == set(kit.GENES)
    assert "Tiny" in dock.result.text()


def test_what_is_no_slide_says_so(bare, tmp_path):
    (tmp_path / "letter.svs").write_text("Dear pathologist")
    with pytest.raises(SlideError, match=r"letter\.svs"):
        bare.open(tmp_path / "letter.svs", plugin=PLUGIN)


def test_the_sample_comes_with_spots_both_docks_and_the_demo_model(
    viewer, qtbot, monkeypatch, tmp_path
):
    viewer.open_sample(PLUGIN, "sample_section")
    workspace = workspace_of(viewer)
    session = workspace.session
    qtbot.waitUntil(lambda: session.model is not None, timeout=60_000)
    assert session.slide is not None
    assert session.spots is not None
    assert len(workspace.docks) == 2
    (predict,) = (dock for dock in workspace.docks if hasattr(dock, "model"))
    assert predict.model.models.currentText() == "Built-in demo"
    assert "Held-out PCC" in predict.model.card.text()


def test_a_file_dropped_or_chosen_is_ours_without_a_question(
    docks, viewer, slide_file, qtbot, monkeypatch
):
    asked = []
    monkeypatch.setattr("napari._qt.qt_viewer.handle_gui_reading", lambda *_, **__: asked.append(1))
    session = docks[0].workspace.session
    viewer.window._qt_viewer._open_from_list_of_urls_data(
        [QUrl.fromLocalFile(str(slide_file))], stack=False, choose_plugin=False
    )
    qtbot.waitUntil(lambda: session.slide is not None, timeout=RUN_MS)
    assert session.slide.path == slide_file
    assert asked == []
    viewer.window._qt_viewer._qt_open([str(slide_file)], stack=False, choose_plugin=True)
    assert len(asked) == 1  # who wants to choose may


def test_a_slide_that_napari_opened_itself_is_taken_over(docks, viewer, tmp_path, qtbot):
    session = docks[0].workspace.session
    path = kit.write_slide(tmp_path / "own.ome.tif")
    viewer.open(path, plugin="napari")
    assert len(viewer.layers) == 1
    qtbot.waitUntil(lambda: session.slide is not None, timeout=RUN_MS)
    qtbot.waitUntil(lambda: len(viewer.layers) == 1)
    assert docks[0].workspace.layers["slide"] in viewer.layers
    assert session.um_per_px == 0.5


def test_other_pictures_are_left_to_napari(docks, viewer, qtbot):
    viewer.add_image(np.zeros((40, 40)), name="a mask")
    qtbot.wait(100)
    assert [layer.name for layer in viewer.layers] == ["a mask"]
    assert docks[0].workspace.session.slide is None
