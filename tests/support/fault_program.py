"""Kills at every system call, full and read-only disks, changed slides, two at once: what is left?

    python tests/support/fault_program.py                     all of it, as tables: docs/safety.md
    python tests/support/fault_program.py --only train pairs  jobs, or parts, by name

After each fault: every older result stands, or the new one does, whole, under its name; the same
command runs again, removes what the fault has left, and gives what an undisturbed one gives.
Needs Linux and strace; `mount` (root) for the disks that are really full, else these are left out.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[1])

from support.faults import forked
from support.faults.encounters import READ_SLIDES, changed_slides, pairs
from support.faults.jobs import JOBS, Job, write_template
from support.faults.trials import Bench, Count, Undisturbed, full_disk, kills, read_only, refusals


class Report:
    """Prints rows of tables as they are had, what went wrong, and sums of each kind of fault."""

    def __init__(self) -> None:
        self.wrong: list[str] = []
        self.sums: dict[str, list[int]] = {}

    def head(self, *columns: str) -> None:
        print(f"\n| {' | '.join(columns)} |\n|{'---|' * len(columns)}", flush=True)

    def row(self, what: str, fault: str, count: Count, *columns: int) -> None:
        numbers = (count.tried, *columns)
        if count.tried:
            before = self.sums.get(fault, [0] * len(numbers))
            self.sums[fault] = [a + b for a, b in zip(before, numbers, strict=True)]
            print(f"| {' | '.join(map(str, (what, fault, *numbers)))} |", flush=True)
        for each in count.wrong:
            self.wrong.append(f"{what}: {each}")
            print(f"WRONG {what}: {each}", file=sys.stderr, flush=True)

    def end(self, seconds: float) -> None:
        self.head("all commands", "tried", "…")
        for fault, numbers in self.sums.items():
            print(f"| {' | '.join(map(str, (fault, *numbers)))} |")
        tried = {fault: numbers[0] for fault, numbers in self.sums.items()}
        killed = sum(n for fault, n in tried.items() if fault.startswith("killed"))
        print(
            f"\n{sum(tried.values()):,} faults, {killed:,} of them kills, in {seconds / 60:.0f} "
            f"minutes; {len(self.wrong)} went wrong"
        )


def campaign(bench: Bench, jobs: Sequence[Job], parts: Sequence[str]) -> Report:
    """Disturb jobs in every way, part by part."""
    report = Report()
    known: dict[str, Undisturbed] = {}
    if {"kills", "full", "readonly"} & set(parts):
        report.head("command", "fault", "tried", "older or newer whole", "leftovers", "then equal")
        known = {each.name: bench.undisturbed(each) for each in jobs}
    for job in jobs if known else ():
        whole, counts = known[job.name], dict[str, Count]()
        if "kills" in parts:
            for kind, count in kills(bench, job, whole).items():
                counts[f"killed at {kind}"] = count
        for part, fault in (("full", "ENOSPC"), ("readonly", "EROFS")):
            if part in parts:
                counts[f"{fault} at each call"] = refusals(bench, job, whole, fault)
        for part, fault, trial in DISKS if os.geteuid() == 0 else ():
            if part in parts:
                counts[fault] = trial(bench, job, whole)
        for fault, each in counts.items():
            report.row(job.name, fault, each, each.kept, each.leftovers, each.equal)
    if "slides" in parts:
        report.head("command", "slide", "tried", "a sentence", "a result of a whole slide")
        for job in jobs:
            if job.name in READ_SLIDES:
                for name, count in changed_slides(bench, job).items():
                    report.row(job.name, name, count, count.kept, count.equal)
    if "pairs" in parts:
        report.head("command", "two at once", "tried", "one refused", "whole")
        for job in jobs:
            count = pairs(bench, job, job)
            report.row(job.name, "at once", count, count.kept, count.equal)
    return report


DISKS = (("full", "a full disk", full_disk), ("readonly", "a read-only disk", read_only))
PARTS = ["kills", "full", "readonly", "slides", "pairs"]


def main() -> int:
    """Print the tables; the exit code says whether anything went wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", nargs="*", default=[], help=f"jobs by name; {', '.join(PARTS)}")
    asked = parser.parse_args()
    if why := forked.can_trace():
        print(f"Faults cannot be made here: {why}.", file=sys.stderr)
        return 2
    start = time.monotonic()
    import_all()
    shared = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(prefix="faults-", dir=shared) as name:
        bench = Bench(Path(name, "template"), Path(name))
        jobs = [each for each in JOBS if any(word in each.name for word in asked.only)] or JOBS
        write_template(bench.template, forked.run, jobs)
        report = campaign(bench, jobs, [each for each in PARTS if each in asked.only] or PARTS)
    report.end(time.monotonic() - start)
    return int(bool(report.wrong))


def import_all() -> None:
    """Import what the jobs use, once for all copies of this process."""
    for name in USED:
        import_module(name)


USED = (
    *("matplotlib.pyplot", "sklearn.cluster", "timm", "zarr", "pyarrow.csv"),
    *(f"napari_mclstexp.{each}" for each in ("cohort_runs.predict_cohort", "inference.predict")),
    *(f"napari_mclstexp.{each}" for each in ("export.annotated_anndata", "training.train")),
)


if __name__ == "__main__":
    sys.exit(main())
