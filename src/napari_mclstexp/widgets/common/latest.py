"""Figures that a dock shows, worked out off the window's thread: only the latest wish counts."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import partial
from typing import Generic, TypeVar

from qtpy.compat import isalive
from qtpy.QtCore import QObject

from .background_jobs import Jobs
from .notify import tell

T = TypeVar("T")


class Latest(Generic[T]):
    """Works out one thing at a time, and skips what was asked for in between.

    Parameters
    ----------
    owner
        Whose figures they are; nothing is shown once it is destroyed.
    jobs
        Whose threads are used.
    show
        Called on the window's thread with what was found, unless something else is wanted by then.
    """

    def __init__(self, owner: QObject, jobs: Jobs, show: Callable[[T], None]) -> None:
        self._owner, self._jobs, self._show = owner, jobs, show
        self._wanted: Hashable = None
        self._waiting: Callable[[], T] | None = None
        self._busy = False

    def ask(self, key: Hashable, work: Callable[[], T]) -> None:
        """Have this worked out; nothing happens if it is what was asked for last.

        Parameters
        ----------
        key
            Changes whenever the answer does.
        work
            Runs in another thread.
        """
        if key != self._wanted:
            self._wanted, self._waiting = key, work
            self._next()

    def forget(self) -> None:
        """Want nothing any more."""
        self._wanted = self._waiting = None

    def _next(self) -> None:
        work, key = self._waiting, self._wanted
        if work is not None and not self._busy:
            self._waiting, self._busy = None, True
            self._jobs.start(lambda _: work(), partial(self._done, key), partial(self._failed, key))

    def _done(self, key: Hashable, found: T) -> None:
        self._busy = False
        self._next()
        if key == self._wanted and isalive(self._owner):
            self._show(found)

    def _failed(self, key: Hashable, error: BaseException) -> None:
        self._busy = False
        self._next()
        if key == self._wanted:
            tell(error)
