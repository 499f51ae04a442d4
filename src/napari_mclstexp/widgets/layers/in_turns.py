"""Long work on the window's own thread, cut so that what a person does is handled between."""

from __future__ import annotations

from collections.abc import Callable, Generator

from qtpy.QtCore import QTimer

from ..common.notify import told


class InTurns:
    """Does one thing, a piece of it in each turn of the event loop.

    What goes wrong ends it; it is told where nobody who began it is there to be told.
    """

    def __init__(self) -> None:
        self._pieces: Generator[None] | None = None
        self._then: Callable[[], None] = lambda: None
        self._next = QTimer()
        self._next.setSingleShot(True)
        self._next.timeout.connect(self._soon)

    def begin(self, pieces: Generator[None], then: Callable[[], None]) -> None:
        """Do the first piece now, in place of what was begun before, and the others soon.

        Parameters
        ----------
        pieces
            Yields after each piece but the last.
        then
            Called at the end, however that came.
        """
        self.stop()
        self._pieces, self._then = pieces, then
        self._go_on()

    def finish(self) -> None:
        """Do all that is left now; nothing while a piece of it is being done."""
        while self._pieces is not None and not self._pieces.gi_running:
            self._go_on()

    def stop(self) -> None:
        """Leave undone what is left, and do not call what was to follow."""
        self._next.stop()
        pieces, self._pieces = self._pieces, None
        if pieces is not None and not pieces.gi_running:
            pieces.close()

    def _soon(self) -> None:
        with told():
            self._go_on()

    def _go_on(self) -> None:
        pieces, goes_on = self._pieces, False
        if pieces is None or pieces.gi_running:  # a piece may let events be handled
            return
        try:
            goes_on = next(pieces, True) is None
        finally:
            if pieces is self._pieces:  # else another was begun meanwhile
                if goes_on:
                    self._next.start(0)
                else:
                    self._pieces = None
                    self._then()
