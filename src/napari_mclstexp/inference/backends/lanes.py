"""Threads that each run a network on a piece of a batch, several batches under way, in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from threading import local
from typing import TypeVar

import numpy as np

from ...running.stages import stage
from .backend import Lane, Pixels, Values

Key = TypeVar("Key")
_UnderWay = tuple[Key, Pixels, list[Future[list[Values]]]]


class Lanes:
    """A network that is ready to run, a thread to each lane.

    Each lane runs its piece alone, from pixels to features, and then takes the next one. No lane
    waits for another in between the layers, as the threads of one operation do: where another
    program takes a core, it costs the share of that core and no more.

    Parameters
    ----------
    n
        Number of lanes.
    make
        Makes a lane; called in the lane's thread.
    piece
        Tells how many pictures of a height and width a lane gets at once.
    """

    def __init__(self, n: int, make: Callable[[], Lane], piece: Callable[[int, int], int]) -> None:
        self._n, self._make, self._piece = n, make, piece
        self._own = local()
        self._threads = ThreadPoolExecutor(n, thread_name_prefix="encode")

    def __call__(self, pixels: Pixels) -> list[Values]:
        """Return what the network says of (b, H, W, 3) pixels."""
        return _joined(self._submit(pixels))

    def stream(
        self, batches: Iterable[tuple[Key, Pixels]]
    ) -> Generator[tuple[Key, Pixels, list[Values]], None, None]:
        """Yield every batch with what the network says of it, in their order.

        The next batches are taken while one is under way, as few as keep the lanes busy.
        """
        under_way: deque[_UnderWay[Key]] = deque()
        try:
            for key, pixels in batches:
                under_way.append((key, pixels, self._submit(pixels)))
                while len(under_way) > 1 and _unfinished(islice(under_way, 1, None)) >= self._n:
                    yield _taken(under_way)  # what comes after it keeps every lane busy meanwhile
            while under_way:
                yield _taken(under_way)
        finally:
            for _, _, parts in under_way:
                for part in parts:
                    part.cancel()
            if isinstance(batches, Generator):
                batches.close()  # what reads ahead ends now

    def _submit(self, pixels: Pixels) -> list[Future[list[Values]]]:
        most = self._piece(*pixels.shape[1:3])
        starts = range(0, len(pixels), most)
        return [self._threads.submit(self._run, pixels[at : at + most]) for at in starts]

    def _run(self, pixels: Pixels) -> list[Values]:
        lane: Lane | None = getattr(self._own, "lane", None)
        if lane is None:
            lane = self._own.lane = self._make()
        with stage("encode", pixels[..., 0].size):
            return lane(pixels)


def _unfinished(batches: Iterable[_UnderWay[Key]]) -> int:
    return sum(not part.done() for _, _, parts in batches for part in parts)


def _taken(under_way: deque[_UnderWay[Key]]) -> tuple[Key, Pixels, list[Values]]:
    key, pixels, parts = under_way.popleft()
    return key, pixels, _joined(parts)


def _joined(parts: list[Future[list[Values]]]) -> list[Values]:
    try:
        found = [part.result() for part in parts]
    finally:
        for part in parts:
            part.cancel()
    if len(found) == 1:
        return found[0]
    return [np.concatenate(each) for each in zip(*found, strict=True)]
