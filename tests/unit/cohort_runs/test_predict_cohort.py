"""Every slide exactly once, bit-equal to a single prediction, whatever happens meanwhile."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import threading
import time

import pytest

from napari_mclstexp.cohort_runs.cohort_settings import CohortSettings
from napari_mclstexp.cohort_runs.predict_cohort import predict_cohort
from napari_mclstexp.errors import Cancelled, OutputError, SettingsError
from napari_mclstexp.files import is_temporary
from napari_mclstexp.progress import CancelToken
from support import cohort_kit as kit
from support.cohort_kit import N
from support.shell_kit import shell

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def whole(table, tiny_model, tmp_path_factory):
    """Return the folder of one undisturbed run."""
    out = tmp_path_factory.mktemp("whole") / "out"
    assert here(table, tiny_model, out).code == 0
    return out


def here(table, model, out, *more):
    """Run the command within this process; its workers are processes all the same."""
    command = ("predict-cohort", "--slides", table, "--model", model, "--out", out)
    return shell(*command, "--processes", 1, "--threads", 1, *more)


def run(table, model, out, **more):
    return predict_cohort(table, model, out, processes=1, threads=1, **more)


def test_a_run_gives_what_single_predictions_give(whole, alone):
    assert kit.contents(whole) == alone
    names = {f"s{n}.h5ad" for n in range(N)}
    assert kit.files_in(whole) == names | {"summary.csv", "report.html", ".napari-mclstexp.json"}
    with (whole / "summary.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == [f"s{n}" for n in range(N)]
    assert {row["state"] for row in rows} == {"done"}
    assert [row["site"] for row in rows] == ["a", "b"] * (N // 2)


def test_three_shards_give_the_same_folder_as_one_run(table, tiny_model, whole, tmp_path):
    out = tmp_path / "out"
    for i in (1, 2, 3):
        assert here(table, tiny_model, out, "--shard", f"{i}/3").code == 0
        assert (out / "report.html").exists() == (i == 3)
    assert kit.contents(out) == kit.contents(whole)
    assert kit.files_in(out) == kit.files_in(whole)
    lines = [(out / "summary.csv").read_text().splitlines() for out in (out, whole)]
    assert [len(each) for each in lines] == [N + 1, N + 1]
    assert ",waiting," not in "".join(lines[0])


def test_two_commands_on_one_folder_do_each_slide_once(table, tiny_model, alone, tmp_path):
    out = tmp_path / "out"
    both = [kit.start(table, tiny_model, out, "--processes", 1, "--threads", 1) for _ in range(2)]
    assert [each.ended()[0] for each in both] == [0, 0]
    assert kit.contents(out) == alone
    last = kit.seconds_of(out)
    for each in both:
        ends = [step for step in each.slides() if step["state"] == "done"]
        assert {step["name"]: step["seconds"] for step in ends}.items() <= last.items()


def test_a_worker_killed_at_a_slide_costs_that_slide_only(table, tiny_model, alone, tmp_path):
    out = tmp_path / "out"
    command = kit.start(table, tiny_model, out, "--processes", 2, "--threads", 1)
    at = command.wait_for(lambda step: step["name"] == "s0" and step["done"] > 0)
    os.kill(int(at["where"].split()[-1]), signal.SIGKILL)
    code, _, err = command.ended()
    assert code == 0, err
    assert kit.contents(out) == alone
    begun = [s["name"] for s in command.slides() if s["state"] == "running" and not s["what"]]
    assert sorted(begun) == sorted(["s0", *(f"s{n}" for n in range(N))])


def test_a_slide_that_all_its_workers_die_of_is_a_failure(tiny_model, tmp_path):
    table, killed = kit.write_cohort(tmp_path, 1), []

    def progress(news):
        if news.news is not None and news.news.where:
            pid = int(news.news.where.split()[-1])
            if pid not in killed:
                killed.append(pid)
                os.kill(pid, signal.SIGKILL)

    result = run(table, tiny_model, tmp_path / "out", progress=progress)
    assert len(killed) == 3
    assert "3 processes that worked on it died (signal 9)" in result.states["s0"].sentence
    again = run(table, tiny_model, tmp_path / "out")  # at once: it is left alone
    assert again.states["s0"] == result.states["s0"]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_is_stopped_and_started_again_does_the_rest(
    table, tiny_model, alone, tmp_path, how
):
    out = tmp_path / "out"
    command = kit.start(table, tiny_model, out, "--processes", 1, "--threads", 1)
    command.wait_for(lambda step: step["state"] == "done" and step["name"] == "s0")
    at = command.wait_for(lambda step: step["name"] == "s1" and step["done"] > 0)
    command.process.send_signal(how)
    code, _, err = command.ended()
    assert code == (-how if how == signal.SIGKILL else 128 + how)
    assert how == signal.SIGKILL or "slides that are done stay done" in err
    worker = int(at["where"].split()[-1])
    end = time.monotonic() + 10
    while kit.alive(worker) and time.monotonic() < end:
        time.sleep(0.05)
    assert not kit.alive(worker)  # also when nobody could tell it
    done = {path: path.stat().st_mtime_ns for path in out.glob("*.h5ad")}
    assert out / "s0.h5ad" in done
    assert out / "s1.h5ad" not in done
    assert not [path for path in out.iterdir() if is_temporary(path)]
    result = run(table, tiny_model, out)
    assert result.done_before == {path.stem for path in done}
    assert kit.contents(out) == alone
    assert {path: path.stat().st_mtime_ns for path in done} == done


def test_only_what_is_missing_or_has_changed_is_done(tiny_model, tmp_path):
    table, out = kit.write_cohort(tmp_path, 3), tmp_path / "out"
    assert run(table, tiny_model, out).done_before == frozenset()
    first = kit.seconds_of(out)
    assert run(table, tiny_model, out).done_before == {"s0", "s1", "s2"}
    os.utime(tmp_path / "s0.png")  # copied or fetched again: its content is the same
    (out / "s1.h5ad").unlink()
    kit.write_small_slide(tmp_path, 9, 5)[1].replace(tmp_path / "s2.csv")
    result = run(table, tiny_model, out)
    assert result.done_before == {"s0"}
    assert result.states["s2"].spots == 5
    assert kit.seconds_of(out)["s0"] == first["s0"]
    other = CohortSettings(genes=("FASN",))
    assert run(table, tiny_model, out, settings=other).done_before == frozenset()


def test_a_slide_that_fails_is_a_line_and_is_tried_again_when_asked(tiny_model, tmp_path):
    table, out = kit.write_cohort(tmp_path, 3), tmp_path / "out"
    whole = (tmp_path / "s1.png").read_bytes()
    (tmp_path / "s1.png").write_bytes(whole[:3000])
    done = here(table, tiny_model, out)
    assert done.code == 3
    assert "s1: " in done.out
    assert "1 failed" in done.out
    with (out / "summary.csv").open() as file:
        row = next(row for row in csv.DictReader(file) if row["name"] == "s1")
    assert row["state"] == "failed"
    assert "s1.png" in row["sentence"]
    assert {path.stem for path in out.glob("*.h5ad")} == {"s0", "s2"}
    assert run(table, tiny_model, out).names("failed") == ("s1",)
    failure = out / "work" / "s1.failed.json"
    before = failure.stat().st_mtime_ns
    assert run(table, tiny_model, out, retry=True).names("failed") == ("s1",)
    assert failure.stat().st_mtime_ns != before
    (tmp_path / "s1.png").write_bytes(whole)  # another file than the one that failed
    assert run(table, tiny_model, out).names("failed") == ()
    assert not failure.exists()


def test_a_full_disk_ends_the_run_in_a_sentence_and_leaves_nothing_half(
    table, tiny_model, alone, tmp_path
):
    out = tmp_path / "disk"
    out.mkdir()
    largest = 130_000  # of a file; the long slides' results are larger
    limits = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({largest}, {largest}))"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", out], capture_output=True, check=False
    )
    try:
        variables = {}
        if mounted.returncode:
            (tmp_path / "sitecustomize.py").write_text(limits)
            path = os.pathsep.join([str(tmp_path), kit.environment()["PYTHONPATH"]])
            variables = {"PYTHONPATH": path}
        command = kit.start(table, tiny_model, out, "--processes", 1, "--threads", 1, **variables)
        code, _, err = command.ended()
        assert code == 2
        assert "The disk is full" in err
        assert err.strip().count("\n") <= 1  # where it runs, and the sentence
        done = {path: path.stat().st_mtime_ns for path in out.glob("*.h5ad")}
        assert len(done) < N
        assert not [path for path in out.iterdir() if is_temporary(path)]
        if not mounted.returncode:
            subprocess.run(["mount", "-o", "remount,size=30m", out], check=True)
        assert run(table, tiny_model, out).done_before == {path.stem for path in done}
        assert kit.contents(out) == alone
        assert {path: path.stat().st_mtime_ns for path in done} == done
    finally:
        if not mounted.returncode:
            subprocess.run(["umount", out], check=True)


def test_a_cancel_ends_it_before_the_slides_that_wait(table, tiny_model, tmp_path):
    token = CancelToken()

    def progress(news):
        if news.news is not None and news.news.progress is not None:
            token.cancel()

    with pytest.raises(Cancelled):
        run(table, tiny_model, tmp_path / "out", progress=progress, cancel=token)
    assert len(list((tmp_path / "out").glob("*.h5ad"))) < N


def test_files_of_a_person_are_not_written_over(table, tiny_model, tmp_path):
    (tmp_path / "s3.h5ad").write_text("years of work")
    with pytest.raises(OutputError, match=r"s3\.h5ad is there already"):
        run(table, tiny_model, tmp_path)
    assert (tmp_path / "s3.h5ad").read_text() == "years of work"
    (tmp_path / "s3.h5ad").unlink()
    (tmp_path / "summary.csv").write_text("mine")
    with pytest.raises(OutputError, match=r"summary\.csv is there already"):
        run(table, tiny_model, tmp_path)
    with pytest.raises(OutputError, match="lies in the model"):
        run(table, tiny_model, tiny_model / "out")


def test_what_no_slide_could_be_done_with_is_said_at_once(table, tiny_model, tmp_path):
    with pytest.raises(SettingsError, match="does not know the gene FASM"):
        run(table, tiny_model, tmp_path / "o", settings=CohortSettings(genes=("FASM",)))
    with pytest.raises(SettingsError, match="does not know its errors"):
        run(table, tiny_model, tmp_path / "o", settings=CohortSettings(samples=2))
    with pytest.raises(SettingsError, match="--on cloud is not known"):
        run(table, tiny_model, tmp_path / "o", on="cloud")
    with pytest.raises(SettingsError, match="backend 'onnx' is unknown"):
        run(table, tiny_model, tmp_path / "o", backend="onnx")
    assert not list((tmp_path / "o").glob("*.h5ad"))


def test_a_lock_is_held_by_the_living_only(tmp_path):
    from napari_mclstexp.cohort_runs.cohort_folder import CohortFolder

    folder = CohortFolder(tmp_path)
    folder.prepare()
    code = f"""
import sys
from pathlib import Path
from napari_mclstexp.cohort_runs.cohort_folder import CohortFolder
with CohortFolder(Path({str(tmp_path)!r})).working_on("s") as ours:
    print(ours, flush=True)
    sys.stdin.read()
"""
    pipe = subprocess.PIPE
    with subprocess.Popen([kit.PROGRAM[0], "-c", code], stdin=pipe, stdout=pipe, text=True) as held:
        assert held.stdout.readline() == "True\n"
        assert not folder.is_free("s")
        with folder.working_on("s") as ours:
            assert not ours
        held.kill()
        held.wait()
    assert folder.is_free("s")
    free = []
    with folder.working_on("s") as ours:
        assert ours
        thread = threading.Thread(target=lambda: free.append(folder.is_free("s")))
        thread.start()
        thread.join()
    assert free == [False]  # nor does another thread of the same process get it
