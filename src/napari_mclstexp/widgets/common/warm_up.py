"""What the first clicks need is made ready while the person looks around, not when she clicks."""

from __future__ import annotations

import gc
import importlib
import string
import weakref
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, QTimer

from .napari_compat import canvas_font, compile_shapes

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
# What is written on the canvas: each letter takes longer to draw first than a frame may take.
LETTERS = string.ascii_letters + string.digits + " .,:;-–()/%²µ·"
LETTER_MS = 40  # from one to the next

_begun = False  # in this process; what is ready for one window is ready for all


def warm_up(jobs: Jobs, viewer: Any) -> None:
    """Import in the background what is slow to import, and have napari compile what it compiles.

    The letters of its canvas are drawn one by one meanwhile.

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

    there = weakref.ref(viewer)  # the window is not held by what waits for it

    def begin() -> None:
        global _begun
        _begun = True
        _draw_letters(there(), jobs)
        jobs.start(work, lambda _: gc.freeze(), _later, waited_for=True)

    soon = QTimer(jobs)  # goes with the window
    soon.setSingleShot(True)
    soon.timeout.connect(begin)
    soon.start(SOON_MS)


def _draw_letters(viewer: Any, owner: QObject) -> None:
    font = canvas_font(viewer)
    if font is None:
        return
    left, turn = list(reversed(LETTERS)), QTimer(owner)

    def draw() -> None:
        if left:
            font[left.pop()]  # as it does when it is first written
        else:
            turn.stop()

    turn.timeout.connect(draw)
    turn.start(LETTER_MS)


def _compute() -> None:
    """Have dask, which reads the slide, find out how: it imports its scheduler for that."""
    import dask.array

    dask.array.zeros(1).compute()


def thaw() -> None:
    """Search everything for garbage again: a window has closed, and all of it may go."""
    gc.unfreeze()


def _later(_: BaseException) -> None:
    """What cannot be imported says so where it is needed."""
