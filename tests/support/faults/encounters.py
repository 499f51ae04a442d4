"""Two at once: a command and who changes its slide, or two commands at one output."""

from __future__ import annotations

import os
import random
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from support import widget_kit as kit

from . import forked
from .forked import Running
from .jobs import Job, content
from .trials import Bench, Count, check_sentence, names


def changed_slides(bench: Bench, job: Job) -> dict[str, Count]:
    """Take the slide away, cut it or replace it while it is read."""
    counts: dict[str, Count] = {}
    other = bench.place / "other.ome.tif"
    kit.write_slide(other, seed=1)
    results = []
    for replaced in (False, True):
        folder = bench.fresh()
        if replaced:
            shutil.copy(other, folder / "slide.ome.tif")
        ended = forked.run(job.work, folder)
        assert ended.code == 0, ended
        results.append({each: content(folder / each) for each in job.outputs})
    rng = random.Random(job.name)
    for name, change in CHANGES.items():
        count = counts[name] = Count()
        for _ in range(TRIES):
            folder, after = bench.fresh(), rng.uniform(0.02, 1.0) * ended.seconds
            old = {each: content(folder / each) for each in job.outputs}
            running = Running(job.work, folder)
            time.sleep(after)
            change(folder / "slide.ome.tif", other)
            ended = running.end()
            count.tried += 1
            new = {each: content(folder / each) for each in job.outputs}
            what = f"{name} after {after:.3f} s: {ended.said}"
            if ended.code == 0 and new in results:
                count.equal += 1
            elif ended.code in (2, SOME_FAILED) and ended.said.count("\n") >= 1:
                count.kept += 1
                if ended.code == 2 and new != old:
                    count.wrong.append(f"{what}: refused, and the older result is gone")
            else:
                count.wrong.append(f"{what}: exit {ended.code}, and a result of no whole slide")
    return counts


def _truncate(slide: Path, other: Path) -> None:
    os.truncate(slide, slide.stat().st_size // 2)


def _replace(slide: Path, other: Path) -> None:
    shutil.copy(other, slide.with_name("copy"))
    slide.with_name("copy").replace(slide)


def _overwrite(slide: Path, other: Path) -> None:
    with slide.open("r+b") as file:
        file.write(other.read_bytes())
        file.truncate()


CHANGES: dict[str, Callable[[Path, Path], None]] = {
    "removed": lambda slide, other: slide.unlink(),
    "truncated": _truncate,
    "replaced by another": _replace,
    "written over": _overwrite,
}
TRIES = 5
SOME_FAILED = 3


def pairs(bench: Bench, first: Job, second: Job) -> Count:
    """Have two processes at one output, at once or one a little later."""
    count = Count()
    results = []
    for job in (first, second):
        folder = bench.fresh()
        ended = forked.run(job.work, folder)
        assert ended.code == 0, ended
        results.append({each: content(folder / each) for each in job.outputs})
    usual, rng = names(folder), random.Random(first.name)
    for _ in range(TRIES):
        folder, later = bench.fresh(), rng.uniform(0, 0.6) * ended.seconds
        running = [Running(first.work, folder)]
        time.sleep(later)
        running.append(Running(second.work, folder))
        both = [each.end() for each in running]
        count.tried += 1
        what = f"the second {later:.3f} s later: {both}"
        for each in both:
            check_sentence(first, each, count, what)
        if all(each.code for each in both):
            count.wrong.append(f"{what}: none has won")
        if names(folder) - usual:
            count.wrong.append(f"{what}: left {sorted(names(folder) - usual)}")
        try:
            there = {each: content(folder / each) for each in first.outputs}
        except Exception as error:
            count.wrong.append(f"{what}: cannot be read: {error}")
            continue
        count.kept += any(each.code == 2 for each in both)
        if there in results or first.name in MIXED:
            count.equal += 1
        else:
            count.wrong.append(f"{what}: what stands is of neither")
    return count


# Of two outputs, or two slides, one may be of the first process and the other of the second.
MIXED = ("domains --markers",)
READ_SLIDES = ("predict", "predict-cohort", "train --resume")
