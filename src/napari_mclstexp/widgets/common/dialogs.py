"""Asking for files and folders, from where the person last was."""

from __future__ import annotations

import re
from pathlib import Path

from qtpy.QtCore import QUrl
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import QFileDialog, QMessageBox, QWidget

from ...scripting.exports import suffixed
from .words import tr

SLIDES = (
    "Slides (*.svs *.ndpi *.mrxs *.scn *.bif *.vms *.vmu *.svslide *.dcm *.tif *.tiff *.btf "
    "*.jpg *.jpeg *.jp2 *.j2k *.png);;All files (*)"
)
SPOTS = "Spots (*.h5ad *.csv *.tsv *.txt *.gz *.parquet);;All files (*)"
COUNTS = "Counts (*.tsv *.csv *.txt *.gz);;All files (*)"
PREDICTION = "AnnData (*.h5ad)"
TABLE = "Table (*.csv)"
GEOJSON = "GeoJSON (*.geojson *.json)"
GMT = "Gene sets (*.gmt);;All files (*)"
FIGURE = "Figure (*.png *.svg *.pdf)"
REPORT = "HTML (*.html)"
STEPS = "Notebook (*.ipynb);;Python script (*.py)"
WEIGHTS = "Encoder weights (*.safetensors *.pth *.pt);;All files (*)"
SESSION = "Session folder (*)"

COHORT = (
    "Sections (*.svs *.ndpi *.mrxs *.scn *.bif *.tif *.tiff *.btf *.jpg *.jpeg *.png *.h5ad *.csv "
    "*.tsv *.parquet);;All files (*)"
)
GO_ON, STOP, STAY = "go on", "stop", "stay"
SAVE, DISCARD, CANCEL = "save", "discard", "cancel"

_last = {"folder": ""}


def ask_what_becomes(parent: QWidget) -> str:
    """Ask what becomes of a training when napari is closed: it goes on, stops, or napari stays."""
    box = QMessageBox(parent)
    box.setWindowTitle(tr("A training is running"))
    box.setText(tr("A model is still being trained. Keep the training running without napari?"))
    answers = {
        box.addButton(tr("Keep running"), QMessageBox.ButtonRole.AcceptRole): GO_ON,
        box.addButton(tr("Stop it"), QMessageBox.ButtonRole.DestructiveRole): STOP,
        box.addButton(tr("Don't quit"), QMessageBox.ButtonRole.RejectRole): STAY,
    }
    box.exec()
    return answers.get(box.clickedButton(), STAY)


def ask_unsaved(parent: QWidget | None, what: str) -> str:
    """Ask what becomes of unsaved work: it is saved, discarded, or nothing is closed.

    Parameters
    ----------
    what
        Each slide with what of it is unsaved, one a line.
    """
    box = QMessageBox(parent)
    box.setIcon(QMessageBox.Icon.Warning)
    box.setWindowTitle(tr("Unsaved work"))
    box.setText(tr("Save the session before closing?"))
    box.setInformativeText(f"Not saved yet:\n{what}")
    buttons = QMessageBox.StandardButton
    box.setStandardButtons(buttons.Save | buttons.Discard | buttons.Cancel)
    box.setDefaultButton(buttons.Save)
    answers = {buttons.Save: SAVE, buttons.Discard: DISCARD}
    return answers.get(buttons(box.exec()), CANCEL)


def ask_replace_spots(parent: QWidget, slide: str, n_spots: int) -> bool:
    """Ask whether the spots of a slide, and the prediction on them, may be replaced."""
    box = QMessageBox(parent)
    box.setWindowTitle(tr("Replace the spots?"))
    box.setText(f"{slide} has {n_spots:,} spots of its own.")
    box.setInformativeText(tr("With them go its prediction, domains and comparison."))
    agreed = box.addButton(tr("Replace"), QMessageBox.ButtonRole.AcceptRole)
    box.addButton(QMessageBox.StandardButton.Cancel)
    box.exec()
    return bool(box.clickedButton() is agreed)


def ask_network(parent: QWidget, offered: str) -> bool:
    """Ask whether the network may be used for what is offered."""
    box = QMessageBox(parent)
    box.setWindowTitle(tr("Use the network?"))
    box.setText(offered)
    box.setInformativeText(tr("Only these files are fetched; nothing of yours is sent."))
    agreed = box.addButton(tr("Fetch"), QMessageBox.ButtonRole.AcceptRole)
    box.addButton(QMessageBox.StandardButton.Cancel)
    box.exec()
    return bool(box.clickedButton() is agreed)


def open_file(path: Path) -> None:
    """Open a file with the person's own program for it."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))


def show_in_folder(path: Path) -> None:
    """Show a file in the person's own file manager."""
    open_file(path.parent)


def ask_file(parent: QWidget | None, title: str, kinds: str) -> Path | None:
    """Return the file that the person chose, or None."""
    name, _ = QFileDialog.getOpenFileName(parent, title, _last["folder"], kinds)
    return _remember(name)


def ask_files(parent: QWidget | None, title: str, kinds: str) -> list[Path]:
    """Return the files that the person chose, several at once; none if she chose none."""
    names, _ = QFileDialog.getOpenFileNames(parent, title, _last["folder"], kinds)
    return [path for path in map(_remember, names) if path is not None]


def ask_folder(parent: QWidget, title: str) -> Path | None:
    """Return the folder that the person chose, or None."""
    return _remember(QFileDialog.getExistingDirectory(parent, title, _last["folder"]))


def ask_target(parent: QWidget | None, title: str, name: str, kinds: str) -> Path | None:
    """Return where the person wants a file saved, or None.

    A name without a suffix of these kinds gets the first of them.
    """
    proposal = str(Path(_last["folder"]) / name)
    chosen, kind = QFileDialog.getSaveFileName(parent, title, proposal, kinds)
    path = _remember(chosen)
    if path is None:
        return None
    whole = with_suffix(path, kind or kinds)
    if whole != path and whole.exists() and not _may_replace(parent, whole):
        return None
    return whole


def with_suffix(path: Path, kinds: str) -> Path:
    """Return a path with the first suffix of some kinds, "Figure (*.png *.svg)", if it has none."""
    known = re.findall(r"\*(\.\w+)", kinds)
    return suffixed(path, known) if known else path


def _may_replace(parent: QWidget | None, path: Path) -> bool:
    """Ask whether a file may be replaced: the file dialog saw the name without its suffix."""
    box = QMessageBox(parent)
    box.setIcon(QMessageBox.Icon.Warning)
    box.setWindowTitle(tr("Replace the file?"))
    box.setText(f"{path.name} is there already. Replace it?")
    replaced = box.addButton(tr("Replace"), QMessageBox.ButtonRole.DestructiveRole)
    box.addButton(QMessageBox.StandardButton.Cancel)
    box.exec()
    return bool(box.clickedButton() is replaced)


def _remember(name: str) -> Path | None:
    if not name:
        return None
    path = Path(name)
    _last["folder"] = str(path.parent)
    return path
