"""The way from a slide to an export: which step is next, and why; knows no screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .session import Session

DOCKS = (
    "Slide and spots",
    "Predict",
    "Genes",
    "Evidence",
    "Domains",
    "Annotate",
    "Across slides",
    "Save and export",
)


@dataclass(frozen=True)
class NextStep:
    """What to do next.

    Attributes
    ----------
    dock
        One of :data:`DOCKS`.
    say
        What to do there, in one line.
    """

    dock: str
    say: str


def next_step(session: Session, saved: bool = False) -> NextStep:
    """Return the next step for a session.

    Parameters
    ----------
    saved
        Whether the work stands in a saved session as it is.
    """
    slide, annotations = session.slide, session.annotations
    if slide is None:
        return NextStep("Slide and spots", "Open a slide, or drop one on the window.")
    if slide.um_per_px is None:
        return NextStep(
            "Slide and spots", "Enter the pixel size of the slide: its file does not give it."
        )
    if session.spots is None:
        return NextStep("Slide and spots", "Load the spots of the slide, or create a grid over it.")
    if session.run is not None:
        return NextStep("Predict", "The prediction fills in; you can explore it meanwhile.")
    if session.result is None and session.model is None:
        return NextStep("Predict", "Choose a model.")
    if session.result is None:
        return NextStep("Predict", "Press Run to predict expression.")
    if annotations.domains is None:
        return NextStep("Domains", "Look through the genes, or find domains.")
    if not annotations.regions:
        return NextStep("Annotate", "Draw a region, or turn domains into regions.")
    if not saved:
        return NextStep("Save and export", "Save the session, export regions and figures.")
    return NextStep("Save and export", "Everything is saved. Continue, or open the next slide.")


def steps_done(session: Session, saved: bool = False) -> frozenset[str]:
    """Return the docks of the steps that are done; those that only look have no end.

    Parameters
    ----------
    session
        What is open.
    saved
        Whether the work stands in a saved session as it is.
    """
    slide, annotations = session.slide, session.annotations
    scaled = slide is not None and slide.um_per_px is not None
    found = {
        "Slide and spots": scaled and session.spots is not None,
        "Predict": session.result is not None and session.result.complete,
        "Domains": annotations.domains is not None,
        "Annotate": bool(annotations.regions),
        "Save and export": slide is not None and saved,
    }
    return frozenset(dock for dock, is_done in found.items() if is_done)
