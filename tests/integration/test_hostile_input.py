"""Bad input everywhere: one line, exit code 2, nothing left behind, and nobody waits for it."""

from __future__ import annotations

import itertools
import os
import resource
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support import hostile_kit as kit
from support import hostile_slides, hostile_spots, hostile_texts
from support.shell_kit import Outcome, files_under, shell

SECONDS, MOST_KB = 10, 2**20  # beside the gigabyte that all of it takes with torch
RESULTS = ("domains IN", "signature IN", "regions IN", "export --to csv", "export --to h5ad",
           "export --to figure")  # fmt: skip
WITH_PLACES = ("predict --spots", "regions IN", "export --to figure")
TENSORS = ("models add", "import-checkpoint FILE")


class TooSlow(BaseException):
    """No answer in time; no handler of ordinary errors takes it for one."""


@pytest.fixture(scope="module")
def bench(tmp_path_factory, tiny_model) -> Path:
    folder = kit.write_bench(tmp_path_factory.mktemp("bench"), tiny_model)
    # What is imported once for all is no bad file's time.
    shell(*kit.PLACES["train --cohort"](folder, folder / "nowhere"))
    shell(*kit.PLACES["predict --model"](folder, folder / "model"))
    (folder / "out" / "r.h5ad").unlink()
    return folder


@pytest.fixture
def inputs(bench) -> Iterator[Path]:
    """Return the folder of good files, and remove what a test has put beside them."""
    before = files_under(bench)
    yield bench
    for name in sorted(files_under(bench) - before):
        path = bench / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif os.path.lexists(path):
            path.unlink()


def in_time(*arguments: object) -> Outcome:
    def late(*_: object) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(SECONDS)
    try:
        return shell(*arguments)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def check_refused(inputs: Path, arguments: list[object]) -> None:
    before, memory = files_under(inputs), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    done = in_time(*arguments)
    assert done.code == 2, done
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < MOST_KB
    assert done.err.count("\n") == 1, done.err
    assert done.err.rstrip()[-1] in ".?", done.err
    assert "Traceback" not in done.err
    assert files_under(inputs) == before


def each(
    places: tuple[str, ...], files: dict[str, Callable[[Path], Path]], *, all_places: bool = False
) -> list[object]:
    """Return every file in every place, or in one place after the other."""
    pairs = (
        itertools.product(places, files)
        if all_places
        else zip(itertools.cycle(places), files, strict=False)
    )
    return [pytest.param(place, files[what], id=f"{place}: {what}") for place, what in pairs]


@pytest.mark.parametrize(
    ("place", "make"), each(tuple(kit.PLACES), kit.NEVER_RIGHT, all_places=True)
)
def test_what_is_right_nowhere(inputs, place, make):
    check_refused(inputs, kit.PLACES[place](inputs, make(inputs)))


@pytest.mark.parametrize(
    ("place", "make"),
    [
        *each(("predict --spots",), hostile_spots.H5AD),
        *each(RESULTS, hostile_spots.H5AD),
        *each(RESULTS[3:4], hostile_spots.H5AD),
        *each(WITH_PLACES, hostile_spots.PLACED, all_places=True),
        *each(("predict --spots",), hostile_spots.SPOTS | hostile_spots.OUTS),
        *each(("predict --spots",), hostile_slides.TABLES),
        *each(("predict --slide",), hostile_slides.SLIDES),
        *each(("domains IN", "export --to csv"), hostile_spots.ZARR),
    ],
)
def test_files_that_are_wrong_inside(inputs, place, make):
    check_refused(inputs, kit.PLACES[place](inputs, make(inputs)))


@pytest.mark.parametrize(
    ("place", "make"),
    [
        *each(("predict --model",), hostile_texts.MODELS),
        *each(TENSORS, hostile_texts.WEIGHTS),
        *each(("regions --geojson",), hostile_texts.REGIONS),
        *each(("signature --gmt",), hostile_texts.SETS),
        *each(("train --genes",), hostile_texts.GENES),
        *each(("check COHORT", "train --cohort"), hostile_texts.COHORTS),
        *each(("predict-cohort --slides",), hostile_texts.LISTS),
    ],
)
def test_models_texts_and_tables_that_are_wrong_inside(inputs, place, make):
    if place == "check COHORT":  # which lists all problems on stdout, and says how many there are
        done = in_time(*kit.PLACES[place](inputs, make(inputs)))
        assert (done.code, done.err.count("\n")) == (2, 1)
        assert "problem" in done.err
        return
    check_refused(inputs, kit.PLACES[place](inputs, make(inputs)))
    assert not Path("/tmp/this-must-not-be-there").exists()


GOOD = {"domains IN": "spots.h5ad", "predict --spots": "xy.csv", "train --cohort": "cohort.csv",
        "signature IN": "spots.h5ad", "export --to csv": "spots.h5ad"}  # fmt: skip


@pytest.mark.parametrize(
    ("option", "value"),
    [(option, value) for option, (_, values) in hostile_texts.OPTIONS.items() for value in values],
    ids=lambda text: text[:30],
)
def test_values_that_no_option_takes(inputs, option, value):
    place, _ = hostile_texts.OPTIONS[option]
    arguments = kit.PLACES[place](inputs, inputs / GOOD[place])
    check_refused(inputs, [*arguments, f"--{option.partition('--')[2]}={value}"])


def test_the_place_of_the_log_is_said_and_holds_the_traceback(inputs, tmp_path, monkeypatch):
    monkeypatch.setenv("NAPARI_MCLSTEXP_LOG", str(tmp_path / "log"))
    bad = hostile_spots.H5AD["a matrix without values"](inputs)
    done = in_time("domains", bad, "--out", inputs / "out" / "r.h5ad")
    log = tmp_path / "log" / "errors.log"
    assert f"(details in {log})" in done.err
    assert "Traceback (most recent call last)" in log.read_text(encoding="utf-8")
    assert str(bad) in log.read_text(encoding="utf-8")
    monkeypatch.setenv("NAPARI_MCLSTEXP_LOG", "")
    assert "details" not in in_time("domains", bad, "--out", inputs / "out" / "r.h5ad").err


@pytest.mark.parametrize("error", [OSError(5, "Input/output error", "/mnt/disk"), MemoryError()])
def test_the_last_handler_says_a_sentence(inputs, monkeypatch, error):
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("napari_mclstexp.analysis.domains.find_domains", fail)
    check_refused(inputs, ["domains", inputs / "spots.h5ad", "--out", inputs / "out" / "r.h5ad"])
