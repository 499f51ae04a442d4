"""Asking for files and folders, from where the person last was."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtWidgets import QFileDialog, QWidget

SLIDES = (
    "Slides (*.svs *.ndpi *.mrxs *.scn *.bif *.vms *.vmu *.svslide *.dcm *.tif *.tiff *.btf "
    "*.jpg *.jpeg *.png);;All files (*)"
)
SPOTS = "Spots (*.h5ad *.csv *.tsv *.txt *.gz *.parquet);;All files (*)"
COUNTS = "Counts (*.tsv *.csv *.txt *.gz);;All files (*)"
PREDICTION = "AnnData (*.h5ad)"

_last = {"folder": ""}


def ask_file(parent: QWidget, title: str, kinds: str) -> Path | None:
    """Return the file that the person chose, or None."""
    name, _ = QFileDialog.getOpenFileName(parent, title, _last["folder"], kinds)
    return _remember(name)


def ask_folder(parent: QWidget, title: str) -> Path | None:
    """Return the folder that the person chose, or None."""
    return _remember(QFileDialog.getExistingDirectory(parent, title, _last["folder"]))


def ask_target(parent: QWidget, title: str, name: str, kinds: str) -> Path | None:
    """Return where the person wants a file saved, or None."""
    proposal = str(Path(_last["folder"]) / name)
    chosen, _ = QFileDialog.getSaveFileName(parent, title, proposal, kinds)
    return _remember(chosen)


def _remember(name: str) -> Path | None:
    if not name:
        return None
    path = Path(name)
    _last["folder"] = str(path.parent)
    return path
