"""What a training says, written as lines and read again."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from napari_mclstexp.progress import Estimate, HeldOutMap, Progress, TrainingPoint
from napari_mclstexp.training.events import (
    Done,
    EventFile,
    Failed,
    Stage,
    StepsDone,
    Stopped,
    read,
    write,
)


@pytest.mark.parametrize(
    "event",
    [
        Stage("Reading patches"),
        StepsDone(3, 90, "Epoch 3 of 90"),
        Estimate(12.5, 2**30),
        TrainingPoint(3, 90, 1.5, 0.25, 1e-4, 0.3),
        TrainingPoint(3, 90, 1.5, 0.25, 1e-4, None),
        Done(Path("m"), Path("m/report.html")),
        Done(Path("m")),
        Failed("It is µ."),
        Stopped(),
    ],
    ids=repr,
)
def test_an_event_comes_back_as_it_went(event):
    line = write(event)
    assert "\n" not in line
    assert read(line) == event
    assert read(line.encode()) == event


def test_what_is_no_number_goes_as_null_and_comes_back():
    line = write(TrainingPoint(1, 2, math.nan, math.inf))
    assert json.loads(line)["loss"] is None
    point = read(line)
    assert math.isnan(point.loss)
    assert math.isnan(point.retrieval_accuracy)


def test_a_map_comes_back_with_its_holes():
    xy, measured = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([np.nan, 1.5])
    line = write(HeldOutMap("c", "FASN", xy, np.array([0.5, 1.0]), measured, math.nan))
    assert "NaN" not in line
    found = read(line)
    np.testing.assert_array_equal(found.xy, xy)
    np.testing.assert_array_equal(found.measured, measured)
    assert (found.section, found.gene) == ("c", "FASN")
    assert math.isnan(found.pcc)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "torn{",
        "3",
        "[]",
        "null",
        '{"event": "of a later version"}',
        '{"event": ["stage"]}',
        '{"event": "stage"}',
        '{"event": "progress", "done": "many", "total": 3, "what": "x"}',
        '{"event": "epoch", "epoch": 1, "epochs": 2}',
        '{"event": "map", "section": "c", "gene": "g", "xy": "?", "pcc": 0.1}',
    ],
)
def test_a_line_that_is_no_event_is_none(line):
    assert read(line) is None


def test_what_a_later_version_adds_is_no_obstacle():
    assert read('{"event": "stage", "what": "x", "colour": "red"}') == Stage("x")


def test_a_stage_is_said_once(tmp_path):
    with EventFile(tmp_path / "e.jsonl") as file:
        for done in (1, 2):
            file.progress(Progress(done, 2, f"Epoch {done} of 2", unit="steps"))
    events = [read(line) for line in (tmp_path / "e.jsonl").read_text().splitlines()]
    assert events == [
        Stage("Training"),
        StepsDone(1, 2, "Epoch 1 of 2"),
        StepsDone(2, 2, "Epoch 2 of 2"),
    ]
