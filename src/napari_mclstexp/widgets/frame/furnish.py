"""Gives the window of a workspace what is there whichever dock is open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..banner import Banner
from ..common.words import speak
from .canvas_notes import CanvasNotes
from .gene_bar import GeneBar

if TYPE_CHECKING:
    from qtpy.QtWidgets import QMainWindow

    from ...session.session import Session
    from ..unsaved_work import UnsavedWork


def furnish(
    viewer: Any, window: QMainWindow, session: Session, unsaved: UnsavedWork, shown: Any
) -> None:
    """Put the banner, the gene bar and the notes on the canvas into a window.

    They belong to the window, and are kept nowhere else.

    Parameters
    ----------
    viewer, window
        napari's viewer, and the window that it stands in.
    session
        What the gene bar and the divider on the canvas change.
    unsaved
        What the banner offers back.
    shown
        The signal that carries each scene that was drawn.
    """
    speak()  # before the docks say anything
    shown.connect(Banner(unsaved, window).show_scene)
    shown.connect(GeneBar(session, window).show_scene)
    notes = CanvasNotes.over(viewer)
    if notes is not None:
        notes.swiped.connect(lambda share: session.show(swipe=share))
        shown.connect(notes.show_scene)
