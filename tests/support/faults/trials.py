"""Kills, and disks that are full or read only: what stands then, and after the next start."""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from . import forked
from .forked import Ended, Point, Running
from .jobs import HOME, UNDONE, Job, content

RANDOM_KILLS = 3  # of each job, at any moment


@dataclass
class Count:
    """What came of the faults of one kind in one job."""

    tried: int = 0
    kept: int = 0
    leftovers: int = 0
    equal: int = 0
    wrong: list[str] = field(default_factory=list)


@dataclass
class Bench:
    """Copies of one folder, each for one fault, and what an undisturbed job makes of it."""

    template: Path
    place: Path
    most: int = 30  # kills at calls of one kind in one job; of more, some spread evenly

    def fresh(self) -> Path:
        """Return a copy that nothing has been done to."""
        folder = self.place / "work"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.template, folder, symlinks=True)
        return folder

    def undisturbed(self, job: Job) -> Undisturbed:
        """Run a job and note its system calls and what it left."""
        folder = self.fresh()
        old = {each: content(folder / each) for each in job.outputs}
        points, ended = forked.points_of(job.work, folder, tuple(forked.KINDS))
        assert ended.code == 0, ended
        new = {each: content(folder / each) for each in job.outputs}
        assert new != old, job.name
        return Undisturbed(old, new, names(folder), points, ended.seconds)


@dataclass(frozen=True)
class Undisturbed:
    """What was there before a job and after it, and how it went."""

    old: dict[str, object]
    new: dict[str, object]
    names: set[str]
    points: list[Point]
    seconds: float


def names(folder: Path) -> set[str]:
    """Return the names of all that lies under a folder, without what tells a time or content."""
    found = (each.relative_to(folder).as_posix() for each in folder.rglob("*"))
    kept = (each for each in found if "events.out." not in each and f"{HOME}/cache/" not in each)
    return {re.sub("[0-9a-f]{64}", "…", each) for each in kept}


# Folders of which each part is exchanged by itself; others are as one.
IN_PARTS = ("cohort",)


def kept(job: Job, folder: Path, whole: Undisturbed) -> str:
    """Return which output is neither the old nor the new one, or nothing."""
    for each in job.outputs:
        try:
            there = content(folder / each)
        except Exception as error:
            return f"{each} cannot be read: {error}"
        if not _is_either(there, whole.old[each], whole.new[each], each in IN_PARTS):
            return f"{each} is {'gone' if there is None else 'neither old nor new'}"
    return ""


def _is_either(there: object, old: object, new: object, in_parts: bool) -> bool:
    if in_parts and all(isinstance(each, dict) for each in (there, old, new)):
        parts = {*there, *old, *new}  # type: ignore[misc]
        found = ([each.get(part) for each in (there, old, new)] for part in parts)  # type: ignore[attr-defined]
        return all(_is_either(*each, in_parts=True) for each in found)
    return there in (old, new, UNDONE) or (old is None and there == {})


def settle(job: Job, folder: Path, whole: Undisturbed, count: Count, what: str) -> None:
    """Look at what a fault has left, run the job again, and count."""
    count.tried += 1
    if wrong := kept(job, folder, whole):
        count.wrong.append(f"{what}: {wrong}")
    else:
        count.kept += 1
    again = forked.run(job.work, folder)
    if again.code:
        count.wrong.append(f"{what}: the next start ends with {again.code}: {again.said}")
        return
    if left := names(folder) - whole.names:
        count.leftovers += len(left)
        count.wrong.append(f"{what}: left after the next start: {sorted(left)}")
    new = {each: content(folder / each) for each in job.outputs}
    if new == whole.new:
        count.equal += 1
    else:
        count.wrong.append(f"{what}: the next start gives something else")


def kills(bench: Bench, job: Job, whole: Undisturbed) -> dict[str, Count]:
    """Kill at every rename, fsync, unlink and mkdir, and at random moments."""
    counts: dict[str, Count] = defaultdict(Count)
    for point in spread(whole.points, bench.most):
        folder = bench.fresh()
        ended = forked.run_failing(job.work, folder, point, "KILL")
        if ended.code != -9:
            counts[point.kind].wrong.append(f"{point}: not killed, but {ended}")
        settle(job, folder, whole, counts[point.kind], f"killed at {point.call} {point.nth}")
    rng = random.Random(job.name)
    for _ in range(RANDOM_KILLS):
        folder, after = bench.fresh(), rng.uniform(0, whole.seconds)
        Running(job.work, folder).end(kill_after_s=after)
        settle(job, folder, whole, counts["any moment"], f"killed after {after:.3f} s")
    return counts


def refusals(bench: Bench, job: Job, whole: Undisturbed, fault: str) -> Count:
    """Have every call that writes fail as on a full or read-only disk."""
    count, kinds = Count(), ("rename", "fsync", "mkdir", *(("unlink",) if fault == "EROFS" else ()))
    for point in spread([e for e in whole.points if e.kind in kinds], bench.most // 4):
        folder = bench.fresh()
        before = names(folder)
        ended = forked.run_failing(job.work, folder, point, fault)
        check_sentence(job, ended, count, f"{fault} at {point.call} {point.nth}")
        left = left_behind(folder, before)
        if ended.code == 2 and left and point.kind != "unlink":
            count.wrong.append(f"{fault} at {point.call} {point.nth}: left {sorted(left)}")
        settle(job, folder, whole, count, f"{fault} at {point.call} {point.nth}")
    return count


# What a training keeps to go on from, whatever ended it.
RESUMED = {f"trained.run{each}" for each in ("", "/.napari-mclstexp.json", "/training",
           "/checkpoint.safetensors", "/training/curves.csv")}  # fmt: skip


PROGRESS = "Predicting on "  # what a cohort says of where it runs, in a log


# Folders of the program itself, which it makes once.
OWN = {f"{HOME}/{each}" for each in ("cache", "data", "data/models")}


def left_behind(folder: Path, before: set[str]) -> set[str]:
    """Return what came to a folder, without what is kept on purpose."""
    came = names(folder) - before - RESUMED
    return {each for each in came if each not in OWN and not each.startswith(f"{HOME}/cache/")}


def check_sentence(job: Job, ended: Ended, count: Count, what: str) -> None:
    """Note if a command neither did its work nor gave a sentence and exit code 2."""
    said = [each for each in ended.said.splitlines() if not each.startswith(PROGRESS)]
    if ended.code not in (0, 2) or (ended.code == 2 and len(said) != 1):
        count.wrong.append(f"{what}: exit code {ended.code}: {ended.said[-1500:]}")


def spread(points: list[Point], most: int) -> list[Point]:
    """Return all points, or of each kind of call as many as are tried, spread evenly."""
    chosen: list[Point] = []
    for kind in dict.fromkeys(each.kind for each in points):
        own = [each for each in points if each.kind == kind]
        step = max(1.0, len(own) / most)
        chosen += [own[int(at * step)] for at in range(min(len(own), most))]
    return chosen


def full_disk(bench: Bench, job: Job, whole: Undisturbed) -> Count:
    """Give a job a real disk with too little room, from none at all to nearly enough."""
    count = Count()
    with disk(bench) as (folder, room):
        for free in ROOMS:
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(bench.template, folder, symlinks=True)
            room(free)
            before = names(folder)
            ended = forked.run(job.work, folder)
            check_sentence(job, ended, count, f"{free} bytes free")
            if ended.code == 2 and (left := left_behind(folder, before)):
                count.wrong.append(f"{free} bytes free: left {sorted(left)}")
            room(None)
            settle(job, folder, whole, count, f"{free} bytes free")
    return count


def read_only(bench: Bench, job: Job, whole: Undisturbed) -> Count:
    """Give a job a disk that is mounted to be read only."""
    count = Count()
    with disk(bench) as (folder, room):
        shutil.copytree(bench.template, folder, symlinks=True)
        before = names(folder)
        room(-1)
        ended = forked.run(job.work, folder)
        check_sentence(job, ended, count, "read only")
        if ended.code != 2 or names(folder) != before:
            count.wrong.append(f"read only: {ended}")
        room(None)
        settle(job, folder, whole, count, "read only")
    return count


ROOMS = tuple(4096 * pages for pages in (0, 1, 3, 8, 21, 55, 144, 377))
_BIG = 512 * 2**20


@contextmanager
def disk(bench: Bench) -> Iterator[tuple[Path, Callable[[int | None], None]]]:
    """Yield a folder on a disk of its own, and what leaves so many bytes free on it.

    None leaves it plenty; less than nothing makes it read only.
    """
    mounted = bench.place / "disk"
    mounted.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={_BIG}", "tmpfs", mounted], check=True)

    def room(free: int | None) -> None:
        about = os.statvfs(mounted)
        used = (about.f_blocks - about.f_bfree) * about.f_frsize
        how = "ro" if free is not None and free < 0 else "rw"
        size = _BIG if free is None or free < 0 else used + free
        subprocess.run(["mount", "-o", f"remount,{how},size={size}", mounted], check=True)

    try:
        yield mounted / "work", room
    finally:
        subprocess.run(["umount", "--lazy", mounted], check=True)
