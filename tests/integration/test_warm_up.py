"""What is made ready while the person looks around, in the real window."""

from __future__ import annotations

import gc

from napari_mclstexp.widgets.common import warm_up
from napari_mclstexp.widgets.common.napari_compat import canvas_font


def test_letters_and_libraries_are_ready_soon_and_a_closed_window_is_searched_again(
    viewer, qtbot, monkeypatch
):
    monkeypatch.setattr(warm_up, "_begun", False)
    monkeypatch.setattr("napari_mclstexp.widgets.workspace.thaw", warm_up.thaw)
    gc.unfreeze()
    viewer.window.add_plugin_dock_widget("napari-mclstexp", "Workbench")
    font = canvas_font(viewer)
    assert "Q" not in font._glyphs
    qtbot.waitUntil(lambda: gc.get_freeze_count() > 100_000, timeout=120_000)
    qtbot.waitUntil(lambda: set(warm_up.LETTERS) <= set(font._glyphs), timeout=60_000)
    viewer.close()
    assert gc.get_freeze_count() == 0
