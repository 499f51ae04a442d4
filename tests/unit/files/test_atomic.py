"""Outputs on disk: whole or not at all, the old or the new after a kill, nobody else's touched."""

from __future__ import annotations

import os
import random
import signal
import stat
import subprocess
import sys
import time

import pytest

from napari_mclstexp import files
from napari_mclstexp.errors import OutputError
from napari_mclstexp.files import (
    atomic_file,
    atomic_folder,
    exchange,
    finish_exchange,
    only_one,
    temporary,
)

WRITER = """
import sys
from pathlib import Path
from napari_mclstexp.files import atomic_folder
for number in range(100_000):
    with atomic_folder(sys.argv[1], "a trial") as folder:
        for name in "abc":
            (folder / name).write_text(str(number) * 1000)
    if not number:
        print("begun", flush=True)
"""
NO_EXCHANGE = """
from napari_mclstexp.files import exchange
exchange._exchange = lambda *_: False
"""
PLACER = """
import os, sys
from pathlib import Path
from napari_mclstexp.files import placing
with placing(sys.argv[1], "a trial", ["a", "b"]):
    Path(sys.argv[1], "a").write_text("new, and longer")
    os._exit(0)
"""
HOLDER = """
import sys, time
from napari_mclstexp.files import only_one
with only_one(sys.argv[1], "another"):
    print("held", flush=True)
    time.sleep(60)
"""


def names(folder):
    return sorted(each.name for each in folder.iterdir())


def test_a_link_stays_and_what_it_points_to_keeps_its_permissions(tmp_path):
    kept, link = tmp_path / "kept.csv", tmp_path / "link.csv"
    kept.write_text("old")
    kept.chmod(0o600)
    link.symlink_to(kept)
    with atomic_file(link) as temporary:
        temporary.write_text("new")
    assert link.is_symlink()
    assert kept.read_text() == "new"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_a_link_to_nothing_yet_makes_what_it_points_to(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "there" / "new.txt")
    with atomic_file(tmp_path / "link") as temporary:
        temporary.write_text("new")
    assert (tmp_path / "there" / "new.txt").read_text() == "new"


def test_a_device_a_pipe_and_a_folder_are_no_files(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name, what in (("pipe", "pipe"), ("folder", "is a folder")):
        with pytest.raises(OutputError, match=what), atomic_file(tmp_path / name):
            pytest.fail("nothing is done for it")
    with pytest.raises(OutputError, match="device"):
        files.check_writable("/dev/null")
    assert names(tmp_path) == ["folder", "pipe"]


def test_a_name_too_long_is_a_sentence(tmp_path):
    with atomic_file(tmp_path / ("n" * 255)) as temporary:
        temporary.write_text("the longest there is")
    with pytest.raises(OutputError, match="too long"), atomic_file(tmp_path / ("n" * 256)):
        pytest.fail("nothing is done for it")


def test_two_who_write_one_file_do_not_take_each_other_for_dead(tmp_path):
    target = tmp_path / "out.txt"
    with atomic_file(target) as first:
        first.write_text("first")
        with atomic_file(target) as second:
            second.write_text("second")
        assert first.read_text() == "first"
    assert target.read_text() == "first"
    assert names(tmp_path) == ["out.txt"]


@pytest.mark.slow
@pytest.mark.parametrize("one_step", [True, False], ids=["exchanged", "two renames"])
def test_a_folder_is_whole_after_a_kill_at_any_moment(tmp_path, one_step):
    target, rng = tmp_path / "out", random.Random(0)
    code = WRITER
    if not one_step:
        code = f"{NO_EXCHANGE}{WRITER}"
    for _ in range(12):
        writer = subprocess.Popen(
            [sys.executable, "-c", code, str(target)], stdout=subprocess.PIPE, text=True
        )
        writer.stdout.readline()
        time.sleep(rng.uniform(0, 0.05))
        writer.send_signal(signal.SIGKILL)
        writer.communicate()
        if one_step:
            assert target.is_dir()
        finish_exchange(target)
        texts = {(target / name).read_text() for name in "abc"}
        assert len(texts) == 1
    with atomic_folder(target, "a trial") as folder:
        (folder / "a").write_text("last")
    assert names(tmp_path) == ["out"]  # whatever the killed have left is gone
    assert names(target) == [files.MARKER, "a"]


def test_what_another_takes_for_left_before_it_is_held_is_made_again(tmp_path):
    made = temporary.temporary_beside(tmp_path / "out")
    times = []

    def make(path):
        path.mkdir()
        times.append(path)
        if len(times) == 1:
            temporary.remove_leftovers(tmp_path / "out")  # of another process

    with temporary.held(made, make):
        temporary.remove_leftovers(tmp_path / "out")
        assert made.is_dir()
    temporary.remove_leftovers(tmp_path / "out")
    assert (names(tmp_path), len(times)) == ([], 2)


@pytest.mark.slow
def test_two_who_write_one_folder_again_and_again_do_not_hinder_each_other(tmp_path):
    code = WRITER.replace("100_000", "150")
    command = [sys.executable, "-c", code, str(tmp_path / "out")]
    pair = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    assert [each.communicate()[1] for each in pair] == ["", ""]
    assert len({(tmp_path / "out" / name).read_text() for name in "abc"}) == 1
    assert names(tmp_path) == ["out"]


def test_what_was_begun_before_a_kill_is_not_taken_for_a_persons(tmp_path):
    with files.placing(tmp_path, "a trial", ["a", "b"]):
        (tmp_path / "a").write_text("old")
    (tmp_path / "a").write_text("changed by a person")
    with pytest.raises(OutputError, match="not as this program wrote it"):
        files.check_names(tmp_path, "a trial", ["a"])
    (tmp_path / "a").write_text("old")
    subprocess.run([sys.executable, "-c", PLACER, tmp_path], check=True)
    files.check_names(tmp_path, "a trial", ["a", "b"])
    files.check_folder(tmp_path, "a trial")
    with files.placing(tmp_path, "a trial", ["a"]):
        (tmp_path / "a").write_text("last")
    (tmp_path / "a").write_text("changed by a person")
    for check in (files.check_names, lambda *given: files.check_folder(*given[:2])):
        with pytest.raises(OutputError, match=r"/a (is there already|was changed)"):
            check(tmp_path, "a trial", ["a"])


def test_nothing_is_noted_where_nothing_was_placed(tmp_path):
    with pytest.raises(ZeroDivisionError), files.placing(tmp_path, "a trial", ["a"]):
        assert 1 / 0
    assert names(tmp_path) == []


def test_an_older_folder_comes_back_if_the_newer_cannot_take_its_place(tmp_path, monkeypatch):
    target = tmp_path / "out"
    with atomic_folder(target, "a trial") as folder:
        (folder / "a").write_text("old")
    monkeypatch.setattr(exchange, "_exchange", lambda *_: False)
    replaced = type(target).replace

    def fails(self, to):
        if to == target and self.name.endswith(".part"):
            raise OSError(5, "broken")
        return replaced(self, to)

    monkeypatch.setattr(type(target), "replace", fails)
    with pytest.raises(OSError, match="broken"), atomic_folder(target, "a trial") as folder:
        (folder / "a").write_text("new")
    assert (target / "a").read_text() == "old"
    assert names(tmp_path) == ["out"]


def test_one_process_at_a_time_and_a_dead_one_holds_nothing(tmp_path):
    target = tmp_path / "out"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(target)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout.readline() == "held\n"
    written = pytest.raises(OutputError, match="being written by another training")
    with written, only_one(target, "another training"):
        pytest.fail("it is held")
    with only_one(tmp_path / "other", "another training"):
        pass
    holder.kill()
    holder.communicate()
    with only_one(target, "another training"):
        assert not target.exists()
    assert names(tmp_path) == []
