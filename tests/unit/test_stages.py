"""The stopwatch of a run's stages, in one thread and in many."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from napari_mclstexp.running.stages import stage, timing


def test_a_stage_inside_another_counts_for_itself():
    with timing() as watch, stage("decode"):
        time.sleep(0.02)
        with stage("read"):
            time.sleep(0.06)
    assert watch.stages["read"].seconds == pytest.approx(0.06, abs=0.03)
    assert watch.stages["decode"].seconds == pytest.approx(0.02, abs=0.02)
    assert watch.stages["decode"].on == pytest.approx(0.08, abs=0.04)


def test_threads_add_up_in_seconds_and_not_in_the_time_a_stage_is_on():
    def work(_):
        with stage("encode", 5):
            time.sleep(0.1)

    with timing() as watch, ThreadPoolExecutor(3) as threads:
        list(threads.map(work, range(3)))
    encode = watch.stages["encode"]
    assert encode.seconds > 0.29 > 0.2 > encode.on
    assert encode.amount == 15
    assert watch.seconds >= encode.on


def test_nothing_is_counted_where_no_run_is_timed():
    with timing() as watch:
        pass
    with stage("read"):
        pass
    assert watch.stages == {}
