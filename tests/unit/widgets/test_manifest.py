"""What napari reads before any of our code runs, and what a person finds on every control."""

from __future__ import annotations

import subprocess
import sys

import pytest
from npe2 import PluginManifest
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QListView,
    QProgressBar,
    QScrollBar,
)
from superqt import QLabeledDoubleRangeSlider

from napari_mclstexp.session.next_step import DOCKS

CONTROLS = (
    QAbstractButton,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QListView,
    QProgressBar,
)


@pytest.fixture(scope="module")
def manifest():
    return PluginManifest.from_distribution("napari-mclstexp")


def test_the_docks_are_in_the_plugins_menu_in_the_order_of_the_way(manifest):
    names = [widget.display_name for widget in manifest.contributions.widgets]
    assert names == ["Workbench", *DOCKS, "Train", "Cohort"]


def test_every_command_is_where_the_manifest_says(manifest):
    manifest.validate_imports()


def test_docks_open_without_torch():
    code = """
import sys
import napari
from qtpy.QtWidgets import QApplication
viewer = napari.Viewer()
for name in ("Slide and spots", "Predict", "Evidence", "Across slides", "Train", "Cohort"):
    viewer.window.add_plugin_dock_widget("napari-mclstexp", name)
    QApplication.processEvents()
assert "torch" not in sys.modules
viewer.close()
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


@pytest.mark.slow
def test_torch_loads_beside_a_window_that_draws_with_opengl():
    """Mesa's LLVM and triton's in one process end in a crash if loaded naively in this order."""
    code = """
import napari
from qtpy.QtWidgets import QApplication
viewer = napari.Viewer()
viewer.add_points([[0, 0]])
QApplication.processEvents()
viewer.window.add_plugin_dock_widget("napari-mclstexp", "Predict")
import threading
thread = threading.Thread(target=lambda: __import__("torchvision"))
thread.start()
thread.join()
viewer.close()
print("alive")
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "alive" in run.stdout, run.stderr[-500:]


def test_every_control_has_a_tooltip(docks):
    bare = [
        f"{type(control).__name__} in {type(dock).__name__}: {getattr(control, 'text', str)()}"
        for dock in docks
        for kind in CONTROLS
        for control in dock.findChildren(kind)
        if not _tooltip(control, dock)
    ]
    assert bare == []


def _tooltip(control, dock) -> bool:
    """Whether a person who rests the mouse on a control is told something."""
    parent = control
    while parent is not dock:
        if parent.toolTip() or isinstance(parent, QScrollBar | QLabeledDoubleRangeSlider):
            return bool(parent.toolTip()) or isinstance(parent, QScrollBar)
        parent = parent.parentWidget()
    return False
