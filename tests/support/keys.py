"""A person's keys: each goes to whatever has the focus, as the keyboard's do."""

from __future__ import annotations

from typing import Any

from napari._qt.dialogs.qt_notification import NapariQtNotification
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QWidget

MOST_TABS = 60
CTRL, ALT, NONE = (
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.AltModifier,
    Qt.KeyboardModifier.NoModifier,
)


def notifications(viewer: Any) -> list[QWidget]:
    """Return what napari tells, at the corner of its canvas."""
    return viewer.window._qt_window.findChildren(NapariQtNotification)


class Keys:
    """Keys pressed in a window; what cannot be reached by them cannot be used.

    Attributes
    ----------
    passed
        Where the focus went by Tab, in order.
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer
        self.passed: list[QWidget] = []

    @property
    def focus(self) -> QWidget:
        """What has the focus."""
        found = QApplication.focusWidget()
        assert found is not None, "nothing has the focus"
        return found

    def press(self, key: Qt.Key, modifier: Qt.KeyboardModifier = NONE) -> None:
        """Press a key."""
        QTest.keyClick(QApplication.activePopupWidget() or self.focus, key, modifier)
        QTest.qWait(150)  # a button that a shortcut presses is seen to go down and up

    def step(self, number: int) -> None:
        """Go to a step of the Workbench."""
        self.press(Qt.Key(Qt.Key.Key_0.value + number), CTRL | ALT)

    def type(self, text: str) -> None:
        """Type a text."""
        QTest.keyClicks(self.focus, text)

    def tab_to(self, widget: QWidget) -> None:
        """Press Tab until a control has the focus; each that is passed must be in sight.

        A notification of napari keeps the focus inside until it goes, and goes by itself.
        """
        while any(each.isVisible() for each in notifications(self._viewer)):
            QTest.qWait(100)
        for _ in range(MOST_TABS):
            if widget is self.focus or self.focus.isAncestorOf(widget):
                return
            QTest.keyClick(self.focus, Qt.Key.Key_Tab)
            there = self.focus
            self.passed.append(there)
            assert not there.visibleRegion().isEmpty(), f"the focus is on a hidden {there}"
        raise AssertionError(
            f"Tab does not lead to {widget.accessibleName() or widget}; "
            f"it went over {[each.accessibleName() or each for each in self.passed[-MOST_TABS:]]}"
        )

    def use(self, button: QWidget, key: Qt.Key = Qt.Key.Key_Space) -> None:
        """Go to a button by Tab, and press it."""
        self.tab_to(button)
        self.press(key)
