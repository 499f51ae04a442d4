"""What the benchmarks of whole commands share: one as a process of its own, timed and weighed."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PROGRAM = Path(sys.executable).parent / "napari-mclstexp"


@dataclass(frozen=True)
class Ran:
    """What a command took: seconds, seconds of processors, and its peak resident memory in GB."""

    seconds: float
    processor_s: float
    peak_gb: float


def run_command(*given: str | Path) -> Ran:
    """Run a command of this program, and tell what it took.

    Ends the benchmark if the command fails. What called this must be small itself: a new process
    begins with the peak of the one that started it.
    """
    start = time.perf_counter()
    process = subprocess.Popen([PROGRAM, *given], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(process.returncode)
    unit = 1 if sys.platform == "darwin" else 1024
    return Ran(
        time.perf_counter() - start,
        usage.ru_utime + usage.ru_stime,
        usage.ru_maxrss * unit / 1e9,
    )


def run_apart(function: Callable[..., object], *given: object) -> None:
    """Call a function of a module in a process of its own, whose memory goes with it."""
    process = multiprocessing.get_context("spawn").Process(target=function, args=given)
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(process.exitcode)
