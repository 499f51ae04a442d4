"""A real scheduler and real workers on the loopback: killed, restarted, and never in the way."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from napari_mclstexp.cohort_runs.predict_cohort import predict_cohort
from napari_mclstexp.errors import Cancelled, SettingsError
from napari_mclstexp.progress import CancelToken
from support import cohort_kit as kit
from support.cohort_kit import N

pytestmark = pytest.mark.slow
distributed = pytest.importorskip("distributed", reason="an extra: napari-mclstexp[cluster]")


class Dask:
    """A scheduler on a port of its own, and workers of one thread, as processes."""

    def __init__(self, folder: Path) -> None:
        with closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{self.port}"
        self._folder, self._processes = folder, list[subprocess.Popen[bytes]]()

    def _start(self, *arguments: object) -> subprocess.Popen[bytes]:
        log = (self._folder / f"dask{len(self._processes)}.txt").open("wb")
        with log:
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", *map(str, arguments)],
                stdout=log,
                stderr=log,
                cwd=self._folder,
                env=kit.environment(**kit.ONE_THREAD),
            )
        self._processes.append(process)
        return process

    def scheduler(self) -> subprocess.Popen[bytes]:
        at = ("--host", "127.0.0.1", "--port", self.port, "--no-dashboard")
        return self._start("scheduler", *at)

    def worker(self, name: str) -> subprocess.Popen[bytes]:
        own = ("--name", name, "--no-dashboard", "--local-directory", self._folder / "scratch")
        return self._start("worker", self.address, "--nthreads", 1, "--no-nanny", *own)

    def stop(self) -> None:
        for each in self._processes:
            each.kill()
        for each in self._processes:
            each.wait()


@pytest.fixture
def dask(tmp_path) -> Iterator[Dask]:
    made = Dask(tmp_path)
    yield made
    made.stop()


@pytest.fixture
def run(dask, table, tiny_model, tmp_path) -> Callable[[], kit.Command]:
    def start() -> kit.Command:
        return kit.start(table, tiny_model, tmp_path / "out", "--on", dask.address)

    return start


def test_a_worker_killed_at_a_slide_costs_that_slide_only(dask, run, alone, tmp_path):
    dask.scheduler()
    workers = {name: dask.worker(name) for name in ("one", "two")}
    command = run()
    at = command.wait_for(lambda step: step["state"] == "running" and step["done"] > 0)
    os.kill(workers[at["where"]].pid, signal.SIGKILL)
    code, _, err = command.ended()
    assert code == 0, err
    assert "dashboard" in err
    assert kit.contents(tmp_path / "out") == alone
    ends = [step for step in command.slides() if step["state"] == "done"]
    assert sorted(step["name"] for step in ends) == [f"s{n}" for n in range(N)]
    assert {s["name"]: s["seconds"] for s in ends} == kit.seconds_of(tmp_path / "out")


def test_a_scheduler_that_is_restarted_gets_what_is_missing(dask, run, alone, tmp_path):
    first = dask.scheduler()
    dask.worker("one")
    command = run()
    command.wait_for(lambda step: step["state"] == "done")
    first.kill()
    first.wait()
    done = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("*.h5ad")}
    dask.scheduler()
    dask.worker("two")
    code, _, err = command.ended()
    assert code == 0, err
    assert kit.contents(tmp_path / "out") == alone
    assert {path: path.stat().st_mtime_ns for path in done} == done
    ends = [step for step in command.slides() if step["state"] == "done"]
    assert {s["name"]: s["seconds"] for s in ends} == kit.seconds_of(tmp_path / "out")


def test_a_client_of_ones_own_is_used_and_nothing_stays_in_the_scheduler(
    dask, table, tiny_model, alone, tmp_path
):
    dask.scheduler()
    dask.worker("one")
    with distributed.Client(dask.address, set_as_default=False) as client:
        token = CancelToken()

        def progress(news):
            if news.news is not None and news.news.progress is not None:
                token.cancel()

        given = (table, tiny_model, tmp_path / "out")
        with pytest.raises(Cancelled):
            predict_cohort(*given, client=client, progress=progress, cancel=token)
        assert not (tmp_path / "out" / "s0.h5ad").exists()
        result = predict_cohort(*given, client=client)
        assert result.names("done") == tuple(f"s{n}" for n in range(N))
        assert client.status == "running"
        kept = client.run_on_scheduler(
            lambda dask_scheduler: [ts.nbytes for ts in dask_scheduler.tasks.values()]
        )
        assert sum(kept) < 10_000
    assert kit.contents(tmp_path / "out") == alone


def test_where_no_scheduler_answers_a_sentence_says_so(dask, table, tiny_model, tmp_path):
    from napari_mclstexp.cohort_runs import schedulers

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schedulers, "CONNECT_S", 1)
        with pytest.raises(SettingsError, match="No dask scheduler answers at"):
            predict_cohort(table, tiny_model, tmp_path / "out", on=dask.address)


def test_a_batch_system_that_is_not_configured_is_explained(table, tiny_model, tmp_path):
    pytest.importorskip("dask_jobqueue")
    with pytest.raises(SettingsError, match=r"how large a job of slurm is .*jobqueue\.yaml"):
        predict_cohort(table, tiny_model, tmp_path / "out", on="slurm")
