"""What went wrong, beside the button that was pressed, until the person has dealt with it."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QToolButton, QWidget

from .words import tr

STYLE = "ErrorLine { border: 1px solid #d5442e; border-radius: 3px; }"


class ErrorLine(QFrame):
    """A sentence that can be copied, and a button that puts it away; hidden while there is none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setStyleSheet(STYLE)
        self.label = QLabel("")
        self.label.setWordWrap(True)
        self.label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.label.setTextFormat(Qt.TextFormat.PlainText)
        self.label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        self.label.setAccessibleName(tr("What went wrong"))
        self.close_button = QToolButton()
        self.close_button.setText("×")
        self.close_button.setAutoRaise(True)
        self.close_button.setToolTip(tr("Put this message away"))
        self.close_button.setAccessibleName(tr("Put the message away"))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(6, 3, 3, 3)
        layout.addWidget(self.label, 1)
        layout.addWidget(self.close_button, 0, Qt.AlignmentFlag.AlignTop)
        self.close_button.clicked.connect(lambda: self.say(""))
        self.hide()

    @property
    def text(self) -> str:
        """What it says, or ""."""
        return str(self.label.text())

    def say(self, sentence: str) -> None:
        """Say what went wrong; "" for nothing."""
        self.label.setText(sentence)
        self.setVisible(bool(sentence))
