"""Work in a copy of this process, which is killed, or whose system calls fail, when told to.

A copy starts at once, where a new process would import for seconds. What a kill or a failed system
call does to it is real: `strace` (Debian: strace) stops it at the n-th call of a kind.
"""

from __future__ import annotations

import gc
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from select import select

# By what they do; a name that a machine does not have is passed over.
CALLS = {
    "rename": ("rename", "renameat", "renameat2"),
    "fsync": ("fsync", "fdatasync"),
    "unlink": ("unlink", "unlinkat", "rmdir"),
    "mkdir": ("mkdir", "mkdirat"),
}
WRITES = ("write", "pwrite64", "writev", "ftruncate")
KINDS = {call: kind for kind, calls in CALLS.items() for call in calls}
LONGEST_S = 600.0
Work = Callable[[], tuple[int, str]]


@dataclass(frozen=True)
class Point:
    """The n-th system call of a name, and what it does."""

    call: str
    nth: int

    @property
    def kind(self) -> str:
        return KINDS.get(self.call, "write")


@dataclass(frozen=True)
class Ended:
    """How work ended: exit code (-9 of one that was killed), what it said, after how long."""

    code: int
    said: str
    seconds: float


def can_trace() -> str:
    """Return why system calls cannot be made to fail here, or nothing."""
    if not sys.platform.startswith("linux"):
        return "processes are traced on Linux only"
    if shutil.which("strace") is None:
        return "strace is not installed (Debian: apt-get install strace)"
    tried = subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, check=False)
    return "this user may not trace processes" if tried.returncode else ""


class Running:
    """Work that has begun in a copy of this process, in a folder."""

    def __init__(self, work: Work, folder: Path, strace: tuple[str, ...] = ()) -> None:
        self._said = tempfile.NamedTemporaryFile()  # noqa: SIM115 - until it has ended
        wait, self._go = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            os.close(self._go)
            os.read(wait, 1)
            _work(work, folder, self._said.name)
        os.close(wait)
        self._tracer = _attach(self.pid, strace) if strace else None
        self.modules: list[str] = []
        self._start = time.monotonic()
        os.close(self._go)

    def end(self, *, kill_after_s: float | None = None) -> Ended:
        """Wait for its end; kill it after a while, if told to."""
        ends = os.pidfd_open(self.pid)
        if not select([ends], [], [], LONGEST_S if kill_after_s is None else kill_after_s)[0]:
            os.kill(self.pid, signal.SIGKILL)
        os.close(ends)
        _, status = os.waitpid(self.pid, 0)
        seconds = time.monotonic() - self._start
        if self._tracer is not None:
            self._tracer.wait(30)
            assert self._tracer.stderr is not None
            self._tracer.stderr.close()
        with self._said:
            modules, _, said = Path(self._said.name).read_text().partition("\n")
        self.modules = [each for each in modules.split() if each not in sys.modules]
        code = os.waitstatus_to_exitcode(status)
        assert kill_after_s is not None or seconds < LONGEST_S, f"no end: {said}"
        return Ended(code, said, seconds)


def run(work: Work, folder: Path) -> Ended:
    """Work undisturbed."""
    return Running(work, folder).end()


def run_failing(work: Work, folder: Path, point: Point, fault: str) -> Ended:
    """Work until a system call that kills the process ("KILL") or fails ("ENOSPC")."""
    how = "signal=KILL" if fault == "KILL" else f"error={fault}"
    inject = f"inject={point.call}:{how}:when={point.nth}"
    return Running(work, folder, ("-e", f"trace={point.call}", "-e", inject)).end()


def points_of(work: Work, folder: Path, calls: tuple[str, ...]) -> tuple[list[Point], Ended]:
    """Work undisturbed, and return the system calls of the main thread, in order.

    What it imports is imported here too, so that no later copy of this process has to.
    """
    with tempfile.NamedTemporaryFile() as log:
        named = ",".join(f"?{each}" for each in calls)
        running = Running(work, folder, ("-e", f"trace={named}", "-o", log.name))
        ended = running.end()
        counted: Counter[str] = Counter()
        points = []
        for line in Path(log.name).read_text(errors="replace").splitlines():
            found = re.match(rf"{running.pid} +(\w+)\(", line)
            if found:
                counted[found[1]] += 1
                points.append(Point(found[1], counted[found[1]]))
    for name in running.modules:
        with suppress(Exception):  # one that is made while others are loaded
            import_module(name)
    gc.collect()
    gc.freeze()  # a copy then leaves alone what it shares
    return points, ended


def _attach(pid: int, options: tuple[str, ...]) -> subprocess.Popen[str]:
    output = () if "-o" in options else ("-o", "/dev/null")
    command = ["strace", "-f", *output, *options, "-p", str(pid)]
    tracer = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert tracer.stderr is not None
    for line in tracer.stderr:
        if "attached" in line:
            return tracer
    raise RuntimeError(f"strace did not attach: {command}")


def _work(work: Work, folder: Path, said: str) -> None:
    code = 1
    try:
        os.chdir(folder)
        code, words = work()
        Path(said).write_text(f"{' '.join(sys.modules)}\n{words}")
    except BaseException:
        Path(said).write_text(f"\n{traceback.format_exc()}")
    finally:
        os._exit(code)
