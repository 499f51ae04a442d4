"""What the first clicks need is made ready while the person looks around, not when she clicks."""

from __future__ import annotations

import gc
import importlib
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer

from .napari_compat import compile_shapes

if TYPE_CHECKING:
    from .background_jobs import Jobs, Post

# In the order in which they are needed: a layer, a model and its prediction, domains, files.
NEEDED = (
    "pandas",  # by a layer of points
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

_begun = False  # in this process; what is ready for one window is ready for all


def warm_up(jobs: Jobs) -> None:
    """Import in the background what is slow to import, and have napari compile what it compiles.

    napari has Python look for garbage whenever a layer goes, through every object of every library.
    Once the libraries are there, what is there is left out of that search until :func:`thaw`.
    It is done once in a process.
    """
    if _begun:
        return

    def work(_: Post) -> None:
        ways: list[Callable[[], object]] = [partial(importlib.import_module, n) for n in NEEDED]
        for each in (*ways[:1], _compute, compile_shapes, *ways[1:]):
            if jobs.closed:
                return
            each()

    def begin() -> None:
        global _begun
        _begun = True
        jobs.start(work, lambda _: gc.freeze(), _later, waited_for=True)

    soon = QTimer(jobs)  # goes with the window
    soon.setSingleShot(True)
    soon.timeout.connect(begin)
    soon.start(SOON_MS)


def _compute() -> None:
    """Have dask, which reads the slide, find out how: it imports its scheduler for that."""
    import dask.array

    dask.array.zeros(1).compute()


def thaw() -> None:
    """Search everything for garbage again: a window has closed, and all of it may go."""
    gc.unfreeze()


def _later(_: BaseException) -> None:
    """What cannot be imported says so where it is needed."""
