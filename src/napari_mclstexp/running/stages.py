"""Where the time of a run goes: its stages on a stopwatch that many threads share."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

# Bytes from the file; pixels from bytes, and resampled; features; expression; results on disk.
STAGES = ("read", "decode", "encode", "retrieve", "write")


@dataclass
class Stage:
    """What was spent in a stage.

    Attributes
    ----------
    seconds
        Summed over all threads, without what other stages took in between.
    on
        Seconds in which at least one thread was in it.
    amount
        What was done, in the stage's own unit: pixels that were encoded.
    """

    seconds: float = 0.0
    on: float = 0.0
    amount: int = 0
    _threads: int = 0
    _since: float = 0.0


@dataclass
class Stopwatch:
    """The stages of a run, while `timing` is on.

    Attributes
    ----------
    stages
        By name.
    seconds
        From start to end of the block.
    """

    stages: dict[str, Stage] = field(default_factory=dict)
    seconds: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _own: threading.local = field(default_factory=threading.local)

    @contextmanager
    def stage(self, name: str, amount: int = 0) -> Iterator[None]:
        """Count the block's time; stages inside it count for themselves."""
        within: list[float] = self._own.__dict__.setdefault("within", [])
        start = time.perf_counter()
        with self._lock:
            stage = self.stages.setdefault(name, Stage())
            if not stage._threads:
                stage._since = start
            stage._threads += 1
        within.append(0.0)
        try:
            yield
        finally:
            end = time.perf_counter()
            inner = within.pop()
            if within:
                within[-1] += end - start
            with self._lock:
                stage.seconds += end - start - inner
                stage.amount += amount
                stage._threads -= 1
                if not stage._threads:
                    stage.on += end - stage._since


_watches: list[Stopwatch] = []  # of this process; one run is timed at a time


@contextmanager
def timing() -> Iterator[Stopwatch]:
    """Count the time of every stage in the block, in whichever thread."""
    watch = Stopwatch()
    _watches.append(watch)
    start = time.perf_counter()
    try:
        yield watch
    finally:
        watch.seconds = time.perf_counter() - start
        _watches.remove(watch)


@contextmanager
def stage(name: str, amount: int = 0) -> Iterator[None]:
    """Count the block's time as a stage's, where a run is timed; else do nothing."""
    if not _watches:
        yield
        return
    with _watches[-1].stage(name, amount):
        yield
