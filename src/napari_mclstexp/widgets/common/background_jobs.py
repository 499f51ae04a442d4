"""Long work off the window's thread; whatever comes of it is handed back on the window's thread."""

from __future__ import annotations

import atexit
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from qtpy.QtCore import QObject, Qt, Signal

from ...errors import Cancelled
from .notify import Answer, answer_at, asked_at, tell, told

T = TypeVar("T")
Post = Callable[[Callable[[], None]], None]

AT_EXIT_S = 10.0  # what is being written has so long to be whole


FILES, ANALYSIS = "files", "analysis"  # what waits in one queue does not wait for the other


@dataclass(eq=False)
class _Job:
    what: str
    work: Callable[[], Any]
    done: Callable[[Any], None]
    failed: Callable[[BaseException], None]
    cancellable: bool = False
    asked_at: Answer | None = None
    dropped: bool = False  # nobody wants what comes of it any more


class Jobs(QObject):
    """Loads one thing after another, computes beside it, and runs a prediction in a third thread.

    A load starts only when the one before has been taken in, so that no load reads from a slide
    that the one before has replaced. What needs no file waits in a queue of its own (`ANALYSIS`).

    Signals
    -------
    loading
        What is being loaded or computed, as a person would say it, "" when nothing is; and whether
        it can be cancelled.
    closing
        The window goes away: what was started may as well stop.
    """

    loading = Signal(str, bool)
    closing = Signal()
    _posted = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._queues: dict[str, deque[_Job]] = {FILES: deque(), ANALYSIS: deque()}
        self._current: dict[str, _Job] = {}
        self._threads: list[threading.Thread] = []
        self._closed = False
        self._posted.connect(self._receive, Qt.ConnectionType.QueuedConnection)

    @property
    def busy(self) -> str:
        """What is being loaded or computed now, or ""."""
        return next((job.what for job in self._current.values()), "")

    @property
    def closed(self) -> bool:
        """Whether the window has gone away."""
        return self._closed

    @property
    def can_cancel(self) -> bool:
        """Whether :meth:`cancel` would stop what is being loaded or computed now."""
        return any(job.cancellable for job in self._current.values())

    def cancel(self) -> None:
        """Stop what is being loaded or computed, where that leaves nothing half done.

        What its thread still brings is dropped; the next in its queue begins at once.
        """
        for queue, job in list(self._current.items()):
            if job.cancellable:
                job.dropped = True
                job.failed(Cancelled(f"Cancelled: {job.what}."))
                self._loaded(queue, job)

    def load(
        self,
        what: str,
        work: Callable[[], T],
        done: Callable[[T], None],
        failed: Callable[[BaseException], None] = tell,
        queue: str = FILES,
        cancellable: bool = False,
    ) -> None:
        """Queue `work` for the thread of a queue; `done` gets what it returns, on this thread.

        Parameters
        ----------
        what
            As a person would say it: "Opening a.svs".
        work, done, failed
            Runs in the thread; get what it returned, or what went wrong, in the window's.
        queue
            `FILES` or `ANALYSIS`.
        cancellable
            Whether the person may cancel it: what `work` returns then is closed, if it can be, and
            dropped. Not for what is being written.
        """
        self._queues[queue].append(_Job(what, work, done, failed, cancellable, asked_at()))
        self._next(queue)

    def start(
        self,
        work: Callable[[Post], T],
        done: Callable[[T], None],
        failed: Callable[[BaseException], None],
        waited_for: bool = False,
    ) -> None:
        """Start `work` in a thread of its own; it may post calls to this thread meanwhile.

        Parameters
        ----------
        waited_for
            Whether the program ends only after it, however long it takes: libraries that are
            imported or compile while Python takes them down crash it.
        """
        job = _Job("", lambda: work(self.post), done, failed, asked_at=asked_at())
        self._spawn(job, finished=None, daemon=not waited_for)

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
        self.closing.emit()
        for queue in self._queues.values():
            queue.clear()
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

    def _next(self, queue: str) -> None:
        if queue not in self._current and self._queues[queue] and not self._closed:
            job = self._current[queue] = self._queues[queue].popleft()
            self.loading.emit(job.what, job.cancellable)
            self._spawn(job, finished=partial(self._loaded, queue, job))

    def _loaded(self, queue: str, job: _Job) -> None:
        if self._current.get(queue) is not job:  # it was cancelled
            return
        del self._current[queue]
        self._next(queue)
        if queue not in self._current:
            self.loading.emit(self.busy, self.can_cancel)

    def _spawn(self, job: _Job, finished: Callable[[], None] | None, daemon: bool = True) -> None:
        def work() -> None:
            try:
                value = job.work()
            except BaseException as error:
                report = partial(_report, job, job.failed, error)
            else:
                report = partial(_report, job, job.done, value)
            self.post(report)
            if finished is not None:
                self.post(finished)

        self._threads = [thread for thread in self._threads if thread.is_alive()]
        # A daemon: a thread that hangs in a broken file must not keep the program alive.
        name = f"mclstexp: {job.what or 'run'}"
        thread = threading.Thread(target=work, name=name, daemon=daemon)
        self._threads.append(thread)
        thread.start()

    def _receive(self, call: Callable[[], None]) -> None:
        if not self._closed:
            with told():
                call()


def _report(job: _Job, function: Callable[[Any], None], value: Any) -> None:
    """Hand over what came of a job; what goes wrong is said where it was asked for."""
    if job.dropped:
        close = getattr(value, "close", None)
        if callable(close):
            close()
        return
    before = answer_at(job.asked_at)
    try:
        with told():
            function(value)
    finally:
        answer_at(before)
