"""Signals are obeyed within a second, whatever a library is busy with meanwhile.

Python looks at signals between its own instructions only: while a library decodes a picture of
gigabytes, it looks at none. Its C handler writes their numbers to a pipe at once, however; a thread
reads them there, and ends the process if nobody else has obeyed in time. What was being written
stands under a temporary name, and is removed when the same target is written next.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress

IMPATIENT_S, PATIENT_S = 0.8, 20.0
_LOOK_S = 0.05


class DeafWatch:
    """Ends the process after a signal that Python has not looked at in time.

    Parameters
    ----------
    obeyed
        Whether it has.

    Attributes
    ----------
    patience_s
        How long it is waited for.
    """

    def __init__(self, obeyed: Callable[[], bool]) -> None:
        self._obeyed = obeyed
        self.patience_s = IMPATIENT_S
        self._pipe: tuple[int, int] | None = None
        self._before = -1

    def start(self) -> None:
        """Begin to listen; on the main thread, where alone signals are dealt with."""
        if sys.platform == "win32" or threading.current_thread() is not threading.main_thread():
            return
        self._pipe = os.pipe()
        os.set_blocking(self._pipe[1], False)
        self._before = signal.set_wakeup_fd(self._pipe[1], warn_on_full_buffer=False)
        threading.Thread(target=self._listen, args=(self._pipe[0],), daemon=True).start()

    def stop(self) -> None:
        """Listen no longer; on the main thread."""
        if self._pipe is None:
            return
        signal.set_wakeup_fd(self._before, warn_on_full_buffer=False)
        os.close(self._pipe[1])  # which ends the thread
        self._pipe = None

    def _listen(self, end: int) -> None:
        with suppress(OSError):
            while heard := os.read(end, 16):
                number = next((each for each in heard if each in _OURS), None)
                if number is not None:
                    self._wait(number)
        with suppress(OSError):
            os.close(end)

    def _wait(self, number: int) -> None:
        latest = time.monotonic() + self.patience_s
        while not self._obeyed():
            if time.monotonic() > latest:
                with suppress(OSError, ValueError):
                    os.write(2, b"Cancelled; nothing unfinished was left under its name.\n")
                os._exit(128 + number)
            time.sleep(_LOOK_S)


_OURS = (signal.SIGINT, signal.SIGTERM)
