"""What a person made of a slide: regions, domains, signatures, notes; every step can be undone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from psygnal import Signal

from .explore.domain_map import DomainMap
from .explore.regions import Region
from .explore.signatures import Signature

MOST_STEPS = 200


@dataclass(frozen=True, eq=False)
class Work:
    """One state of it.

    Attributes
    ----------
    regions
        Trees, in level-0 pixels.
    domains
        Of the spots, or None.
    signatures
        That can be shown like genes.
    notes
        Free text.
    """

    regions: tuple[Region, ...] = ()
    domains: DomainMap | None = None
    signatures: tuple[Signature, ...] = ()
    notes: str = ""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to lose."""
        return not (self.regions or self.domains or self.signatures or self.notes.strip())


class History:
    """The states of a person's work, one after the other.

    Signals
    -------
    changed
        Another state is the present one, or what could be undone is another thing.
    """

    changed = Signal()

    def __init__(self) -> None:
        self.work = Work()
        self._past: list[tuple[str, Work]] = []
        self._future: list[tuple[str, Work]] = []

    @property
    def undoable(self) -> str:
        """What :meth:`undo` would take back ("Draw a region"), or ""."""
        return self._past[-1][0] if self._past else ""

    @property
    def redoable(self) -> str:
        """What :meth:`redo` would do again, or ""."""
        return self._future[-1][0] if self._future else ""

    def edit(self, what: str, **changes: Any) -> None:
        """Change fields of :class:`Work`: ``edit("Rename a domain", domains=...)``."""
        self._past = [*self._past[1 - MOST_STEPS :], (what, self.work)]
        self._future = []
        self.work = replace(self.work, **changes)
        self.changed.emit()

    def undo(self) -> None:
        """Go one step back, if there is one."""
        if self._past:
            what, before = self._past.pop()
            self._future.append((what, self.work))
            self.work = before
            self.changed.emit()

    def redo(self) -> None:
        """Go one step forward again, if there is one."""
        if self._future:
            what, after = self._future.pop()
            self._past.append((what, self.work))
            self.work = after
            self.changed.emit()

    def begin(self, work: Work) -> None:
        """Begin anew from a state, with no way back."""
        self._past, self._future = [], []
        self.work = work
        self.changed.emit()

    def clear(self) -> None:
        """Forget all but the signatures, which are of no slide."""
        if self._past or self._future or not replace(self.work, signatures=()).empty:
            self.begin(Work(signatures=self.work.signatures))

    def drop_domains(self) -> None:
        """Forget all domains, also those that undoing would bring back: their spots are gone."""
        for steps in (self._past, self._future):
            steps[:] = [(what, replace(work, domains=None)) for what, work in steps]
        if self.work.domains is not None:
            self.work = replace(self.work, domains=None)
            self.changed.emit()
