"""Long work on the window's own thread, cut so that what a person does is handled between."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, nullcontext

from qtpy.QtCore import QTimer

from ..common.notify import told

Pieces = Generator[bool]  # yields after a piece whether what a person does is to be handled now


class InTurns:
    """Does one thing piece by piece, and rests for a turn of the event loop after those that ask.

    What goes wrong ends it; it is told where nobody who began it is there to be told.

    Parameters
    ----------
    within
        Makes the context that each piece is done in.
    """

    def __init__(self, within: Callable[[], AbstractContextManager[None]] = nullcontext) -> None:
        self._within = within
        self._pieces: Pieces | None = None
        self._then: Callable[[], None] = lambda: None
        self._doing: list[Pieces] = []  # a piece may let events be handled, and begin another
        self._next = QTimer()
        self._next.setSingleShot(True)
        self._next.timeout.connect(self._soon)

    def begin(self, pieces: Pieces, then: Callable[[], None]) -> None:
        """Do the first pieces now, in place of what was begun before, and the others soon.

        Parameters
        ----------
        then
            Called at the end, however that came.
        """
        self.stop()
        self._pieces, self._then = pieces, then
        self._go_on()

    def finish(self) -> None:
        """Do all that is left now; nothing while a piece of it is being done."""
        while self._pieces is not None and self._pieces not in self._doing:
            self._go_on()

    def stop(self) -> None:
        """Leave undone what is left, and do not call what was to follow."""
        self._next.stop()
        pieces, self._pieces = self._pieces, None
        if pieces is not None and pieces not in self._doing:
            with self._within():
                pieces.close()

    def _soon(self) -> None:
        with told():
            self._go_on()

    def _go_on(self) -> None:
        pieces, rest = self._pieces, None
        if pieces is None or pieces in self._doing:
            return
        self._doing.append(pieces)
        try:
            with self._within():
                while (rest := next(pieces, None)) is False and pieces is self._pieces:
                    pass
        except BaseException:
            rest = None
            raise
        finally:
            self._doing.remove(pieces)
            if pieces is self._pieces:  # else another was begun meanwhile
                if rest is not None:
                    self._next.start(0)
                else:
                    self._pieces = None
                    self._then()
