"""What a person made of a slide: regions, domains, signatures, notes; every step can be undone."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from psygnal import Signal

from .annotations import Annotations

MOST_STEPS = 200


@dataclass(frozen=True, eq=False)
class Steps:
    """All states of it: those that undo and redo would bring, around the present one.

    Attributes
    ----------
    past, future
        What was done, and the state before it, or after it.
    work
        The present state.
    """

    past: tuple[tuple[str, Annotations], ...] = ()
    annotations: Annotations = field(default_factory=Annotations)
    future: tuple[tuple[str, Annotations], ...] = ()

    def edited(self, what: str, **changes: Any) -> Steps:
        """Return them with one step more, which changes fields of :class:`Annotations`."""
        past = (*self.past[1 - MOST_STEPS :], (what, self.annotations))
        return Steps(past, replace(self.annotations, **changes))

    def undone(self) -> Steps:
        """Return them one step back; themselves where there is none."""
        if not self.past:
            return self
        *past, (what, before) = self.past
        return Steps(tuple(past), before, (*self.future, (what, self.annotations)))

    def redone(self) -> Steps:
        """Return them one step forward again; themselves where there is none."""
        if not self.future:
            return self
        *future, (what, after) = self.future
        return Steps((*self.past, (what, self.annotations)), after, tuple(future))

    def without_domains(self) -> Steps:
        """Return them with no domains in any state: the spots are gone."""
        past, future = (
            tuple((what, replace(annotations, domains=None)) for what, annotations in states)
            for states in (self.past, self.future)
        )
        kept = (
            self.annotations
            if self.annotations.domains is None
            else replace(self.annotations, domains=None)
        )
        return Steps(past, kept, future)


class History:
    """The steps of a person's work on the slide that is shown.

    Signals
    -------
    changed
        Another state is the present one, or what could be undone is another thing.
    """

    changed = Signal()

    def __init__(self) -> None:
        self.steps = Steps()

    @property
    def annotations(self) -> Annotations:
        """The present state."""
        return self.steps.annotations

    @property
    def undoable(self) -> str:
        """What :meth:`undo` would take back ("Draw a region"), or ""."""
        return self.steps.past[-1][0] if self.steps.past else ""

    @property
    def redoable(self) -> str:
        """What :meth:`redo` would do again, or ""."""
        return self.steps.future[-1][0] if self.steps.future else ""

    def edit(self, what: str, **changes: Any) -> None:
        """Change fields of :class:`Annotations`: ``edit("Rename a domain", domains=...)``."""
        self.go_on_with(self.steps.edited(what, **changes))

    def undo(self) -> None:
        """Go one step back, if there is one."""
        self.go_on_with(self.steps.undone())

    def redo(self) -> None:
        """Go one step forward again, if there is one."""
        self.go_on_with(self.steps.redone())

    def go_on_with(self, steps: Steps) -> None:
        """Take other steps in place of the present ones."""
        if steps is not self.steps:
            self.steps = steps
            self.changed.emit()

    def drop_domains(self) -> None:
        """Forget all domains, also those that undoing would bring back: their spots are gone."""
        told = self.annotations.domains is not None
        self.steps = self.steps.without_domains()
        if told:
            self.changed.emit()
