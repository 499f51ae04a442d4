"""The dock "Save and export": the session, notes, and files for other programs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from napari.utils.notifications import show_info
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QPlainTextEdit, QPushButton

from ...scene.layer_specs import Scene
from ...scene.printed_scene import View, seen_part
from ...scripting import exports
from ...scripting.actions import read_regions
from ..common import dialogs
from ..common.dock import Dock
from ..common.napari_compat import visible_box
from ..common.notify import told
from ..common.saved_line import SavedLine
from ..common.theme import facts, heading
from ..common.words import tr


@dataclass(frozen=True)
class _Export:
    """A button: what is written, what is asked for, which name is proposed, what it says."""

    kind: exports.Kind
    title: str
    name: str
    suffixes: str
    tooltip: str


EXPORTS = {
    "GeoJSON…": _Export(
        "regions",
        "Save the regions for QuPath",
        "regions.geojson",
        dialogs.GEOJSON,
        "Regions with names, colours and hierarchy, as QuPath opens them",
    ),
    "Figure…": _Export(
        "figure",
        "Save the figure",
        "figure.png",
        dialogs.FIGURE,
        "What is on the screen: maps, domains and regions over the slide, with legend and scale "
        "bar. Zoomed in, the figure is of the part you see",
    ),
    "h5ad…": _Export(
        "h5ad",
        "Save for scanpy and squidpy",
        "result.h5ad",
        dialogs.PREDICTION,
        "Prediction, domains, regions and scores of every spot",
    ),
    "CSV…": _Export(
        "table",
        "Save a table",
        "spots.csv",
        dialogs.TABLE,
        "A row for each spot: place, domain, region, every gene",
    ),
    "Report…": _Export(
        "report",
        "Save the report",
        "report.html",
        dialogs.REPORT,
        "One HTML page with pictures, domains, regions, and methods",
    ),
    "Steps…": _Export(
        "steps",
        "Save the steps",
        "steps.ipynb",
        dialogs.STEPS,
        "Everything you did to this slide as a notebook or a Python script, which does it again "
        "without the window",
    ),
}
NOTES_MS = 700


class ExportDock(Dock):
    """Save and open sessions, write notes, export."""

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__(napari_viewer)
        self.save = QPushButton(tr("Save session"))
        self.save.setToolTip(
            tr("Save all open slides and what was made of them to one folder (Ctrl+Alt+K)")
        )
        self.save.setShortcut("Ctrl+Alt+K")
        self.save_as = QPushButton(tr("As…"))
        self.save_as.setToolTip(tr("Save the session to another folder"))
        self.open = QPushButton(tr("Open session…"))
        self.open.setToolTip(
            tr("Restore a saved session: its slides, results, regions, contrast, notes")
        )
        self.recent = QComboBox()
        self.recent.setToolTip(tr("Recently saved or opened sessions; choose one to open it"))
        self.recent.setAccessibleName(tr("Recent sessions"))
        self.state = facts(tr("Where the session is saved, and whether it has changed since"))
        self.notes = QPlainTextEdit()
        self.notes.setPlaceholderText(
            tr("Notes; they are saved with the session and in the report")
        )
        self.notes.setMaximumHeight(110)
        self.notes.setAccessibleName(tr("Notes"))
        self.read = QPushButton(tr("Read GeoJSON…"))
        self.read.setToolTip(tr("Add the regions of a GeoJSON file, from QuPath or this program"))
        self.buttons: dict[str, QPushButton] = {}
        grid = QGridLayout()
        for place, (name, each) in enumerate(EXPORTS.items()):
            button = self.buttons[name] = QPushButton(name)
            button.setToolTip(each.tooltip)
            button.clicked.connect(partial(self._export, name))
            grid.addWidget(button, place // 2, place % 2)
        grid.addWidget(self.read, (len(EXPORTS) + 1) // 2, 0, 1, 2)
        self.written = SavedLine()
        self._write_notes = QTimer(self)
        self._write_notes.setSingleShot(True)
        self._write_notes.setInterval(NOTES_MS)
        saving = QHBoxLayout()
        saving.addWidget(self.save, 1)
        saving.addWidget(self.save_as)
        self.stack(
            heading(tr("Session")),
            saving,
            self.open,
            self.recent,
            self.state,
            heading(tr("Notes")),
            self.notes,
            heading(tr("Export")),
            grid,
            self.written,
        )
        self._wire()
        self._offer_recent()
        self._show_scene(self.workspace.scene)

    def _wire(self) -> None:
        """Connect everything; there is no wiring of this dock anywhere else."""
        tasks = self.workspace.tasks
        self.save.clicked.connect(lambda: self._save(tasks.folder))
        self.save_as.clicked.connect(lambda: self._save(None))
        self.open.clicked.connect(self._open)
        self.recent.activated.connect(self._open_recent)
        self.notes.textChanged.connect(self._notes_typed)
        self._write_notes.timeout.connect(self._take_notes)
        self.read.clicked.connect(self._read)
        tasks.saved.connect(self._saved)
        self.workspace.leaving.connect(self._leaving)
        self.workspace.settling.connect(self._leaving)
        self.workspace.shown.connect(self._show_scene)

    def _save(self, folder: Path | None) -> None:
        self._take_notes()
        folder = self.workspace.tasks.where_to_save(self, folder)
        if folder is not None:
            with told():
                self.workspace.tasks.save(folder)

    def _open(self) -> None:
        folder = dialogs.ask_folder(self, "Open a session")
        if folder is not None:
            self.workspace.tasks.open(folder)

    def _open_recent(self, index: int) -> None:
        folder = self.recent.itemData(index)
        self.recent.setCurrentIndex(0)
        if folder is not None:
            self.workspace.tasks.open(folder)

    def _export(self, name: str) -> None:
        each, workspace = EXPORTS[name], self.workspace
        self._take_notes()
        with told():
            view = self._view() if each.kind == "figure" else None
            # Says what is missing before a file is asked for.
            write = exports.writer(workspace.session, each.kind, view)
            path = dialogs.ask_target(self, each.title, each.name, each.suffixes)
            if path is not None:
                exports.refuse_inputs(workspace.session, path)
                opened = workspace.session.shown

                def done(_: object) -> None:
                    exports.note_export(workspace.session, each.kind, path, view, opened)
                    self.written.say(path)
                    show_info(f"Saved {path}")

                workspace.jobs.load(f"Saving {path.name}", partial(write, path), done)

    def _view(self) -> View | None:
        """Return the part of the slide that she has zoomed into, or None."""
        seen = visible_box(self.workspace.layers.viewer)
        return None if seen is None else seen_part(self.workspace.scene, seen)

    def _read(self) -> None:
        path = dialogs.ask_file(self, "Regions", dialogs.GEOJSON)
        if path is not None:
            with told():
                read_regions(self.workspace.session, path)

    def _notes_typed(self) -> None:
        if self.notes.toPlainText() != self.workspace.session.annotations.notes:
            self._write_notes.start()

    def _take_notes(self) -> None:
        self._write_notes.stop()
        self.workspace.session.edit("Write notes", notes=self.notes.toPlainText())

    def _leaving(self) -> None:
        if self._write_notes.isActive():
            self._take_notes()

    def _saved(self, _: Path) -> None:
        self._offer_recent()
        self._show_scene(self.workspace.scene)

    def _offer_recent(self) -> None:
        self.recent.clear()
        self.recent.addItem(tr("Recent sessions"), None)
        for folder in self.workspace.tasks.recent.paths():
            self.recent.addItem(folder.name, folder)
        self.recent.setEnabled(self.recent.count() > 1)

    def _show_scene(self, _: Scene) -> None:
        session, tasks = self.workspace.session, self.workspace.tasks
        is_open = session.slide is not None or session.spots is not None
        for button in (self.save, self.save_as):
            button.setEnabled(is_open)
        if (
            not self._write_notes.isActive()
            and self.notes.toPlainText() != session.annotations.notes
        ):
            self.notes.setPlainText(session.annotations.notes)
        if tasks.folder is None:
            text = (
                "Not saved yet. If napari crashes, you can restore your work the next time you "
                "open the slide."
            )
        else:
            text = f"In {tasks.folder}" + (", changed since" if tasks.unsaved else "")
        self.state.setText(text if is_open else "Nothing is open.")
        self.buttons["GeoJSON…"].setEnabled(
            bool(session.annotations.regions or session.annotations.domains)
        )
        for name in ("h5ad…", "CSV…"):
            self.buttons[name].setEnabled(session.result is not None)
        self.buttons["Figure…"].setEnabled(is_open)
        for name in ("Report…", "Steps…"):
            self.buttons[name].setEnabled(session.slide is not None)
        self.read.setEnabled(is_open)
