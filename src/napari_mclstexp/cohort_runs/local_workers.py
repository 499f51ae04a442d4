"""Slides on this machine: as many processes as memory allows, the threads divided between them."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import psutil
from dask.system import CPU_COUNT

from ..errors import OutputError
from ..progress import CancelToken, Progress
from .engine import MOST_DEATHS, Say, SlideNews, died
from .one_slide import SlideJob
from .slide_record import SlideState

BYTES_EACH = 2 * 2**30  # what `predict` needs at most for a slide, whatever its size
SHARE_OF_MEMORY = 0.8  # of what is free
PATIENCE_S = 10.0  # between asking a worker to end and ending it
LOOK_S = 0.2
# SLURM, SGE, PBS, LSF.
_CORES_OF_JOB = ("SLURM_CPUS_PER_TASK", "NSLOTS", "NCPUS", "LSB_DJOB_NUMPROC")
_MEGABYTES_OF_JOB = "SLURM_MEM_PER_NODE"
_CONTROL_GROUPS = (
    (Path("/sys/fs/cgroup"), "memory.max", "memory.current"),
    (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes", "memory.usage_in_bytes"),
)
_THREADS = (
    *("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"),
    "VECLIB_MAXIMUM_THREADS",
)


@dataclass(frozen=True)
class Share:
    """How a machine is divided: processes, and the threads of each."""

    processes: int
    threads: int


def share_machine(
    n_slides: int,
    *,
    processes: int | None = None,
    threads: int | None = None,
    model_bytes: int = 0,
    gpus: int = 0,
    cores: int | None = None,
    free_bytes: int | None = None,
) -> Share:
    """Return how many processes shall run, and with how many threads each.

    Parameters
    ----------
    n_slides
        How many slides there are to do.
    processes, threads
        As a person wants them; None for what suits the machine.
    model_bytes
        Size of the model's folder; in memory it takes several times that.
    gpus
        Where the networks run on GPUs: one process for each.
    cores, free_bytes
        Of the machine, as far as this process may use it.
    """
    cores = cores_free() if cores is None else cores
    if processes is None:
        free = memory_free() if free_bytes is None else free_bytes
        fit = int(SHARE_OF_MEMORY * free / (BYTES_EACH + 4 * model_bytes))
        processes = max(1, min(gpus or cores // (threads or 1), fit))
    processes = max(1, min(processes, n_slides))
    return Share(processes, threads or max(1, cores // processes))


def cores_free() -> int:
    """Return the cores that may be used: the machine's, or less if a job was given less.

    Dask knows of affinity and control groups; not every batch system sets these, but all say in
    the environment how many cores a job asked for.
    """
    asked = (os.environ.get(name, "") for name in _CORES_OF_JOB)
    given = [int(each) for each in asked if each.isdecimal() and int(each)]
    return min([int(CPU_COUNT), *given])


def memory_free() -> int:
    """Return the bytes that may still be used: the machine's, or less if a job was given less.

    A container, or a job of a scheduler, sees the whole machine's memory and may have a part of it.
    """
    free = int(psutil.virtual_memory().available)
    if (megabytes := os.environ.get(_MEGABYTES_OF_JOB, "")).isdecimal() and int(megabytes):
        free = min(free, int(megabytes) * 2**20)
    for folder, limit, used in _CONTROL_GROUPS:
        with suppress(OSError, ValueError):  # not there, or "max"
            room = int((folder / limit).read_text()) - int((folder / used).read_text())
            free = min(free, max(0, room))
    return free


@dataclass(eq=False)
class _Worker:
    """A process, what it is at, and where what it complains of is kept."""

    number: int
    process: subprocess.Popen[str]
    complaints: IO[bytes]
    job: SlideJob | None = None
    ready: bool = False

    def give(self, job: SlideJob) -> None:
        """Have it do a slide."""
        self.job = job
        assert self.process.stdin is not None
        with suppress(OSError):  # it has died; its reader says so
            self.process.stdin.write(job.text() + "\n")
            self.process.stdin.flush()

    def hang_up(self) -> None:
        """Have it end by itself."""
        assert self.process.stdin is not None
        with suppress(OSError):  # what it was told last cannot be told to the dead
            self.process.stdin.close()

    def close(self) -> None:
        """Let go of what a process that has ended leaves."""
        self.hang_up()
        self.complaints.close()

    def last_words(self) -> str:
        self.complaints.seek(0)
        lines = self.complaints.read()[-4000:].decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else ""


@dataclass(eq=False)
class LocalWorkers:
    """Workers on this machine; see :class:`~.engine.Engine`.

    Parameters
    ----------
    share
        How many, and the threads of each.
    gpus
        Numbers or names of the GPUs, one for each process in turn; none for the CPU.
    """

    share: Share
    gpus: tuple[str, ...] = ()
    _workers: dict[int, _Worker] = field(default_factory=dict)
    _heard: queue.SimpleQueue[tuple[int, dict[str, Any] | None]] = field(
        default_factory=queue.SimpleQueue
    )
    _number: int = 0

    @property
    def about(self) -> str:
        """Where the slides run."""
        n, threads = self.share.processes, self.share.threads
        return (
            f"{n} process{'es' if n > 1 else ''} of {threads} thread{'s' if threads > 1 else ''} "
            "on this machine"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for worker in self._workers.values():
            worker.hang_up()
        end = time.monotonic() + PATIENCE_S
        for worker in self._workers.values():
            with suppress(subprocess.TimeoutExpired):
                worker.process.wait(max(0.0, end - time.monotonic()))
            if worker.process.poll() is None:
                worker.process.kill()
                worker.process.wait()
            worker.close()

    def run(self, jobs: Sequence[SlideJob], say: Say, cancel: CancelToken) -> Iterator[SlideState]:
        """Yield the end of each job, in the order in which they end."""
        waiting, deaths = deque(jobs), dict[str, int]()
        for _ in range(min(self.share.processes, len(waiting)) - len(self._workers)):
            self._start()
        for worker in self._workers.values():
            self._next(worker, waiting, say)
        while waiting or any(each.job is not None for each in self._workers.values()):
            cancel.raise_if_cancelled()
            try:
                number, words = self._heard.get(timeout=LOOK_S)
            except queue.Empty:
                continue
            worker = self._workers[number]
            job = worker.job
            if words is None:
                lost = self._bury(worker)
                if job is not None:
                    deaths[job.entry.name] = deaths.get(job.entry.name, 0) + 1
                    if deaths[job.entry.name] >= MOST_DEATHS:
                        yield died(job, lost)
                    else:
                        say(SlideNews(job.entry.name))
                        waiting.append(job)
                if waiting:
                    self._start()
            elif "ready" in words:
                worker.ready = True
                self._next(worker, waiting, say)
            elif "progress" in words and job is not None:
                say(SlideNews(job.entry.name, self._name(worker), Progress(**words["progress"])))
            elif "state" in words:
                worker.job = None
                self._next(worker, waiting, say)
                yield _state(words["state"])

    def _next(self, worker: _Worker, waiting: deque[SlideJob], say: Say) -> None:
        if worker.ready and worker.job is None and waiting:
            job = waiting.popleft()
            say(SlideNews(job.entry.name, self._name(worker)))
            worker.give(job)

    def _name(self, worker: _Worker) -> str:
        return f"process {worker.process.pid}"

    def _start(self) -> None:
        self._number += 1
        number = self._number
        complaints = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the process lives
        process = subprocess.Popen(
            [sys.executable, "-m", f"{__package__}.slide_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
            encoding="utf-8",
            env={**os.environ, **self._environment(number)},
        )
        worker = self._workers[number] = _Worker(number, process, complaints)
        threading.Thread(target=self._listen, args=(worker,), daemon=True).start()

    def _environment(self, number: int) -> Mapping[str, str]:
        own = dict.fromkeys(_THREADS, str(self.share.threads))
        if self.gpus:
            own["CUDA_VISIBLE_DEVICES"] = self.gpus[number % len(self.gpus)]
        return own

    def _listen(self, worker: _Worker) -> None:
        assert worker.process.stdout is not None
        with worker.process.stdout as answers:
            for line in answers:
                with suppress(ValueError):  # the last line of one that was killed
                    self._heard.put((worker.number, json.loads(line)))
        self._heard.put((worker.number, None))

    def _bury(self, worker: _Worker) -> str:
        """Forget a worker that has died, and return how.

        Raises
        ------
        OutputError
            If it could not even start.
        """
        code = worker.process.wait()
        words = worker.last_words()
        del self._workers[worker.number]
        worker.close()
        how = f"signal {-code}" if code < 0 else words or f"exit code {code}"
        if not worker.ready:
            raise OutputError(f"No process for the slides can be started here ({how}).")
        return how


def _state(said: dict[str, Any]) -> SlideState:
    from pydantic import TypeAdapter

    return TypeAdapter(SlideState).validate_python(said)
