"""The colours of napari's current theme, for what is painted by hand, and small shared parts."""

from __future__ import annotations

import time

from napari.settings import get_settings
from napari.utils.theme import get_theme
from qtpy.QtCore import QEvent, QObject, Qt, QTimer
from qtpy.QtGui import QColor
from qtpy.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)


def colour(role: str) -> QColor:
    """Return a colour of the theme: "text", "icon", "highlight", "foreground", "background"..."""
    return QColor(getattr(get_theme(get_settings().appearance.theme), role).as_hex())


def heading(text: str) -> QLabel:
    """Return the title of a section of a dock."""
    label = QLabel(text)
    font = label.font()
    font.setBold(True)
    label.setFont(font)
    return label


def facts(tooltip: str) -> QLabel:
    """Return a label for what was read: wraps, can be copied, empty at first."""
    label = QLabel("")
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    label.setToolTip(tooltip)
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
    return label


def rule() -> QFrame:
    """Return a thin line between two sections."""
    line = QFrame()
    line.setFixedHeight(1)
    line.setStyleSheet(f"background-color: {colour('foreground').name()};")
    return line


class Scrolling(QScrollArea):
    """Scrolls its content up and down on a low screen, and never cuts it off at the right."""

    def __init__(self, content: QWidget) -> None:
        super().__init__()
        self.setWidget(content)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        content.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Ask for the width that the content needs, whenever a part comes or goes."""
        if event.type() == QEvent.Type.LayoutRequest:
            bar = self.verticalScrollBar().sizeHint().width()
            self.setMinimumWidth(self.widget().minimumSizeHint().width() + bar)
        return bool(super().eventFilter(watched, event))


class BusyLine(QWidget):
    """What is being read or computed, for how long by now, over a bar that moves; else hidden.

    Attributes
    ----------
    cancel
        Shown where it can be stopped.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setToolTip("Running in the background; the window stays usable")
        self.label = QLabel("")
        self.label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.cancel = QPushButton("Cancel")
        self.cancel.setToolTip("Stop this")
        self.bar = QProgressBar()
        self.bar.setRange(0, 0)
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(6)
        line = QHBoxLayout()
        line.addWidget(self.label, 1)
        line.addWidget(self.cancel)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        layout.addLayout(line)
        layout.addWidget(self.bar)
        self._what, self._since = "", time.monotonic()
        self._clock = QTimer(self)
        self._clock.setInterval(1000)
        self._clock.timeout.connect(self._write)
        self.hide()

    def say(self, what: str, can_cancel: bool = False) -> None:
        """Show what goes on, and whether it can be cancelled; "" for nothing."""
        if what != self._what:
            self._what, self._since = what, time.monotonic()
        self._write()
        self.cancel.setVisible(can_cancel)
        self.setVisible(bool(what))
        if what:
            self._clock.start()
        else:
            self._clock.stop()

    def _write(self) -> None:
        seconds = int(time.monotonic() - self._since)
        for_how_long = f", {seconds} s" if seconds else ""
        self.label.setText(f"{self._what}{for_how_long} …" if self._what else "")
