"""What the first clicks need is imported while the person looks around, not when she clicks."""

from __future__ import annotations

import gc
import importlib
from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer

if TYPE_CHECKING:
    from .background_jobs import Jobs, Post

# In the order in which they are needed: a model and its prediction, domains, files.
NEEDED = (
    "napari_mclstexp.model",
    "napari_mclstexp.inference.predict",
    "napari_mclstexp.analysis.maps.raster",
    "napari_mclstexp.analysis.domains",
    "napari_mclstexp.analysis.markers",
    "napari_mclstexp.scene.printed_scene",
    "matplotlib.backends.backend_agg",
    "napari_mclstexp.export.html_report",
    "sklearn.cluster",
    "shapely",
)
SOON_MS = 1500  # the docks come first


def warm_up(jobs: Jobs) -> None:
    """Import in the background what is slow to import.

    napari has Python look for garbage whenever a layer goes, through every object of every library.
    Once the libraries are there, what is there is left out of that search until :func:`thaw`.
    """

    def work(_: Post) -> None:
        for name in NEEDED:
            importlib.import_module(name)

    def begin() -> None:
        jobs.start(work, lambda _: gc.freeze(), _later)

    soon = QTimer(jobs)  # goes with the window
    soon.setSingleShot(True)
    soon.timeout.connect(begin)
    soon.start(SOON_MS)


def thaw() -> None:
    """Search everything for garbage again: a window has closed, and all of it may go."""
    gc.unfreeze()


def _later(_: BaseException) -> None:
    """What cannot be imported says so where it is needed."""
