"""The colours of napari's current theme, for what is painted by hand, and small shared parts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from html import escape
from typing import Any
from weakref import WeakMethod

from napari.settings import get_settings
from napari.utils.theme import get_theme
from qtpy.compat import isalive
from qtpy.QtCore import QEvent, QObject, Qt, QTimer
from qtpy.QtGui import QColor, QPainter, QPaintEvent
from qtpy.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from .words import tr

BORDERED = (  # while they have the focus
    *("PushButton", "ToolButton", "ComboBox", "AbstractSpinBox", "LineEdit"),
    *("PlainTextEdit", "AbstractItemView", "Slider"),
)
MOST_OF_SCREEN = 0.44  # that a dock may ask for


def colour(role: str) -> QColor:
    """Return a colour of the theme: "text", "icon", "highlight", "foreground", "background"..."""
    return QColor(getattr(get_theme(get_settings().appearance.theme), role).as_hex())


_restyled: list[WeakMethod[Callable[[], None]]] = []
_watched: Any = None  # napari's settings of appearance, whose theme is listened to


def when_theme_changes(restyle: Callable[[], None]) -> None:
    """Call a method of a widget whenever napari's theme changes, as long as the widget lives.

    One function listens for all. Nothing is told when a widget goes: what Qt calls then may be
    called while Python clears the widget away, and find itself cleared already.

    Parameters
    ----------
    restyle
        The method; its widget is not kept alive by this.
    """
    global _watched
    appearance = get_settings().appearance
    if _watched is not appearance:
        _watched = appearance
        appearance.events.theme.connect(_restyle_all)
    _restyled[:] = [*(each for each in _restyled if each() is not None), WeakMethod(restyle)]


def _restyle_all(_: object = None) -> None:
    methods = [(each, each()) for each in _restyled]
    alive = [
        (each, method)
        for each, method in methods
        if method is not None and isalive(getattr(method, "__self__"))  # noqa: B009
    ]
    _restyled[:] = [each for each, _ in alive]
    for _, method in alive:
        method()


def boxes_seen() -> str:
    """Return a style sheet in which boxes that are not ticked are seen as boxes."""
    edge, tick = colour("icon").name(), colour("highlight").name()
    return (
        f"QCheckBox::indicator, QAbstractItemView::indicator {{ width: 13px; height: 13px;"
        f" border: 1px solid {edge}; border-radius: 3px; }}"
        f"QCheckBox::indicator:disabled, QAbstractItemView::indicator:disabled"
        f" {{ border-color: {colour('secondary').name()}; }}"
        f"QCheckBox::indicator:checked, QAbstractItemView::indicator:checked"
        f" {{ border-color: {tick}; }}"
    )


def focus_seen() -> str:
    """Return a style sheet in which one sees where the keys go."""
    edge = colour("text").name()
    bordered = ", ".join(f"Q{each}:focus" for each in BORDERED)
    return (
        f"{bordered} {{ border: 1px solid {edge}; }}"
        f"QCheckBox:focus, QRadioButton:focus, QTabBar:focus {{ text-decoration: underline; }}"
        f"QCheckBox::indicator:focus {{ border: 2px solid {edge}; }}"
    )


def gene_links(genes: Iterable[str]) -> str:
    """Return names of genes in rich text, each a link that carries it."""
    ink = colour("text").name()
    return ", ".join(
        f'<a href="{escape(gene)}" style="color: {ink};">{escape(gene)}</a>' for gene in genes
    )


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
    return _Rule()


class _Rule(QFrame):
    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(1)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Draw it in the theme of the moment."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), colour("foreground"))
        painter.end()


class Scrolling(QScrollArea):
    """Scrolls its content up and down on a low screen, and never cuts it off at the right.

    Only where it would take more than its share of the screen it scrolls sideways too: the tissue
    has at least the other half.
    """

    def __init__(self, content: QWidget) -> None:
        super().__init__()
        self.setWidget(content)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # its controls take it
        content.installEventFilter(self)
        self._restyle()
        when_theme_changes(self._restyle)

    def _restyle(self) -> None:
        self.setStyleSheet(boxes_seen() + focus_seen())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Ask for the width that the content needs, whenever a part comes or goes."""
        if event.type() == QEvent.Type.LayoutRequest:
            wanted = self.widget().minimumSizeHint().width()
            wanted += self.verticalScrollBar().sizeHint().width()
            screen = self.screen()
            most = wanted if screen is None else int(screen.size().width() * MOST_OF_SCREEN)
            self.setMinimumWidth(min(wanted, most))
            # A dock takes a few px for its frame, which are no reason for a scroll bar.
            policy = Qt.ScrollBarPolicy
            fits = wanted <= most
            self.setHorizontalScrollBarPolicy(
                policy.ScrollBarAlwaysOff if fits else policy.ScrollBarAsNeeded
            )
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
        self.setToolTip(tr("Running in the background; the window stays usable"))
        self.label = QLabel("")
        self.label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.cancel = QPushButton(tr("Cancel"))
        self.cancel.setToolTip(tr("Stop this"))
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
