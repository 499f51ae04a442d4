"""A training in its own process: its command line, what it says, and how it ends."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from napari_mclstexp.cohort.table import SectionRow, read_rows, write_rows
from napari_mclstexp.errors import SettingsError
from napari_mclstexp.progress import Estimate, TrainingPoint
from napari_mclstexp.training.events import Done, Stage
from napari_mclstexp.training.process import TrainRequest, found_training, start_training
from support.places import TESTS

DOUBLE = (sys.executable, str(TESTS / "support" / "training_double.py"))


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch) -> Path:
    """Return the state folder of this test's person."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


def left(state: Path) -> list[str]:
    return sorted(path.name for path in state.rglob("*") if path.is_file())


def request(**changes: object) -> TrainRequest:
    values: dict[str, object] = {"cohort": Path("c.csv"), "out": Path("m"), "hvg": 5, "epochs": 3}
    return TrainRequest(**{**values, **changes})  # type: ignore[arg-type]


def wait_for(condition, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_the_command_line_repeats_it_even_with_odd_names():
    asked = request(
        cohort=Path("my sections.csv"),
        genes=Path("it's.txt"),
        encoder="timm:resnet50",
        weights=Path("w.pth"),
        held_out="C5",
        freeze_encoder=True,
        name="Mine",
    )
    words = shlex.split(asked.command_line())
    assert words[:2] == ["napari-mclstexp", "train"]
    for option, value in {
        "--cohort": "my sections.csv",
        "--genes": "it's.txt",
        "--encoder": "timm:resnet50",
        "--weights": "w.pth",
        "--held-out": "C5",
        "--epochs": "3",
        "--name": "Mine",
    }.items():
        assert words[words.index(option) + 1] == value
    assert "--freeze-encoder" in words
    assert "--hvg" not in words  # the list goes before


def test_a_fine_tuning_says_the_model_and_not_the_encoder():
    words = shlex.split(request(init_from=Path("base"), encoder="densenet121").command_line())
    assert words[words.index("--init-from") + 1] == "base"
    assert "--encoder" not in words


def test_rows_come_back_as_they_went_with_paths_from_the_table(tmp_path):
    rows = (SectionRow("a", "P, 1", "/x/a.svs", "/x/outs", "", "0.5"), SectionRow("b"))
    write_rows(rows, tmp_path / "c.csv")
    assert read_rows(tmp_path / "c.csv") == rows
    (tmp_path / "d.csv").write_text("section,patient,slide,spots\ns,p,pic.png,sp.h5ad\n")
    (row,) = read_rows(tmp_path / "d.csv")
    assert (row.slide, row.counts) == (str(tmp_path.resolve() / "pic.png"), "")
    (tmp_path / "e.csv").write_text("x,y\n1,2\n")
    with pytest.raises(SettingsError, match="no cohort table"):
        read_rows(tmp_path / "e.csv")


def test_everything_said_is_heard_once_and_in_order():
    process = start_training(request(), DOUBLE)
    heard = []
    wait_for(lambda: heard.extend(process.events()) or process.ended())
    heard += process.events()
    assert process.ended().how == "done"
    assert [e.epoch for e in heard if isinstance(e, TrainingPoint)] == [1, 2, 3]
    assert isinstance(heard[0], Estimate)
    assert isinstance(heard[-1], Done)


def test_half_a_line_waits_for_its_end():
    process = start_training(request(epochs=1), DOUBLE)
    wait_for(process.ended)
    process.events()
    with process.record.events.open("ab") as file:
        file.write('{"event": "stage", "what": "µ'.encode()[:-1])
        file.flush()
        assert process.events() == ()
        file.write("µ".encode()[1:] + b'"}\n')
        file.write(b'torn{\n{"event": "stage", "what": "2"}\n')
    # A line that is none takes no other with it.
    assert process.events() == (Stage("µ"), Stage("2"))


def test_a_pause_halts_it_and_going_on_lets_it_finish():
    process = start_training(request(epochs=60), DOUBLE)
    wait_for(process.events)
    process.pause()
    wait_for(lambda: psutil.Process(process.record.pid).status() == psutil.STATUS_STOPPED)
    process.events()
    time.sleep(0.3)
    assert process.events() == ()
    process.go_on()
    wait_for(process.ended)
    assert process.ended().how == "done"


def test_cancelled_even_while_paused():
    process = start_training(request(epochs=10_000), DOUBLE)
    wait_for(process.events)
    process.pause()
    process.cancel()
    wait_for(process.ended)
    assert process.ended().how == "cancelled"


def test_killed_from_outside_is_a_sentence():
    process = start_training(request(epochs=10_000), DOUBLE)
    wait_for(process.events)
    os.kill(process.record.pid, signal.SIGKILL)
    wait_for(process.ended)
    ended = process.ended()
    assert ended.how == "failed"
    assert "SIGKILL" in ended.sentence
    assert "press Start to go on" in ended.sentence


def test_a_user_error_of_the_process_is_its_own_sentence():
    process = start_training(request(name="refused"), DOUBLE)
    wait_for(process.ended)
    assert process.ended().sentence == "The encoder needs its weights as a local file."


def test_a_bug_of_the_process_names_the_log():
    process = start_training(request(), (sys.executable, "-c", "import sys; 1/0"))
    wait_for(process.ended)
    assert "ZeroDivisionError" in process.ended().sentence
    assert str(process.record.log) in process.ended().sentence
    process.forget()
    assert process.record.log.is_file()  # where the sentence says


def test_genes_must_be_said():
    with pytest.raises(SettingsError, match="which genes"):
        start_training(request(hvg=None), DOUBLE)


def test_what_does_not_listen_to_a_cancel_is_killed(monkeypatch):
    monkeypatch.setattr("napari_mclstexp.training.process.PATIENCE_S", 0.5)
    deaf = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); time.sleep(60)"
    process = start_training(request(), (sys.executable, "-c", deaf))
    time.sleep(0.5)
    process.cancel()
    wait_for(process.ended, 10)
    assert process.ended().how == "cancelled"


def test_it_is_found_again_with_all_it_said_and_can_be_cancelled(tmp_path):
    """As by another window: nothing is handed over but what is on the disk."""
    started = start_training(request(epochs=10_000, out=tmp_path / "m"), DOUBLE)
    wait_for(started.events)
    found = found_training()
    assert found.running
    assert found.record == started.record
    assert isinstance(found.events()[0], Estimate)
    found.pause()
    wait_for(lambda: found_training().paused)  # the system halts it in its own time
    found.cancel()
    wait_for(found.ended)
    assert found.ended().how == "cancelled"


def test_another_program_finds_it_and_tells_its_end(tmp_path):
    """Not its parent, so without an exit code."""
    started = start_training(request(epochs=10_000, out=tmp_path / "m"), DOUBLE)
    wait_for(started.events)
    program = """
import os, time
from napari_mclstexp.training.process import found_training
found = found_training()
print(found.running, found.ended(), len(found.events()) > 0)
os.kill(found.record.pid, 9)
end = time.monotonic() + 20
while found.ended() is None and time.monotonic() < end:
    time.sleep(0.02)
print(found.ended().sentence)
"""
    told = subprocess.run(
        [sys.executable, "-c", program], check=True, timeout=60, capture_output=True, text=True
    )
    running, sentence = told.stdout.splitlines()
    assert running == "True None True"
    assert "ended from outside" in sentence
    started.ended()


def test_once_its_end_was_seen_nothing_is_left_of_it(state, tmp_path):
    process = start_training(request(out=tmp_path / "m"), DOUBLE)
    process.forget()  # of one that is on, nothing
    assert "run.json" in left(state)
    wait_for(process.ended)
    late = found_training()  # whose window was opened after the end
    assert not late.running
    assert late.ended().how == "done"
    process.forget()
    assert left(state) == []
    assert found_training() is None
    assert late.ended().how == "done"  # it had heard so before


def test_a_process_that_has_the_number_of_a_dead_one_is_no_training(tmp_path):
    process = start_training(request(out=tmp_path / "m"), DOUBLE)
    wait_for(process.ended)
    process.forget()
    other = replace(process.record, pid=os.getpid(), started=process.record.started - 3600)
    other.path.parent.mkdir(parents=True)
    other.write()
    assert not found_training().running


def test_two_trainings_never_write_one_model(tmp_path):
    first = start_training(request(epochs=10_000, out=tmp_path / "m"), DOUBLE)
    with pytest.raises(SettingsError, match="being trained already"):
        start_training(request(out=tmp_path / "m"), DOUBLE)
    first.kill()
    wait_for(first.ended)
    again = start_training(request(out=tmp_path / "m"), DOUBLE)
    wait_for(again.ended)
    assert again.ended().how == "done"


def test_a_record_that_cannot_be_read_is_none(state, tmp_path):
    process = start_training(request(out=tmp_path / "m"), DOUBLE)
    wait_for(process.ended)
    process.record.path.write_text('{"pid": "x"')
    assert found_training() is None
