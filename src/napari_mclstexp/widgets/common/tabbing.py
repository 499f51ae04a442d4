"""Standing in one place: the docks of the plugin as tabs, or one at a time, by plain names."""

from __future__ import annotations

from collections.abc import Iterator
from weakref import WeakSet

from qtpy.compat import isalive
from qtpy.QtCore import QObject, Qt, Signal
from qtpy.QtWidgets import QDockWidget, QMainWindow, QTabBar, QWidget

SUFFIX = " (napari-mclstexp)"  # napari puts it behind the name of each dock


class DockGroup(QObject):
    """The docks of one window that were shown.

    They stand as tabs in one place, so that they fit; under the steps of the Workbench one at a
    time, since the steps already say where one is.

    Attributes
    ----------
    one_at_a_time
        Whether the others fold away when one comes to the front; floating ones stay.

    Signals
    -------
    front_changed
        The name of the dock that came to the front.
    """

    front_changed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.one_at_a_time = False
        self._widgets: WeakSet[QWidget] = WeakSet()

    def __iter__(self) -> Iterator[QWidget]:
        return iter([widget for widget in self._widgets if isalive(widget)])

    def __len__(self) -> int:
        return len(self._widgets)

    def join(self, newest: QWidget) -> None:
        """Put a dock that is being shown into the place of the others, in front of them."""
        dock = dock_of(newest)
        window = dock.parentWidget() if dock is not None else None
        self._widgets.add(newest)
        if dock is None or not isinstance(window, QMainWindow):
            return
        title(dock, plain_name(dock))
        if dock.isFloating():
            return
        for other in self._standing_with(dock, window):
            if self.one_at_a_time:
                other.hide()
            elif dock not in window.tabifiedDockWidgets(other):
                window.tabifyDockWidget(other, dock)
                dock.raise_()
        for bar in window.findChildren(QTabBar, "", Qt.FindChildOption.FindDirectChildrenOnly):
            bar.setElideMode(Qt.TextElideMode.ElideNone)  # names stay whole; the bar scrolls
            bar.setUsesScrollButtons(True)
        self.front_changed.emit(plain_name(dock))

    def fold_others(self, front: QWidget) -> None:
        """From now on show one dock at a time, and `front` now."""
        self.one_at_a_time = True
        dock = dock_of(front)
        window = dock.parentWidget() if dock is not None else None
        if dock is not None and isinstance(window, QMainWindow):
            dock.show()
            for other in self._standing_with(dock, window):
                other.hide()
            self.front_changed.emit(plain_name(dock))

    def _standing_with(self, dock: QDockWidget, window: QMainWindow) -> list[QDockWidget]:
        """Return the other docks in the place of a dock that are not folded away."""
        return [
            other
            for other in map(dock_of, self)
            if other is not None
            and other is not dock
            and not other.isFloating()
            and not other.isHidden()
            and window.dockWidgetArea(other) == window.dockWidgetArea(dock)
        ]


def dock_of(widget: QWidget) -> QDockWidget | None:
    """Return the dock that a widget stands in."""
    parent: QWidget | None = widget
    while parent is not None and not isinstance(parent, QDockWidget):
        parent = parent.parentWidget()
    return parent


def plain_name(dock: QDockWidget) -> str:
    """Return what a dock is called: "Predict"."""
    name = str(getattr(dock, "name", dock.windowTitle()))
    return name.removesuffix(SUFFIX)


def title(dock: QDockWidget, name: str) -> None:
    """Write a name over a dock and on its tab, again whenever napari draws its title bar anew."""

    def write() -> None:
        label = getattr(getattr(dock, "title", None), "title", None)
        if label is not None:
            label.setText(name)

    if dock.windowTitle() != name:
        dock.setWindowTitle(name)
        dock.topLevelChanged.connect(lambda _: write())
        dock.dockLocationChanged.connect(lambda _: write())
    write()
