"""Fixtures of the widget tests; a plugin of conftest.py."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path

import pytest
from napari.utils.notifications import notification_manager
from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QAbstractButton

from support import widget_kit as kit

DOCKS = ("Slide and spots", "Predict")


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory) -> Path:
    """Return the folder of a small model."""
    return kit.write_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def slide_file(tmp_path_factory) -> Path:
    """Return a small slide."""
    return kit.write_slide(tmp_path_factory.mktemp("slides") / "tissue.ome.tif")


@pytest.fixture(scope="session")
def spots_file(tmp_path_factory) -> Path:
    """Return spots with counts that fit the small slide."""
    return kit.write_spots(tmp_path_factory.mktemp("spots") / "tissue.h5ad")


@pytest.fixture
def viewer(monkeypatch, tmp_path, make_napari_viewer):
    """Return a viewer in a real window, with a configuration folder of its own.

    Whatever is unsaved when something is closed is discarded, unless a test says otherwise. What is
    older than the window is left out of each search for garbage, which napari begins whenever a
    layer goes.
    """
    gc.collect()
    gc.freeze()
    monkeypatch.setattr("napari_mclstexp.widgets.common.warm_up._begun", True)
    monkeypatch.setattr("napari_mclstexp.widgets.workspace.thaw", lambda: None)
    # Before the viewer, so that it still holds when that is closed at the end.
    dialogs = "napari_mclstexp.widgets.common.dialogs"
    monkeypatch.setattr(f"{dialogs}.ask_unsaved", lambda *_: "discard")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("NAPARI_MCLSTEXP_DATA", str(tmp_path / "shelf"))
    return make_napari_viewer(show=True)


@pytest.fixture
def docks(viewer):
    """Return both docks, opened as the Plugins menu does."""
    return tuple(viewer.window.add_plugin_dock_widget("napari-mclstexp", name)[1] for name in DOCKS)


@pytest.fixture
def answers(monkeypatch) -> Callable[..., None]:
    """Return a function that says what the person will choose in the next file dialogs."""
    queue: list[Path] = []

    def dialog(*_: object) -> tuple[str, str]:
        return str(queue.pop(0)), ""

    chooser = "napari_mclstexp.widgets.common.dialogs.QFileDialog"
    monkeypatch.setattr(f"{chooser}.getOpenFileName", dialog)
    monkeypatch.setattr(f"{chooser}.getSaveFileName", dialog)
    monkeypatch.setattr(f"{chooser}.getOpenFileNames", lambda *_: ([str(queue.pop(0))], ""))
    monkeypatch.setattr(f"{chooser}.getExistingDirectory", lambda *_: str(queue.pop(0)))
    return lambda *paths: queue.extend(paths)


@pytest.fixture
def slow_run(docks, qtbot) -> Callable[[], None]:
    """Return a function that lays so many spots that a run takes many seconds."""

    def lay() -> None:
        slide, _ = docks
        before = slide.workspace.session.spots
        slide.grid.fields["pitch_um"].setValue(9)
        slide.grid.fields["diameter_um"].setValue(5)
        kit.bring_to_front(slide.grid.lay)
        qtbot.mouseClick(slide.grid.lay, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda: slide.workspace.session.spots is not before)

    return lay


@pytest.fixture
def notes():
    """Return what napari notifies from now on."""
    notification_manager.records.clear()
    return notification_manager.records


@pytest.fixture
def click(qtbot):
    """Return a function that clicks a button where one would."""

    def click(button: QAbstractButton) -> None:
        kit.bring_to_front(button)
        assert button.isEnabled()
        left = QPoint(10, button.height() // 2)  # where a check box has its box
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton, pos=left)

    return click
