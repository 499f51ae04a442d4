"""Another gene in the real window: how much work one switch is, and that all of it is right."""

from __future__ import annotations

import numpy as np
import pytest

from napari_mclstexp.inference.predict import predict
from napari_mclstexp.model import load_model
from napari_mclstexp.slides import open_slide
from napari_mclstexp.spots.readers.choose import read_spots
from support import widget_kit as kit


@pytest.fixture
def workspace(docks, slide_file, spots_file, tiny_model):
    """A workspace that shows a finished prediction."""
    workspace = docks[0].workspace
    with open_slide(slide_file) as slide:
        prediction = predict(slide, read_spots(spots_file), load_model(tiny_model), device="cpu")
    workspace.session.use_slide(open_slide(slide_file))
    workspace.session.use_prediction(prediction)
    return workspace


@pytest.mark.parametrize("change", [{"gene": kit.GENES[1]}, {"colormap": "magma"}])
def test_a_switch_sends_the_spots_to_the_canvas_once_and_paints_once(
    workspace, viewer, qtbot, monkeypatch, change
):
    session, layer = workspace.session, workspace.layers["predicted"]
    session.show(gene=kit.GENES[0])
    qtbot.wait(600)  # thumbnails too
    canvas = viewer.window._qt_viewer.canvas
    markers = canvas.layer_to_visual[layer].node.points_markers
    sent, painted, before = [], [], layer.face_color.copy()
    set_data = markers.set_data

    def counted(*data, **more):
        sent.append(more["face_color"])
        set_data(*data, **more)

    monkeypatch.setattr(markers, "set_data", counted)
    canvas._scene_canvas.events.draw.connect(lambda _: painted.append(1))
    session.show(**change)
    qtbot.wait(50)
    assert len(sent) == 1
    assert len(painted) == 1
    assert not np.allclose(before, layer.face_color)
    np.testing.assert_allclose(sent[0], layer.face_color)


def test_the_thumbnail_follows_the_gene_when_she_has_stopped_walking(workspace, qtbot):
    layer = workspace.layers["predicted"]
    workspace.session.show(gene=kit.GENES[0])
    qtbot.wait(600)
    before = layer.thumbnail.copy()
    workspace.session.show(gene=kit.GENES[1])
    qtbot.waitUntil(lambda: not np.array_equal(before, layer.thumbnail), timeout=2000)
