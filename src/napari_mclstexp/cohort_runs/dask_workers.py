"""Slides on the workers of a dask scheduler: a cluster's, a container engine's, or one's own.

The scheduler sees a few hundred bytes of each slide: what to do, and how it went. Slides, models
and results are read and written by the workers, in folders that all of them can reach.
"""

from __future__ import annotations

import queue
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from ..errors import Cancelled, OutputError
from ..progress import CancelToken, Progress
from .engine import Say, SlideNews, died
from .one_slide import SlideJob, do_slide
from .slide_record import SlideState

if TYPE_CHECKING:
    from distributed import Client

EVERY_S = 2.0  # between two words about how far a slide is
LOOK_S = 0.5
WAIT_S = 600.0  # for a scheduler that is gone to come back

Connect = Callable[[], "Client"]
Future = Any  # of distributed, which has no types
_Queue = queue.SimpleQueue[SlideNews | tuple[str, Future]]


class _Withdrawn(CancelToken):
    """Set when the scheduler no longer wants the task that this worker is at."""

    def __init__(self) -> None:
        super().__init__()
        from distributed import get_worker

        self._worker: Any = get_worker()
        self._key = self._worker.get_current_task()
        self._looked = time.monotonic()

    @property
    def cancelled(self) -> bool:
        """Whether the task was withdrawn, looked up once a second at most."""
        if not super().cancelled and time.monotonic() - self._looked > 1.0:
            self._looked = time.monotonic()
            task = self._worker.state.tasks.get(self._key)
            if task is None or task.state == "cancelled":
                self.cancel()
        return super().cancelled

    def raise_if_cancelled(self) -> None:
        """Raise if the task was withdrawn."""
        if self.cancelled:
            raise Cancelled("The task was withdrawn.")


def slide_on_worker(job: str, topic: str) -> str:
    """Do a slide on a worker; what goes in and comes out is a short JSON text."""
    from distributed import get_worker
    from pydantic import TypeAdapter

    worker, asked, last = get_worker(), SlideJob.read(job), 0.0

    def report(progress: Progress | None) -> None:
        nonlocal last
        if progress is None or time.monotonic() - last >= EVERY_S:
            last = time.monotonic()
            said: dict[str, Any] = {"name": asked.entry.name, "where": str(worker.name)}
            if progress is not None:
                said["progress"] = {"done": progress.done, "total": progress.total,
                                    "what": progress.what, "unit": progress.unit}  # fmt: skip
            worker.log_event(topic, said)

    report(None)
    state = do_slide(asked, progress=report, cancel=_Withdrawn())
    return TypeAdapter(SlideState).dump_json(state).decode()


@dataclass(eq=False)
class DaskWorkers:
    """Workers of a dask scheduler; see :class:`~.engine.Engine`.

    Parameters
    ----------
    client
        Connected to the scheduler.
    connect
        Connects anew when the scheduler was gone for so long that the client gave up; None where
        the client is somebody else's.
    close
        Called at the end, with what was made for this run.
    """

    client: Client
    connect: Connect | None = None
    close: Callable[[], None] = lambda: None
    _topic: str = field(default_factory=lambda: f"napari-mclstexp-{uuid.uuid4().hex[:8]}")
    _begun: dict[str, Future] = field(default_factory=dict)

    @property
    def about(self) -> str:
        """Where the slides run."""
        address = self.client.scheduler.address if self.client.scheduler is not None else "?"
        return f"the workers of {address}, dashboard {self.client.dashboard_link or 'not there'}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with suppress(Exception):  # whatever a scheduler that is gone makes of it
            self.client.cancel(list(self._begun.values()), force=True)
            self.client.unsubscribe_topic(self._topic)
        if self.connect is not None:
            with suppress(Exception):
                self.client.close(timeout=5)
        self.close()

    def run(self, jobs: Sequence[SlideJob], say: Say, cancel: CancelToken) -> Iterator[SlideState]:
        """Yield the end of each job, in the order in which they end."""
        waiting = {job.entry.name: job for job in jobs}
        heard: _Queue = queue.SimpleQueue()  # what other threads say is told in this one
        lost = set(waiting)
        while waiting:
            cancel.raise_if_cancelled()
            if lost and self._connected(cancel):
                self._listen(heard)
                for name in sorted(lost, key=list(waiting).index):
                    self._begin(name, waiting[name], heard)
                lost.clear()
            try:
                what = heard.get(timeout=LOOK_S)
            except queue.Empty:
                continue
            if isinstance(what, SlideNews):
                say(what)
                continue
            name, future = what
            begun = self._begun.pop(name, None)
            if begun is not future:  # one that was lost, whose place another has taken
                if begun is not None:
                    self._begun[name] = begun
                continue
            if future.status in ("cancelled", "lost"):  # with the scheduler that held it
                lost.add(name)
                say(SlideNews(name))
                continue
            state = self._end(waiting.pop(name), future)
            future.release()
            yield state

    def _begin(self, name: str, job: SlideJob, heard: _Queue) -> None:
        key = f"slide-{name}-{uuid.uuid4().hex[:8]}"
        future = self.client.submit(slide_on_worker, job.text(), self._topic, key=key, pure=False)
        self._begun[name] = future
        future.add_done_callback(lambda done: heard.put((name, done)))

    def _end(self, job: SlideJob, future: Future) -> SlideState:
        """Return how a task ended.

        Raises
        ------
        OutputError
            If workers cannot do this kind of task at all.
        """
        from distributed import KilledWorker
        from pydantic import TypeAdapter

        if future.status == "finished":
            text: str = future.result(timeout=WAIT_S)
            return TypeAdapter(SlideState).validate_json(text)
        error = future.exception(timeout=WAIT_S)
        if isinstance(error, KilledWorker):
            return died(job, f"the last on {error.last_worker.address}")
        if isinstance(error, Cancelled):
            return SlideState(job.entry.name, "elsewhere")
        raise OutputError(
            f"The workers cannot run slides ({type(error).__name__}: {error}); install the same "
            "version of napari-mclstexp for them as here."
        )

    def _connected(self, cancel: CancelToken) -> bool:
        """Wait until the scheduler can be reached, connecting anew if the client has given up.

        Raises
        ------
        OutputError
            If it stays away for too long.
        """
        end = time.monotonic() + WAIT_S
        while self.client.status != "running":
            cancel.raise_if_cancelled()
            if self.client.status == "closed" and self.connect is not None:
                with suppress(OSError, TimeoutError):
                    self.client = self.connect()
                    continue
            gone = self.client.status == "closed" and self.connect is None
            if gone or time.monotonic() > end:
                raise OutputError(
                    "The scheduler of the workers is gone; start it and its workers again, and "
                    "then this command: what is done stays done."
                )
            time.sleep(LOOK_S)
        return True

    def _listen(self, heard: _Queue) -> None:
        def hear(event: tuple[float, dict[str, Any]]) -> None:
            _, said = event
            progress = said.get("progress")
            step = None if progress is None else Progress(**progress)
            heard.put(SlideNews(str(said["name"]), str(said["where"]), step))

        self.client.subscribe_topic(self._topic, hear)
