"""A real SLURM of one node (`make test-cluster`): jobs that dask asks for, and an array of jobs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time

import pytest

from support import cohort_kit as kit
from support.cohort_kit import N
from support.places import ROOT
from support.shell_kit import PROGRAM


def _unavailable() -> str:
    """Return why there is no SLURM to test with, or ""."""
    if shutil.which("sinfo") is None:
        return "there is no SLURM here; `make test-cluster` starts one where the user may"
    try:
        asked = subprocess.run(["sinfo", "-h"], capture_output=True, timeout=20, check=False)
    except subprocess.TimeoutExpired:
        return "SLURM does not answer"
    return "" if asked.returncode == 0 else "SLURM is not running; `make test-cluster` starts it"


pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(_unavailable()), reason=_unavailable())]

JOBQUEUE = """
jobqueue:
  slurm:
    cores: 1
    processes: 1
    memory: 2GB
    job-mem: 1GB
    walltime: "00:10:00"
    interface: lo
    log-directory: {logs}
    local-directory: {logs}
"""


def jobs() -> set[str]:
    said = subprocess.run(["squeue", "-h", "-o", "%i"], capture_output=True, text=True, check=True)
    return set(said.stdout.split())


def test_jobs_that_dask_asks_for_are_replaced_when_one_is_cancelled(
    table, tiny_model, alone, tmp_path
):
    (tmp_path / "dask").mkdir()
    (tmp_path / "dask" / "jobqueue.yaml").write_text(JOBQUEUE.format(logs=tmp_path / "logs"))
    before = jobs()
    command = kit.start(
        *(table, tiny_model, tmp_path / "out", "--on", "slurm", "--jobs", 1),
        DASK_CONFIG=str(tmp_path / "dask"),
    )
    at = command.wait_for(lambda step: step["state"] == "running" and step["done"] > 0, 180)
    first = jobs() - before
    assert len(first) == 1, at
    subprocess.run(["scancel", "--signal=KILL", "--full", *first], check=True)
    code, _, err = command.ended(240)
    assert code == 0, err
    assert kit.contents(tmp_path / "out") == alone
    ends = [step for step in command.slides() if step["state"] == "done"]
    assert {s["name"]: s["seconds"] for s in ends} == kit.seconds_of(tmp_path / "out")
    end = time.monotonic() + 60
    while jobs() - before and time.monotonic() < end:
        time.sleep(0.5)
    assert jobs() == before  # none is left behind


def test_the_array_of_the_page_fills_the_folder(table, tiny_model, alone, tmp_path):
    page = (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8")
    (script,) = re.findall(r"```bash\n(#!/bin/bash\n#SBATCH.*?)```", page, re.DOTALL)
    (tmp_path / "array.sh").write_text(script)
    rows = re.sub(r"\bs(\d)\.", rf"{table.parent}/s\1.", table.read_text())
    (tmp_path / "slides.csv").write_text(rows)
    (tmp_path / "my_model").symlink_to(tiny_model)
    path = os.pathsep.join([str(PROGRAM.parent), os.environ["PATH"]])
    small = ("--array=1-3", "--cpus-per-task=1", "--mem=3G", "--time=00:10:00")
    subprocess.run(
        ["sbatch", "--wait", *small, "array.sh"],
        cwd=tmp_path,
        env={**kit.environment(**kit.ONE_THREAD), "PATH": path},
        check=True,
        timeout=400,
    )
    assert kit.contents(tmp_path / "results") == alone
    assert len((tmp_path / "results" / "summary.csv").read_text().splitlines()) == N + 1
    assert (tmp_path / "results" / "report.html").is_file()
