"""Work done by threads ahead of whoever takes its results, in bounded memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def worked_ahead(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    threads: int,
    ahead: int,
    name: str = "ahead",
) -> Iterator[tuple[Item, Result]]:
    """Yield each item with what `work` makes of it, in the order of the items.

    Parameters
    ----------
    work
        Called by threads; what it raises is raised where its result would be yielded.
    items
        Taken one by one, by the thread that takes the results.
    threads
        How many work.
    ahead
        How many items are worked on, or wait with their results, while one result is used.
    name
        Of the threads.
    """
    under_way: deque[tuple[Item, Future[Result]]] = deque()
    with ThreadPoolExecutor(threads, thread_name_prefix=name) as pool:
        try:
            for item in items:
                under_way.append((item, pool.submit(work, item)))
                if len(under_way) > ahead:
                    first, result = under_way.popleft()
                    yield first, result.result()
            while under_way:
                first, result = under_way.popleft()
                yield first, result.result()
        finally:
            for _, waiting in under_way:
                waiting.cancel()
