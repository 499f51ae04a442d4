"""Text with links that the mouse and the keyboard reach."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel

_Flag = Qt.TextInteractionFlag
_PLAIN, _LINKED = _Flag.TextSelectableByMouse, _Flag.TextBrowserInteraction


class LinkLabel(QLabel):
    """Rich text; Tab goes from link to link, Enter follows one; without links Tab passes by."""

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.RichText)
        self.setText(text)

    def setText(self, text: str | None) -> None:  # noqa: N802
        """Show a text, in HTML."""
        super().setText(text or "")
        wanted = _LINKED if "<a " in (text or "") else _PLAIN
        if self.textInteractionFlags() != wanted:
            self.setTextInteractionFlags(wanted)
