"""Training from the shell: what is written, what is told, and how it goes on after a kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pandas as pd
from safetensors.torch import load_file

from napari_mclstexp.model import load_model
from support.cohort_fixtures import QUICK
from support.engine_kit import GENES
from support.shell_kit import PROGRAM, files_under, program, shell, signalled


def train_arguments(cohort: Path, out: Path, *more: object) -> list[object]:
    genes = cohort.parent / "genes.txt"
    return ["train", "--cohort", cohort, "--genes", genes, "--out", out, *QUICK, *more]


def events_of(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_model_its_curves_and_a_report_are_left_and_nothing_else(cohort, tmp_path):
    arguments = train_arguments(
        cohort, tmp_path / "model", "--epochs", 3, "--held-out", "c", "--json"
    )
    done = shell(*arguments)
    assert done.code == 0, done.err
    said = json.loads(done.out)
    assert said["trained_on"] == ["a", "b"]
    assert set(said["held_out_pcc"]) == set(GENES)
    assert files_under(tmp_path / "model") >= {"config.json", "training/curves.csv"}
    assert (tmp_path / "model" / "training" / "report.html").stat().st_size > 10_000
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    curves = pd.read_csv(tmp_path / "model" / "training" / "curves.csv")
    assert list(curves["epoch"]) == [1, 2, 3]
    load_model(tmp_path / "model")


def test_events_tell_a_watching_program_everything(cohort, tmp_path):
    path = tmp_path / "events.jsonl"
    arguments = train_arguments(
        *(cohort, tmp_path / "model", "--epochs", 2, "--held-out", "c"),
        *("--no-report", "--events", path),
    )
    assert shell(*arguments).code == 0
    events = events_of(path)
    kinds = [event["event"] for event in events]
    assert kinds[0] == "estimate"
    assert kinds[-1] == "done"
    epochs = [event for event in events if event["event"] == "epoch"]
    assert [event["epoch"] for event in epochs] == [1, 2]
    assert {"loss", "retrieval_accuracy", "held_out_pcc", "learning_rate"} <= set(epochs[0])
    maps = [event for event in events if event["event"] == "map"]
    assert len(maps[0]["xy"]) == len(maps[0]["predicted"]) == len(maps[0]["measured"]) == 49
    assert events[-1]["model"] == str(tmp_path / "model")


def test_an_error_is_an_event_too(cohort, tmp_path):
    path = tmp_path / "events.jsonl"
    done = shell(*train_arguments(cohort, tmp_path / "m", "--held-out", "zebra", "--events", path))
    assert done.code == 2
    assert "no section zebra" in done.err
    assert events_of(path)[-1]["sentence"] == done.err.strip()


def test_after_a_kill_in_mid_epoch_it_goes_on_to_the_same_weights(cohort, tmp_path):
    """kill -9, then --resume: bit for bit what a run gives that was never stopped."""
    assert program(*train_arguments(cohort, tmp_path / "whole", "--epochs", 10)).code == 0
    arguments = [str(e) for e in train_arguments(cohort, tmp_path / "killed", "--epochs", 10)]
    path = tmp_path / "events.jsonl"
    with subprocess.Popen(
        [PROGRAM, *arguments, "--events", path], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        deadline = time.monotonic() + 120
        while not _in_mid_epoch(path):
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < deadline
            time.sleep(0.002)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert not (tmp_path / "killed").exists()
    refused = shell(*arguments)
    assert refused.code == 2
    assert "--resume" in refused.err
    resumed = program(*arguments, "--resume", "--events", tmp_path / "second.jsonl")
    assert resumed.code == 0, resumed.err
    second = events_of(tmp_path / "second.jsonl")
    assert next(e["epoch"] for e in second if e["event"] == "epoch") > 1  # it did not begin anew
    whole, killed = (load_file(tmp_path / n / "weights.safetensors") for n in ("whole", "killed"))
    for name, value in whole.items():
        assert value.equal(killed[name]), name
    assert not (tmp_path / "killed.run").exists()
    curves = pd.read_csv(tmp_path / "killed" / "training" / "curves.csv")
    assert list(curves["epoch"]) == list(range(1, 11))


def _in_mid_epoch(path: Path) -> bool:
    if not path.exists():
        return False
    lines = [line for line in path.read_text().splitlines() if line.endswith("}")]
    done = [json.loads(line) for line in lines]
    steps = [e for e in done if e["event"] == "progress" and str(e["what"]).startswith("Epoch")]
    per_epoch = 10  # two sections of 49 spots, sequences of 10
    return bool(steps) and steps[-1]["done"] > 2 * per_epoch and steps[-1]["done"] % per_epoch == 5


def test_ctrl_c_keeps_the_checkpoint_of_a_run_that_may_be_resumed(cohort, tmp_path):
    arguments = train_arguments(cohort, tmp_path / "m", "--epochs", 100_000, "--resume")
    done = signalled(
        *arguments, number=signal.SIGINT, when=lambda seen: "Epoch 3 of" in seen.replace("\n", "")
    )
    assert done.code == 130
    assert "m.run stays, and --resume goes on from it." in " ".join(done.err.split())
    assert (tmp_path / "m.run" / "checkpoint.safetensors").exists()
    assert not (tmp_path / "m").exists()


def test_genes_are_listed_or_chosen_but_not_both(cohort, tmp_path):
    for more in ((), ("--genes", cohort.parent / "genes.txt", "--hvg", 2)):
        done = shell("train", "--cohort", cohort, "--out", tmp_path / "m", *QUICK, *more)
        assert done.code == 2
        assert "either --genes FILE or --hvg N" in done.err


def test_two_processes_of_the_shell_write_one_model(cohort, tmp_path):
    arguments = train_arguments(
        *(cohort, tmp_path / "m", "--epochs", 2, "--devices", 2, "--sequences-per-step", 2),
        *("--json",),
    )
    done = subprocess.run(
        [PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout)["trained_on"] == ["a", "b", "c"]
    assert [path.name for path in tmp_path.iterdir()] == ["m"]
    load_model(tmp_path / "m")
