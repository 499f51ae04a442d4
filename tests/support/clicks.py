"""A person's hands: menus opened by clicks, buttons pressed where they are seen, clicks counted."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QLineEdit,
    QTableWidget,
    QWidget,
)

LEFT = Qt.MouseButton.LeftButton


class Hands:
    """Clicks in a window, each counted with what it was on; what cannot be seen cannot be clicked.

    Attributes
    ----------
    made
        What was clicked. A file dialog counts as one: its file, or its Save.
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer  # its window goes before this does
        self.made: list[str] = []

    def menu(self, *names: str) -> None:
        """Click through a menu of the menu bar: ``hands.menu("Plugins", "mclSTExp")``."""
        bar = self._viewer.window._qt_window.menuBar()
        top = next(each for each in bar.actions() if plain(each.text()) == names[0])
        QTest.mouseClick(bar, LEFT, pos=bar.actionGeometry(top).center())
        self.made.append(names[0])
        menu = top.menu()
        for name in names[1:]:
            assert wait_for(menu.isVisible), f"The menu with {name} did not open"
            action = next(each for each in menu.actions() if plain(each.text()).startswith(name))
            QTest.mouseMove(menu, menu.actionGeometry(action).center())
            QTest.mouseClick(menu, LEFT, pos=menu.actionGeometry(action).center())
            self.made.append(name)
            menu = action.menu()

    def press(self, button: QAbstractButton) -> None:
        """Press a button that is seen and can be pressed."""
        assert button.isVisible(), f"{button.text()} is not seen"
        assert button.isEnabled(), f"{button.text()} cannot be pressed"
        assert seen(button), f"{button.text()} is off the screen or covered"
        pos = QPoint(min(10, button.width() // 2), button.height() // 2)
        QTest.mouseClick(button, LEFT, pos=pos)
        self.made.append(button.text() or button.accessibleName())

    def press_list(self, box: QComboBox, row: int) -> None:
        """Open a list, and click a line of it."""
        QTest.mouseClick(box, LEFT)
        self.made.append(box.accessibleName())
        view = box.view()
        assert QTest.qWaitForWindowExposed(view.window())
        QTest.qWait(QApplication.doubleClickInterval() + 100)  # it takes no click before
        name = box.itemText(row)
        place = view.visualRect(box.model().index(row, box.modelColumn())).center()
        QTest.mouseClick(view.viewport(), LEFT, pos=place)
        self.made.append(name)

    def dialog(self) -> None:
        """Count the click in a file dialog, which the tests answer."""
        self.made.append("(file dialog)")

    def write_cell(self, table: QTableWidget, row: int, column: int, text: str) -> None:
        """Double-click a cell, and type into it."""
        item = table.item(row, column)
        table.scrollToItem(item)
        place = table.visualItemRect(item).center()
        QTest.mouseClick(table.viewport(), LEFT, pos=place)
        QTest.mouseDClick(table.viewport(), LEFT, pos=place)
        self.made.append(f"double click on {item.text()}")
        QTest.qWait(100)
        editor = next(each for each in table.viewport().findChildren(QLineEdit) if each.isVisible())
        QTest.keyClick(editor, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
        QTest.keyClicks(editor, text)
        QTest.keyClick(editor, Qt.Key.Key_Return)
        QTest.qWait(100)


def wait_for(true: Callable[[], bool], seconds: float = 10.0) -> bool:
    """Wait until something holds; whether it did in time."""
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        QTest.qWait(20)
    return true()


def plain(text: str) -> str:
    """Return the text of an action without its mnemonic and its suffix."""
    return text.replace("&", "").removesuffix("...").strip()


def seen(widget: QWidget) -> bool:
    """Whether the middle of a widget is on the screen with nothing over it."""
    middle = widget.mapToGlobal(widget.rect().center())
    screen = widget.screen().geometry()
    if not screen.contains(middle):
        return False
    there = QApplication.widgetAt(middle)
    return there is not None and (there is widget or widget.isAncestorOf(there))
