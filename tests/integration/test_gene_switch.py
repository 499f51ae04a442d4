"""Another gene in the real window: how much work one switch is, and that all of it is right."""

from __future__ import annotations

import numpy as np
import pytest

from napari_mclstexp.slides import open_slide
from support import widget_kit as kit


@pytest.fixture
def workspace(docks, slide_file, tiny_prediction):
    """A workspace that shows a finished prediction."""
    workspace = docks[0].workspace
    workspace.session.use_slide(open_slide(slide_file))
    workspace.session.use_prediction(tiny_prediction)
    return workspace


@pytest.mark.parametrize("change", [{"gene": kit.GENES[1]}, {"colormap": "magma"}])
def test_a_switch_sends_the_spots_to_the_canvas_once(workspace, viewer, qtbot, monkeypatch, change):
    session, layer = workspace.session, workspace.layers["predicted"]
    session.show(gene=kit.GENES[0])
    canvas, painted, seen = viewer.window._qt_viewer.canvas, [], -1
    canvas._scene_canvas.events.draw.connect(lambda _: painted.append(1))
    while seen != len(painted):  # until nothing more is painted, the thumbnail neither
        seen = len(painted)
        qtbot.wait(600)
    painted.clear()
    markers = canvas.layer_to_visual[layer].node.points_markers
    sent, before = [], layer.face_color.copy()
    set_data = markers.set_data

    def counted(*data, **more):
        sent.append(more["face_color"])
        set_data(*data, **more)

    monkeypatch.setattr(markers, "set_data", counted)
    session.show(**change)
    qtbot.waitUntil(lambda: bool(painted))
    qtbot.wait(50)
    assert len(sent) == 1
    assert len(painted) <= 2  # napari arranges the colour bar anew when its numbers are wider
    assert not np.allclose(before, layer.face_color)
    np.testing.assert_allclose(sent[0], layer.face_color)


def test_the_thumbnail_follows_the_gene_when_she_has_stopped_walking(workspace, qtbot):
    layer = workspace.layers["predicted"]
    workspace.session.show(gene=kit.GENES[0])
    qtbot.wait(600)
    before = layer.thumbnail.copy()
    workspace.session.show(gene=kit.GENES[1])
    qtbot.waitUntil(lambda: not np.array_equal(before, layer.thumbnail), timeout=2000)
