"""Every step of a person's work on a slide, so that it can be taken back and done again."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from .annotations import Annotations

MOST_STEPS = 200


@dataclass(frozen=True, eq=False)
class UndoHistory:
    """All states of the annotations: those that undo and redo would bring, around the present one.

    Attributes
    ----------
    past, future
        What was done, and the state before it, or after it.
    present
        The present state.
    """

    past: tuple[tuple[str, Annotations], ...] = ()
    present: Annotations = field(default_factory=Annotations)
    future: tuple[tuple[str, Annotations], ...] = ()

    @property
    def undoable(self) -> str:
        """What undo would take back ("Draw a region"), or ""."""
        return self.past[-1][0] if self.past else ""

    @property
    def redoable(self) -> str:
        """What redo would do again, or ""."""
        return self.future[-1][0] if self.future else ""

    def edited(self, what: str, **changes: Any) -> UndoHistory:
        """Return it with one step more, which changes fields of :class:`Annotations`.

        What changes nothing is no step: it returns itself, and redo still has its steps.
        """
        if all(getattr(self.present, name) == value for name, value in changes.items()):
            return self
        past = (*self.past[1 - MOST_STEPS :], (what, self.present))
        return UndoHistory(past, replace(self.present, **changes))

    def undone(self) -> UndoHistory:
        """Return it one step back; itself where there is none."""
        if not self.past:
            return self
        *past, (what, before) = self.past
        return UndoHistory(tuple(past), before, (*self.future, (what, self.present)))

    def redone(self) -> UndoHistory:
        """Return it one step forward again; itself where there is none."""
        if not self.future:
            return self
        *future, (what, after) = self.future
        return UndoHistory((*self.past, (what, self.present)), after, tuple(future))

    def without_spots(self) -> UndoHistory:
        """Return it with no domains and no comparison in any state: the spots are gone."""
        past, future = (
            tuple((what, _without_spots(annotations)) for what, annotations in states)
            for states in (self.past, self.future)
        )
        return UndoHistory(past, _without_spots(self.present), future)


def _without_spots(annotations: Annotations) -> Annotations:
    if annotations.domains is None and annotations.comparison is None:
        return annotations
    return replace(annotations, domains=None, comparison=None)
