"""The Workbench in a real window, bare and with a prediction; a plugin of conftest.py."""

from __future__ import annotations

import pytest

from napari_mclstexp.inference.predict import predict
from napari_mclstexp.model import load_model
from napari_mclstexp.slides import open_slide
from napari_mclstexp.spots.readers.choose import read_spots
from support import widget_kit as kit
from support.frame_kit import standing


@pytest.fixture(scope="session")
def tiny_prediction(slide_file, spots_file, tiny_model):
    """A finished prediction beside measured counts."""
    with open_slide(slide_file) as slide:
        return predict(slide, read_spots(spots_file), load_model(tiny_model), device="cpu")


@pytest.fixture
def workbench(viewer, qtbot):
    """The Workbench, in a window of 1366 by 768."""
    viewer.window._qt_window.resize(1366, 768)
    _, bench = viewer.window.add_plugin_dock_widget("napari-mclstexp", "Workbench")
    qtbot.waitUntil(lambda: standing(viewer) == ["Slide and spots"])
    qtbot.wait(400)
    viewer.window._qt_window.activateWindow()  # keys go to the window in front
    qtbot.waitUntil(viewer.window._qt_window.isActiveWindow)
    return bench


@pytest.fixture
def explored(workbench, slide_file, tiny_prediction, tiny_model):
    """The Workbench with a prediction open, as a worker would have opened it."""
    session = workbench.workspace.session
    kit.open_prediction(session, slide_file, tiny_model, tiny_prediction)
    session.show(gene="FASN")
    return workbench
