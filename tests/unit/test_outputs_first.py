"""Where a command writes is looked at before its work begins, and what it says then is true."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from napari_mclstexp.errors import Cancelled, OutputError
from napari_mclstexp.files import atomic_file, refuse_overwriting
from napari_mclstexp.model import load_model
from napari_mclstexp.progress import CancelToken
from napari_mclstexp.training.job import TrainJob, run_job
from support.precious_program import look
from support.shell_kit import shell

pytestmark = pytest.mark.slow

BAD = "gone"  # an input that is not there: only who looks at the output first does not say so
OUT_FIRST: dict[str, tuple[object, ...]] = {
    "predict": ("predict", "--slide", BAD, "--grid", 100, "--model", BAD, "--out"),
    "domains": ("domains", BAD, "--out"),
    "domains --markers": ("domains", BAD, "--out", "o.h5ad", "--markers"),
    "signature": ("signature", BAD, "--genes", "A,B", "--out"),
    "regions": ("regions", BAD, "--geojson", BAD, "--out"),
    "similar": ("similar", BAD, "--spot", "a", "--out"),
    "register": ("register", BAD, "--slide", BAD, "--onto", BAD, "--out"),
    "export": ("export", BAD, "--to", "csv", "--out"),
    "export zarr": ("export", BAD, "--to", "zarr", "--out"),
    "train": ("train", "--cohort", BAD, "--genes", BAD, "--out"),
    "train --events": ("train", "--cohort", BAD, "--genes", BAD, "--out", "m", "--events"),
    "import-checkpoint": ("import-checkpoint", BAD, "--cohort", BAD, "--genes", BAD, "--out"),
    "predict-cohort": ("predict-cohort", "--slides", "slides.csv", "--grid", 100, "--model", "demo",
                       "--out"),
    "predict-cohort --events": ("predict-cohort", "--slides", BAD, "--model", "demo", "--out", "c",
                                "--events"),
}  # fmt: skip
FOLDERS = ("train", "import-checkpoint", "export zarr", "predict-cohort")


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """Return the folder that commands run in: with a person's folder, a pipe, a circle of links."""
    monkeypatch.chdir(tmp_path)
    Path("mine").mkdir()
    for name in ("thesis.txt", "summary.csv", "config.json"):
        (Path("mine") / name).write_text("years of work")
    os.mkfifo("pipe")
    Path("circle").symlink_to("circle")
    Path("slides.csv").write_text("slide\ngone.tif\n")
    return tmp_path


@pytest.mark.parametrize("name", OUT_FIRST)
def test_where_to_write_is_looked_at_before_anything_is_read(here, name):
    command = OUT_FIRST[name]
    ending = {"regions": ".csv", "similar": ".csv", "register": ".csv", "export": ".csv"}.get(name)
    ending = ending or ("" if name in FOLDERS else ".csv" if "markers" in name else ".h5ad")
    os.mkfifo(f"pipe{ending}") if ending else None
    Path(f"circle{ending}").symlink_to(f"circle{ending}") if ending else None
    bad = ["mine"] if name in FOLDERS else [f"pipe{ending}", f"circle{ending}"]
    bad += [] if "cohort" in name or "events" in name else [f"nowhere/o{ending}"]
    before = look(here)
    for out in bad:
        done = shell(*command, out)
        assert (done.code, done.out, done.err.count("\n")) == (2, "", 1), (out, done)
        assert out.split("/")[0] in done.err, (out, done.err)
        assert "gone" not in done.err, (out, done.err)
    assert look(here) == before


def test_events_are_added_to_no_other_file(here):
    for events in ("mine/thesis.txt", "pipe", "circle"):
        done = shell("train", "--cohort", BAD, "--out", "m", "--genes", BAD, "--events", events)
        assert (done.code, done.err.count("\n")) == (2, 1)
        assert events in done.err
    assert (here / "mine" / "thesis.txt").read_text() == "years of work"
    for times in (1, 2):
        shell("train", "--cohort", BAD, "--out", "m", "--genes", BAD, "--events", "events.jsonl")
        assert len((here / "events.jsonl").read_text().splitlines()) == times


def test_a_cohort_leaves_nothing_where_it_may_not_be(here, tiny_model):
    shutil.copytree(tiny_model, "model")
    before = look(here)
    cohort = ("predict-cohort", "--slides", "slides.csv", "--grid", 100)
    for model, out in (("demo", "model"), ("model", "model/new"), ("demo", "mine")):
        done = shell(*cohort, "--model", model, "--out", out)
        assert (done.code, done.err.count("\n")) == (2, 1), done
    assert look(here) == before


def test_scores_go_to_a_model_or_the_evaluation_does_not_begin(here):
    cohort = ("--cohort", BAD, "--genes", BAD, "--out", "e")
    for scores in ("nowhere", "mine", "pipe"):
        done = shell("evaluate", *cohort, "--scores-to", scores)
        assert (done.code, done.err.count("\n")) == (2, 1)
        assert scores in done.err
    assert not Path("e").exists()


def test_a_link_to_itself_is_no_output(here):
    with pytest.raises(OutputError, match="link to itself"):
        refuse_overwriting(here / "circle", {"IN": here / "slides.csv"})
    with pytest.raises(OutputError, match="link to itself"), atomic_file(here / "circle"):
        pytest.fail("nothing is done for it")
    assert (here / "circle").is_symlink()


def test_a_model_may_stand_in_this_very_folder_but_not_in_all_of_the_disk(here, monkeypatch):
    (here / "empty").mkdir()
    monkeypatch.chdir(here / "empty")
    job = TrainJob(here / BAD, Path(), here / BAD)
    job.check_outputs()
    assert job.run_folder == here / "empty.run"
    for build in ("models", "build", "her2st", "--data", here / "mine"), ("train", "--cohort", BAD):
        done = shell(*build, "--genes", BAD, "--out", "/")
        assert (done.code, done.err.count("\n")) == (2, 1)


def test_who_is_stopped_while_the_report_is_made_is_told_that_the_model_stands(cohort, tmp_path):
    cancel = CancelToken()

    def report(*_: object) -> Path:
        cancel.cancel()
        cancel.raise_if_cancelled()
        raise AssertionError

    chosen = {"encoder": "timm:test_resnet", "pretrained": False, "freeze_encoder": True,
              "patch_px": 32, "epochs": 1, "sequence_length": 10}  # fmt: skip
    job = TrainJob(cohort, tmp_path / "m", cohort.parent / "genes.txt", held_out="c",
                   preset="paper", chosen=chosen)  # fmt: skip
    with pytest.raises(Cancelled) as stopped:
        run_job(job, report, cancel=cancel)
    assert stopped.value.kept == f"the model stands in {tmp_path / 'm'}, without its report."
    assert load_model(tmp_path / "m").config.trained_on == ("a", "b")
    assert [each.name for each in tmp_path.iterdir()] == ["m"]
