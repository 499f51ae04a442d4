"""A training in its own process: its command line, what it says, and how it ends."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest

from napari_mclstexp.cohort.table import SectionRow, read_rows, write_rows
from napari_mclstexp.errors import SettingsError
from napari_mclstexp.training.process import TrainingProcess, TrainRequest
from support.places import TESTS

DOUBLE = (sys.executable, str(TESTS / "support" / "training_double.py"))


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
    process = TrainingProcess(request(), DOUBLE)
    heard = []
    wait_for(lambda: heard.extend(process.events()) or process.ended())
    heard += process.events()
    assert process.ended().how == "done"
    assert [e["epoch"] for e in heard if e["event"] == "epoch"] == [1, 2, 3]
    assert heard[0]["event"] == "estimate"
    assert heard[-1]["event"] == "done"


def test_half_a_line_waits_for_its_end():
    process = TrainingProcess(request(epochs=1), DOUBLE)
    wait_for(process.ended)
    process.events()
    with (process.folder / "events.jsonl").open("a") as file:
        file.write('{"event": "st')
        file.flush()
        assert process.events() == []
        file.write('age", "what": "µ"}\n')
        file.write('torn{\n{"event": "stage", "what": "2"}\n')
    assert process.events() == [
        {"event": "stage", "what": "µ"},
        {"event": "stage", "what": "2"},  # a line that is none takes no other with it
    ]


def test_a_pause_halts_it_and_going_on_lets_it_finish():
    process = TrainingProcess(request(epochs=60), DOUBLE)
    wait_for(process.events)
    process.pause()
    wait_for(lambda: psutil.Process(process.pid).status() == psutil.STATUS_STOPPED)
    process.events()
    time.sleep(0.3)
    assert process.events() == []
    process.go_on()
    wait_for(process.ended)
    assert process.ended().how == "done"


def test_cancelled_even_while_paused():
    process = TrainingProcess(request(epochs=10_000), DOUBLE)
    wait_for(process.events)
    process.pause()
    process.cancel()
    wait_for(process.ended)
    assert process.ended().how == "cancelled"


def test_killed_from_outside_is_a_sentence():
    process = TrainingProcess(request(epochs=10_000), DOUBLE)
    wait_for(process.events)
    os.kill(process.pid, signal.SIGKILL)
    wait_for(process.ended)
    ended = process.ended()
    assert ended.how == "failed"
    assert "SIGKILL" in ended.sentence
    assert "press Start to go on" in ended.sentence


def test_a_user_error_of_the_process_is_its_own_sentence():
    process = TrainingProcess(request(name="refused"), DOUBLE)
    wait_for(process.ended)
    assert process.ended().sentence == "The encoder needs its weights as a local file."


def test_a_bug_of_the_process_names_the_log():
    process = TrainingProcess(request(), (sys.executable, "-c", "import sys; 1/0"))
    wait_for(process.ended)
    assert "ZeroDivisionError" in process.ended().sentence
    assert str(process.folder) in process.ended().sentence


def test_genes_must_be_said():
    with pytest.raises(SettingsError, match="which genes"):
        TrainingProcess(request(hvg=None), DOUBLE)


def test_what_does_not_listen_to_a_cancel_is_killed(monkeypatch):
    monkeypatch.setattr("napari_mclstexp.training.process.PATIENCE_S", 0.5)
    deaf = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); time.sleep(60)"
    process = TrainingProcess(request(), (sys.executable, "-c", deaf))
    time.sleep(0.5)
    process.cancel()
    wait_for(process.ended, 10)
    assert process.ended().how == "cancelled"
