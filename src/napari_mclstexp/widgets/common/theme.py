"""The colours of napari's current theme, for what is painted by hand, and small shared parts."""

from __future__ import annotations

from napari.settings import get_settings
from napari.utils.theme import get_theme
from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QColor
from qtpy.QtWidgets import (
    QFrame,
    QLabel,
    QProgressBar,
    QScrollArea,
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
    """What is being read or written just now, over a bar that moves; hidden when nothing is."""

    def __init__(self) -> None:
        super().__init__()
        self.setToolTip("Running in the background; the window stays usable")
        self.label = QLabel("")
        self.bar = QProgressBar()
        self.bar.setRange(0, 0)
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(6)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        layout.addWidget(self.label)
        layout.addWidget(self.bar)
        self.hide()

    def say(self, what: str) -> None:
        """Show what goes on; "" for nothing."""
        self.label.setText(f"{what} …" if what else "")
        self.setVisible(bool(what))
