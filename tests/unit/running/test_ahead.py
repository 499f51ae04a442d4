"""Work ahead of whoever takes its results: in order, bounded, ended when nobody takes more."""

from __future__ import annotations

import threading
import time

import pytest

from napari_mclstexp.running.ahead import worked_ahead


def test_results_come_in_the_order_of_the_items_whoever_is_ready_first():
    def work(n):
        time.sleep(0.02 * (n % 3 == 0))
        return n * n

    found = list(worked_ahead(work, range(20), threads=4, ahead=4))
    assert found == [(n, n * n) for n in range(20)]


def test_no_more_is_taken_than_may_wait():
    taken = []

    def items():
        for n in range(100):
            taken.append(n)
            yield n

    results = worked_ahead(lambda n: n, items(), threads=2, ahead=3)
    next(results)
    time.sleep(0.05)
    assert len(taken) == 4  # the one that was yielded, and three ahead
    results.close()


def test_what_fails_is_raised_where_its_result_would_have_been():
    results = worked_ahead(lambda n: 6 // (2 - n), range(5), threads=2, ahead=4)
    assert next(results) == (0, 3)
    assert next(results) == (1, 6)
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_a_taker_that_stops_ends_the_threads_and_what_still_waits():
    begun, go_on = [], threading.Event()

    def work(n):
        begun.append(n)
        go_on.wait(5 if n else 0)
        return n

    results = worked_ahead(work, range(50), threads=1, ahead=10, name="to be stopped")
    next(results)
    go_on.set()
    results.close()
    assert not [each for each in threading.enumerate() if each.name.startswith("to be stopped")]
    assert len(begun) < 11
