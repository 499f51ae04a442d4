"""How fast a run goes and how long it will take, from the moments of its progress."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

_WINDOW_S = 20.0  # long enough to be steady, short enough to notice that a run got faster


class Pace:
    """Rate and time left of one run.

    Parameters
    ----------
    clock
        Seconds; another clock in tests.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._moments: deque[tuple[float, int]] = deque()

    def note(self, done: int) -> None:
        """Note that so many units are done by now."""
        now = self._clock()
        if self._moments and done < self._moments[-1][1]:
            self._moments.clear()  # another stage began
        self._moments.append((now, done))
        while len(self._moments) > 2 and now - self._moments[0][0] > _WINDOW_S:
            self._moments.popleft()

    @property
    def rate(self) -> float | None:
        """Units a second, or None as long as nobody can tell."""
        if len(self._moments) < 2:
            return None
        (start, first), (end, last) = self._moments[0], self._moments[-1]
        return (last - first) / (end - start) if end > start and last > first else None

    def text(self, done: int, total: int, unit: str) -> str:
        """Return "412 of 613 spots, 35 a second, 6 s left"."""
        text = f"{done:,} of {total:,} {unit}"
        rate = self.rate
        if rate is not None:
            text += f", {rate:.3g} a second, {duration((total - done) / rate)} left"
        return text


def duration(seconds: float) -> str:
    """Return seconds as a person would say them: "6 s", "2 min 5 s", "1 h 3 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
