"""Links in a text, by keys alone."""

from __future__ import annotations

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from napari_mclstexp.widgets.common.link_label import LinkLabel


@pytest.fixture
def form(qtbot):
    """A text between two fields, in a window in front."""
    form = QWidget()
    qtbot.addWidget(form)
    layout = QVBoxLayout(form)
    form.before, form.label, form.behind = QLineEdit(), LinkLabel(), QLineEdit()
    for each in (form.before, form.label, form.behind):
        layout.addWidget(each)
    form.show()
    form.activateWindow()
    qtbot.waitUntil(form.isActiveWindow)
    form.before.setFocus()
    return form


def test_tab_goes_from_link_to_link_and_enter_follows(form, qtbot):
    followed = []
    form.label.linkActivated.connect(followed.append)
    form.label.setText('Near: <a href="ERBB3">ERBB3</a>, <a href="EGFR">EGFR</a>')
    qtbot.keyClick(form.before, Qt.Key.Key_Tab)
    for _ in range(2):
        qtbot.keyClick(form.label, Qt.Key.Key_Tab)
        assert form.label.hasFocus()
        qtbot.keyClick(form.label, Qt.Key.Key_Return)
    qtbot.keyClick(form.label, Qt.Key.Key_Tab)
    assert followed == ["ERBB3", "EGFR"]
    assert form.behind.hasFocus()


def test_tab_passes_by_a_text_without_links(form, qtbot):
    form.label.setText("Near: <a href='ERBB3'>ERBB3</a>")
    form.label.setText("This model does not predict it.")
    qtbot.keyClick(form.before, Qt.Key.Key_Tab)
    assert form.behind.hasFocus()
