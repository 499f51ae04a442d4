"""The Cohort dock in the real window: slides dropped, a folder of results, and each one opened."""

from __future__ import annotations

import shlex

import psutil
import pytest
from qtpy.QtCore import QMimeData, QPointF, Qt, QUrl
from qtpy.QtGui import QDropEvent
from qtpy.QtWidgets import QAbstractButton, QComboBox, QLineEdit

from napari_mclstexp.widgets.cohort.slides_table import STATE
from napari_mclstexp.widgets.common import dialogs
from support import cohort_kit as kit

LONG_MS = 120_000


@pytest.fixture
def dock(viewer, tiny_model):
    made = viewer.window.add_plugin_dock_widget("napari-mclstexp", "Cohort")[1]
    made.workspace.recent.add(tiny_model)
    made._offer_models()
    made.model.setCurrentIndex(made.model.findData(str(tiny_model)))
    return made


@pytest.fixture
def drop(dock):
    def drop(*paths) -> None:
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
        buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        action = Qt.DropAction.CopyAction
        dock.slides.table.dropEvent(QDropEvent(QPointF(5, 5), action, data, buttons, keys))

    return drop


def states(dock) -> list[str]:
    table = dock.slides.table
    return [table.item(row, STATE).text() for row in range(table.rowCount())]


def ended(dock) -> bool:
    return dock.cohort.how is not None


def test_from_a_drop_to_a_slide_opened_with_its_result(
    dock, drop, click, qtbot, notes, tmp_path, monkeypatch
):
    table = kit.write_cohort(tmp_path, 3)
    (tmp_path / "s1.png").write_bytes(b"no picture")
    click(dock.start)
    assert "drop some on the table" in notes[-1].message
    drop(table)
    assert [each.name for each in dock.slides.entries] == ["s0", "s1", "s2"]
    drop(tmp_path / "s0.png")  # without spots it would be another task under the same name
    assert "two slides are called s0" in notes[-1].message
    click(dock.start)
    assert "give a folder under Results" in notes[-1].message
    dock.out.text.setText(str(tmp_path / "out"))
    dock.show_what.setText("FASN")
    click(dock.start)
    assert not dock.start.isEnabled()
    qtbot.waitUntil(lambda: ended(dock), timeout=LONG_MS)
    one, two, three = states(dock)
    assert one.startswith("done in")
    assert three.startswith("done in")
    assert two == "failed"
    assert "s1.png" in dock.slides.table.item(1, STATE).toolTip()
    assert "1 failed" in dock.status.text()
    qtbot.waitUntil(lambda: dock.sheet.count() == 2, timeout=10_000)
    shown = []
    monkeypatch.setattr(dialogs, "open_file", shown.append)
    click(dock.report)
    assert shown == [tmp_path / "out" / "report.html"]
    page = shown[0].read_text()
    assert "FASN" in page
    assert page.count('src="data:image/jpeg') == 2
    assert "--show FASN" in dock.command.text()
    assert shlex.split(dock.command.text())[:2] == ["napari-mclstexp", "predict-cohort"]
    dock.sheet.itemDoubleClicked.emit(dock.sheet.item(1))
    session = dock.workspace.session
    qtbot.waitUntil(lambda: session.result is not None, timeout=10_000)
    assert session.slide.path == tmp_path / "s2.png"
    dock.slides.table.cellDoubleClicked.emit(0, 0)
    qtbot.waitUntil(lambda: session.slide.path == tmp_path / "s0.png", timeout=10_000)
    assert session.result is not None
    assert len(session.open_slides) == 2


def test_pause_resume_cancel_and_a_dock_that_comes_later(
    dock, drop, click, qtbot, viewer, tmp_path
):
    drop(kit.write_cohort(tmp_path, 4, long=4))
    dock.out.text.setText(str(tmp_path / "out"))
    click(dock.start)
    record = dock.cohort.process.record
    qtbot.waitUntil(lambda: any("%" in each for each in states(dock)), timeout=LONG_MS)
    click(dock.pause)
    assert dock.status.text() == "Paused"
    process = psutil.Process(record.pid)
    qtbot.waitUntil(lambda: process.status() == psutil.STATUS_STOPPED)
    # The signal goes to all at once; a worker in the middle of a product stops a moment later.
    stopped = {psutil.STATUS_STOPPED}
    qtbot.waitUntil(lambda: {each.status() for each in process.children()} <= stopped)
    click(dock.pause)
    qtbot.waitUntil(lambda: process.status() != psutil.STATUS_STOPPED)
    viewer.window.remove_dock_widget(dock)
    later = viewer.window.add_plugin_dock_widget("napari-mclstexp", "Cohort")[1]
    assert [each.name for each in later.slides.entries] == ["s0", "s1", "s2", "s3"]
    assert later.command.text() == record.command_line
    click(later.cancel)
    qtbot.waitUntil(lambda: ended(later), timeout=LONG_MS)
    assert "cancelled" in later.status.text()
    assert record.process() is None
    assert later.start.isEnabled()


def test_every_control_says_what_it_does_and_fits_a_laptop(dock, viewer, qtbot):
    viewer.window._qt_window.resize(1366, 768)
    qtbot.wait(100)
    assert dock.minimumSizeHint().width() < 500
    for kind in (QAbstractButton, QComboBox, QLineEdit):
        for control in dock.findChildren(kind):
            inner = control.parent() if not control.toolTip() else control
            if not control.objectName().startswith("qt_"):
                assert inner.toolTip(), control
