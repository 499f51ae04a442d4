"""A click on the canvas reaches a dock as long as that lives, and nothing is told when it goes."""

from __future__ import annotations

import gc

import pytest
from napari.components import ViewerModel
from napari.utils.interactions import mouse_press_callbacks
from qtpy.compat import isalive
from qtpy.QtWidgets import QApplication, QWidget

from napari_mclstexp.widgets.common.canvas_clicks import when_clicked


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
    widget = Listening(heard)
    when_clicked(viewer, widget.clicked)
    mouse_press_callbacks(viewer, "press")
    assert heard == ["press"]
    if way == "deleted by Qt":
        widget.deleteLater()
        QApplication.sendPostedEvents(widget, 52)  # QEvent.DeferredDelete
        assert not isalive(widget)
    else:
        del widget
        gc.collect()
    mouse_press_callbacks(viewer, "again")
    assert heard == ["press"]
    other = Listening(heard)
    when_clicked(viewer, other.clicked)
    assert len(viewer.mouse_drag_callbacks) == 1
