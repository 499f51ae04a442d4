"""A click on the canvas reaches a dock as long as that lives, and nothing is told when it goes."""

from __future__ import annotations

import gc
from types import SimpleNamespace

import pytest
from napari.components import ViewerModel
from napari.utils.interactions import mouse_press_callbacks, mouse_release_callbacks
from qtpy.compat import isalive
from qtpy.QtWidgets import QApplication, QWidget

from napari_mclstexp.widgets.common.canvas_clicks import when_clicked

PRESS = SimpleNamespace(modifiers=(), pos=(0, 0), dims_displayed=[0, 1])


class Listening(QWidget):
    def __init__(self, heard):
        super().__init__()
        self.heard = heard

    def clicked(self, _viewer, event):
        self.heard.append(event)
        yield


@pytest.mark.parametrize("way", ["deleted by Qt", "let go by Python"])
def test_a_widget_that_is_gone_hears_nothing_more_and_is_not_kept_alive(qapp, way):
    viewer, heard = ViewerModel(), []
    viewer.mouse_drag_callbacks.clear()  # napari's own
    widget = Listening(heard)
    when_clicked(viewer, widget.clicked)
    mouse_press_callbacks(viewer, PRESS)
    mouse_release_callbacks(viewer, PRESS)
    assert heard == [PRESS]
    if way == "deleted by Qt":
        widget.deleteLater()
        QApplication.sendPostedEvents(widget, 52)  # QEvent.DeferredDelete
        assert not isalive(widget)
    else:
        del widget
        gc.collect()
    mouse_press_callbacks(viewer, PRESS)
    assert heard == [PRESS]
    other = Listening(heard)
    when_clicked(viewer, other.clicked)
    assert len(viewer.mouse_drag_callbacks) == 1
