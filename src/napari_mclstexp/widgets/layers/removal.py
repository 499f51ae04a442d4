"""What it means that a person removes our layers in napari's list: never that data is lost."""

from __future__ import annotations

# Each has a flag in Display and a control in a dock.
_HIDDEN = {
    "spots": ("show_spots", "The spots are hidden, not lost; show them in Slide and spots."),
    "domains": ("show_domains", "The domains are hidden, not lost; show them in Domains."),
    "regions": ("show_regions", "The regions are hidden, not lost; show them in napari's layers."),
}
_SLIDE = "The slide is still open; close it in Slide and spots."
_EXPRESSION = "The expression is still there; lower its opacity in Predict to see the slide alone."


_RING = "The ring marks the clicked spot; click beside the tissue to see none."


def what_removal_means(slots: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Return what to tell the person, in a sentence, and the fields of Display to set to False.

    Who removes the slide, alone or with all the rest, does not mean to hide spots: all of it is
    drawn again.
    """
    if set(slots) == {"picked"}:
        return _RING, ()
    if any("slide" in slot for slot in slots):
        return _SLIDE, ()
    hidden = [_HIDDEN[slot] for slot in slots if slot in _HIDDEN]
    if len(hidden) < len(slots):
        return _EXPRESSION, tuple(field for field, _ in hidden)
    return hidden[0][1], tuple(field for field, _ in hidden)
