"""Threads: order, hand-over to the window's thread, failures, and how fast a run goes."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest
from napari.utils.notifications import notification_manager

from napari_mclstexp.errors import SlideError
from napari_mclstexp.widgets.common.background_jobs import Jobs
from napari_mclstexp.widgets.common.notify import answer_at
from napari_mclstexp.widgets.predict.pace import Pace, duration


@pytest.fixture
def jobs(qapp):
    jobs = Jobs()
    yield jobs
    jobs.close()
    assert jobs.wait(10)


@pytest.fixture
def notes():
    notification_manager.records.clear()
    return notification_manager.records


def test_work_is_done_off_the_windows_thread_and_taken_in_on_it(jobs, qtbot):
    threads = {}
    jobs.load(
        "A",
        lambda: threads.update(work=threading.current_thread()),
        lambda _: threads.update(done=threading.current_thread()),
    )
    qtbot.waitUntil(lambda: "done" in threads)
    assert threads["work"] is not threading.main_thread()
    assert threads["done"] is threading.main_thread()


def test_a_load_starts_only_when_the_one_before_has_been_taken_in(jobs, qtbot):
    taken, seen = [], []
    jobs.load("first", lambda: 1, taken.append)
    jobs.load("second", lambda: seen.extend(taken), taken.append)
    qtbot.waitUntil(lambda: len(taken) == 2)
    assert seen == [1]


def test_it_says_what_is_being_loaded_until_all_is_done(jobs, qtbot):
    said = []
    jobs.loading.connect(lambda what, _: said.append(what))
    jobs.load("Opening a", lambda: None, lambda _: None)
    jobs.load("Opening b", lambda: None, lambda _: None)
    assert jobs.busy == "Opening a"
    qtbot.waitUntil(lambda: said[-1] == "")
    assert said == ["Opening a", "Opening b", ""]
    assert jobs.busy == ""


def test_a_failed_load_is_told_in_its_sentence_and_the_next_one_runs(jobs, qtbot, notes):
    def fail() -> None:
        raise SlideError("x.svs is no slide; choose another file.")

    taken = []
    jobs.load("x.svs", fail, taken.append)
    jobs.load("next", lambda: 2, taken.append)
    qtbot.waitUntil(lambda: taken == [2])
    assert [note.message for note in notes] == ["x.svs is no slide; choose another file."]
    assert notes[0].severity == "error"


def test_a_failure_while_taking_in_is_told_too(jobs, qtbot, notes):
    def refuse(_: object) -> None:
        raise SlideError("It does not fit.")

    jobs.load("x", lambda: 1, refuse)
    qtbot.waitUntil(lambda: bool(notes))
    assert notes[0].message == "It does not fit."
    qtbot.waitUntil(lambda: jobs.busy == "")


def test_a_defect_is_told_with_its_traceback(jobs, qtbot, notes):
    jobs.load("x", lambda: 1 / 0, lambda _: None)
    qtbot.waitUntil(lambda: bool(notes))
    assert isinstance(notes[0].exception, ZeroDivisionError)
    assert "jobs.py" in notes[0].as_text()


def test_posts_of_a_run_arrive_in_order_before_its_end(jobs, qtbot):
    heard = []

    def work(post):
        for number in range(3):
            post(lambda number=number: heard.append(number))
        return "end"

    jobs.start(work, heard.append, heard.append)
    qtbot.waitUntil(lambda: "end" in heard)
    assert heard == [0, 1, 2, "end"]


def test_closing_waits_for_nothing_and_drops_what_threads_say(qapp, qtbot):
    jobs, going, heard, ended = Jobs(), threading.Event(), [], threading.Event()

    def work(post):
        going.wait(5)
        ended.set()
        return "end"

    jobs.start(work, heard.append, heard.append)
    jobs.load("queued", lambda: going.wait(5), heard.append)
    jobs.close()
    assert not ended.is_set()
    going.set()
    assert jobs.wait(5)
    qtbot.wait(20)
    assert heard == []


def test_waiting_says_when_a_thread_hangs(qapp):
    jobs, going = Jobs(), threading.Event()
    jobs.start(lambda post: going.wait(5), print, print)
    assert not jobs.wait(0.05)
    going.set()
    assert jobs.wait(5)


def test_what_is_being_written_when_the_window_closes_is_whole_when_the_program_ends(tmp_path):
    program = f"""
import time
from pathlib import Path
from qtpy.QtCore import QCoreApplication
from napari_mclstexp.widgets.common.background_jobs import Jobs

app, jobs = QCoreApplication([]), Jobs()
def save():
    time.sleep(0.5)
    Path({str(tmp_path / "saved")!r}).write_text("whole")
jobs.load("Saving", save, print)
jobs.close()
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
    assert (tmp_path / "saved").read_text() == "whole"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (59.4, "59 s"), (125, "2 min 5 s"), (3780, "1 h 3 min")],
)
def test_durations_read_as_people_say_them(seconds, text):
    assert duration(seconds) == text


def test_pace_gives_rate_and_time_left_of_the_last_seconds():
    now = [0.0]
    pace = Pace(clock=lambda: now[0])
    pace.note(0)
    assert pace.text(0, 600, "spots") == "0 of 600 spots"
    for second in range(1, 31):
        now[0] = float(second)
        pace.note(second if second <= 10 else 10 + 20 * (second - 10))
    assert pace.rate == pytest.approx(20.0)
    assert pace.text(410, 600, "spots") == "410 of 600 spots, 20 a second, 10 s left"


def test_pace_starts_anew_when_another_stage_begins():
    now = [0.0]
    pace = Pace(clock=lambda: now[0])
    pace.note(100)
    now[0] = 1.0
    pace.note(0)
    assert pace.rate is None


def test_what_is_cancelled_is_dropped_and_closed_and_the_next_begins_at_once(jobs, qtbot, notes):
    go_on, closed, taken, could = threading.Event(), [], [], []

    class Slide:
        def close(self) -> None:
            closed.append(self)

    def slow() -> Slide:
        go_on.wait(10)
        return Slide()

    jobs.loading.connect(lambda what, cancellable: could.append((what, cancellable)))
    jobs.load("Opening a", slow, taken.append, cancellable=True)
    jobs.load("Saving b", lambda: "b", taken.append)
    assert jobs.can_cancel
    jobs.cancel()
    qtbot.waitUntil(lambda: taken == ["b"])
    assert could[:2] == [("Opening a", True), ("Saving b", False)]
    assert "Cancelled: Opening a." in [note.message for note in notes]
    go_on.set()
    qtbot.waitUntil(lambda: len(closed) == 1)
    assert taken == ["b"]


def test_what_is_being_written_is_not_cancelled(jobs, qtbot):
    taken = []
    jobs.load("Saving b", lambda: "b", taken.append)
    assert not jobs.can_cancel
    jobs.cancel()
    qtbot.waitUntil(lambda: taken == ["b"])


def test_a_failure_is_said_where_it_was_asked_for_whatever_was_pressed_since(jobs, qtbot, notes):
    here, there, go_on = [], [], threading.Event()

    def fail() -> None:
        go_on.wait(10)
        raise SlideError("x.svs is no slide; choose another file.")

    before = answer_at(here.append)
    try:
        jobs.load("x.svs", fail, here.append)
        answer_at(there.append)
        go_on.set()
        qtbot.waitUntil(lambda: bool(here))
    finally:
        answer_at(before)
    assert here == ["x.svs is no slide; choose another file."]
    assert there == []
