"""The stopwatch of a run's stages, in one thread and in many."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from napari_mclstexp.running.stages import stage, timing


def test_a_stage_inside_another_counts_for_itself():
    with timing() as watch, stage("decode"):
        time.sleep(0.02)
        with stage("read"):
            time.sleep(0.06)
    read, decode = watch.stages["read"], watch.stages["decode"]
    assert read.seconds > 0.059
    assert decode.on > 0.079
    assert decode.seconds == pytest.approx(decode.on - read.on, abs=1e-3)


def test_threads_add_up_in_seconds_and_not_in_the_time_a_stage_is_on():
    together = threading.Barrier(3)

    def work(_):
        with stage("encode", 5):
            together.wait(10)
            time.sleep(0.1)
            together.wait(10)

    with timing() as watch, ThreadPoolExecutor(3) as threads:
        list(threads.map(work, range(3)))
    encode = watch.stages["encode"]
    assert encode.seconds > 0.29
    assert encode.seconds > 2 * encode.on > 0.19
    assert encode.amount == 15
    assert watch.seconds >= encode.on


def test_nothing_is_counted_where_no_run_is_timed():
    with timing() as watch:
        pass
    with stage("read"):
        pass
    assert watch.stages == {}
