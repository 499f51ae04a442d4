"""How a machine is divided between processes."""

from __future__ import annotations

import pytest

from napari_mclstexp.cohort_runs import local_workers
from napari_mclstexp.cohort_runs.local_workers import Share, share_machine

GB = 2**30


@pytest.mark.parametrize(
    ("n_slides", "given", "share"),
    [
        (100, {}, Share(8, 1)),
        (2, {}, Share(2, 4)),
        (100, {"free_bytes": 8 * GB}, Share(3, 2)),
        (100, {"free_bytes": GB}, Share(1, 8)),  # it may fail, but not before it was tried
        (100, {"model_bytes": GB, "free_bytes": 16 * GB}, Share(2, 4)),
        (100, {"processes": 4}, Share(4, 2)),
        (100, {"threads": 4}, Share(2, 4)),
        (100, {"gpus": 2}, Share(2, 4)),
    ],
)
def test_memory_and_threads_decide_how_many(n_slides, given, share):
    assert share_machine(n_slides, **{"cores": 8, "free_bytes": 64 * GB, **given}) == share


def test_a_job_takes_no_more_than_it_asked_its_batch_system_for(monkeypatch):
    monkeypatch.setattr(local_workers, "CPU_COUNT", 64)
    for name in ("SLURM_CPUS_PER_TASK", "NSLOTS", "NCPUS", "LSB_DJOB_NUMPROC"):
        monkeypatch.delenv(name, raising=False)
    assert local_workers.cores_free() == 64
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "4")
    monkeypatch.setenv("SLURM_MEM_PER_NODE", "4096")
    assert local_workers.cores_free() == 4
    assert local_workers.memory_free() <= 4 * GB
    assert share_machine(100) == Share(1, 4)
