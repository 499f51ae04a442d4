"""A bar that offers the unsaved annotations of an earlier session on the same slide."""

from __future__ import annotations

from qtpy.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from ...analysis.region_edits import flat
from ..annotation_tasks import AnnotationTasks
from ..common.theme import facts


class RecoveryBar(QWidget):
    """Says what was left unsaved, with a button to take it over and one to forget it."""

    def __init__(self, tasks: AnnotationTasks) -> None:
        super().__init__()
        self._tasks = tasks
        self.text = facts("Annotations on this slide that were not saved when napari last closed")
        self.text.setStyleSheet("font-weight: bold;")
        self.restore = QPushButton("Restore")
        self.restore.setToolTip("Restore the unsaved annotations; this can be undone")
        self.discard = QPushButton("Discard")
        self.discard.setToolTip("Delete the unsaved annotations for good")
        buttons = QHBoxLayout()
        buttons.addWidget(self.restore)
        buttons.addWidget(self.discard)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.text)
        layout.addLayout(buttons)
        self.restore.clicked.connect(tasks.restore_offered)
        self.discard.clicked.connect(tasks.discard_offered)
        tasks.offer_changed.connect(self._show_offer)
        self._show_offer()

    def _show_offer(self) -> None:
        kept = self._tasks.offered
        self.setVisible(kept is not None)
        if kept is None:
            return
        parts = [f"{len(flat(kept.annotations.regions))} regions"]
        if kept.annotations.domains is not None:
            parts.append(f"{len(kept.annotations.domains.keys)} domains")
        if kept.annotations.notes.strip():
            parts.append("notes")
        self.text.setText(
            f"Unsaved annotations on this slide of {kept.when:%d %B, %H:%M}: {', '.join(parts)}."
        )
