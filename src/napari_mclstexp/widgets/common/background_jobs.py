"""Long work off the window's thread; whatever comes of it is handed back on the window's thread."""

from __future__ import annotations

import atexit
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from qtpy.QtCore import QObject, Qt, Signal

from .notify import tell, told

T = TypeVar("T")
Post = Callable[[Callable[[], None]], None]

AT_EXIT_S = 10.0  # what is being written has so long to be whole


@dataclass(eq=False, frozen=True)
class _Job:
    what: str
    work: Callable[[], Any]
    done: Callable[[Any], None]
    failed: Callable[[BaseException], None]


class Jobs(QObject):
    """Loads one thing after another in one thread, and runs one prediction in a second one.

    A load starts only when the one before has been taken in, so that no load reads from a slide
    that the one before has replaced.

    Signals
    -------
    loading
        What is being loaded, as a person would say it; "" when nothing is.
    """

    loading = Signal(str)
    _posted = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._queue: deque[_Job] = deque()
        self._threads: list[threading.Thread] = []
        self._current: _Job | None = None
        self._closed = False
        self._posted.connect(self._receive, Qt.ConnectionType.QueuedConnection)

    @property
    def busy(self) -> str:
        """What is being loaded now, or ""."""
        return self._current.what if self._current is not None else ""

    def load(
        self,
        what: str,
        work: Callable[[], T],
        done: Callable[[T], None],
        failed: Callable[[BaseException], None] = tell,
    ) -> None:
        """Queue `work` for the loading thread; `done` gets what it returns, on this thread."""
        self._queue.append(_Job(what, work, done, failed))
        self._next()

    def start(
        self,
        work: Callable[[Post], T],
        done: Callable[[T], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        """Start `work` in a thread of its own; it may post calls to this thread meanwhile."""
        job = _Job("", lambda: work(self.post), done, failed)
        self._spawn(job, finished=None)

    def post(self, call: Callable[[], None]) -> None:
        """Have `call` made on the window's thread, soon; may be called from any thread."""
        if not self._closed:
            self._posted.emit(call)

    def close(self) -> None:
        """Forget what is queued, and drop what threads still have to say; waits for nothing.

        Tell a prediction to stop before this. Threads that are still at work, for instance writing
        a file, are waited for when the program ends, up to `AT_EXIT_S`.
        """
        self._closed = True
        self._queue.clear()
        if self.wait(0):
            return
        atexit.register(self.wait, AT_EXIT_S)

    def wait(self, seconds: float) -> bool:
        """Wait for the threads; whether all of them ended in time. Not for the window's thread."""
        end = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        return not self._threads

    def _next(self) -> None:
        if self._current is None and self._queue and not self._closed:
            self._current = self._queue.popleft()
            self.loading.emit(self._current.what)
            self._spawn(self._current, finished=self._loaded)

    def _loaded(self) -> None:
        self._current = None
        self._next()
        if self._current is None:
            self.loading.emit("")

    def _spawn(self, job: _Job, finished: Callable[[], None] | None) -> None:
        def work() -> None:
            try:
                value = job.work()
            except BaseException as error:
                report = _call(job.failed, error)
            else:
                report = _call(job.done, value)
            self.post(report)
            if finished is not None:
                self.post(finished)

        self._threads = [thread for thread in self._threads if thread.is_alive()]
        # A daemon: a thread that hangs in a broken file must not keep the program alive.
        thread = threading.Thread(target=work, name=f"mclstexp: {job.what or 'run'}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _receive(self, call: Callable[[], None]) -> None:
        if not self._closed:
            with told():
                call()


def _call(function: Callable[[Any], None], value: Any) -> Callable[[], None]:
    return lambda: function(value)
