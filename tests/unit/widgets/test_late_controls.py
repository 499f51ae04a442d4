"""napari's controls of layers are made when they are seen, and are then what napari makes."""

from __future__ import annotations

import numpy as np
import pytest

from napari_mclstexp.widgets.common.late_controls import make_controls_late
from napari_mclstexp.widgets.common.napari_compat import layer_panels


@pytest.fixture
def controls(viewer):
    """napari's container of the controls, and the dock that it stands in."""
    make_controls_late(viewer)
    return viewer.window._qt_viewer.controls, layer_panels(viewer)[1]


def test_controls_are_made_when_the_dock_is_shown_for_the_layer_that_is_selected(viewer, controls):
    container, dock = controls
    dock.hide()
    image = viewer.add_image(np.zeros((4, 4)))
    points = viewer.add_points(np.zeros((1, 2)))
    assert not container.widgets
    dock.show()
    assert list(container.widgets) == [points]
    assert container.currentWidget() is container.widgets[points]
    viewer.layers.selection.active = image
    assert container.currentWidget() is container.widgets[image]


def test_layers_come_go_and_are_selected_together_as_with_napari_alone(viewer, controls):
    container, dock = controls
    dock.show()
    layers = [viewer.add_points(np.zeros((1, 2))) for _ in range(2)]
    viewer.layers.selection = set(layers)
    assert container.currentWidget() is container.panel
    dock.hide()
    unseen = viewer.add_points(np.zeros((1, 2)))
    viewer.layers.remove(unseen)
    viewer.layers.clear()
    assert not container.widgets
    assert container.currentWidget() is container.empty_widget or container.panel is None
    dock.show()
    assert container.currentWidget() is container.empty_widget


def test_a_napari_without_what_is_needed_keeps_its_own_way(viewer):
    container = viewer.window._qt_viewer.controls
    container.panel_before = container.panel
    del container.panel
    make_controls_late(viewer)
    container.panel = container.panel_before
    layer = viewer.add_points(np.zeros((1, 2)))
    assert list(container.widgets) == [layer]
