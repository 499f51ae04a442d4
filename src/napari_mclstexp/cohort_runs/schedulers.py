"""Workers by name: a scheduler's address, or a batch system that jobs are asked of."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ..errors import SettingsError
from .dask_workers import DaskWorkers

if TYPE_CHECKING:
    from distributed import Client

LOCAL = "local"
BATCH_SYSTEMS = {
    "slurm": "SLURMCluster",
    "pbs": "PBSCluster",
    "lsf": "LSFCluster",
    "sge": "SGECluster",
    "htcondor": "HTCondorCluster",
    "oar": "OARCluster",
    "moab": "MoabCluster",
}
CONNECT_S = 60  # till a scheduler answers
_EXTRA = "pip install 'napari-mclstexp[cluster]'"


def workers_on(on: str, *, most_jobs: int) -> DaskWorkers:
    """Return workers of a scheduler, or of jobs of a batch system.

    Parameters
    ----------
    on
        ``tcp://host:port`` or another address of a dask scheduler; or a batch system: slurm, pbs,
        lsf, sge, htcondor, oar or moab, whose jobs are as dask-jobqueue's own configuration says
        (``~/.config/dask/jobqueue.yaml``).
    most_jobs
        Of a batch system, how many jobs may run at once.

    Raises
    ------
    SettingsError
        If there is no such thing, it cannot be reached, or its package is not installed.
    """
    if "://" in on:
        return _of_address(on)
    if on not in BATCH_SYSTEMS:
        raise SettingsError(
            f"--on {on} is not known; use {LOCAL}, the address of a dask scheduler as in "
            f"tcp://host:8786, or one of {', '.join(BATCH_SYSTEMS)}."
        )
    return _of_batch_system(on, most_jobs)


def _of_address(address: str) -> DaskWorkers:
    distributed = _package("distributed")

    def connect() -> Client:
        client: Client = distributed.Client(address, timeout=CONNECT_S, set_as_default=False)
        return client

    try:
        return DaskWorkers(connect(), connect)
    except (OSError, TimeoutError, ValueError) as error:
        raise SettingsError(
            f"No dask scheduler answers at {address} ({error}); check the address, or start one "
            "with `dask scheduler`."
        ) from error


def _of_batch_system(name: str, most_jobs: int) -> DaskWorkers:
    distributed, jobqueue = _package("distributed"), _package("dask_jobqueue")
    # Asked before, since a cluster that was made half is not let go of in silence.
    config = importlib.import_module("dask.config")
    lacking = [each for each in ("cores", "memory") if not config.get(f"jobqueue.{name}.{each}")]
    if lacking:
        raise SettingsError(
            f"dask-jobqueue does not know how large a job of {name} is ({' and '.join(lacking)}); "
            f"say so under jobqueue: {name}: in ~/.config/dask/jobqueue.yaml, as docs/cluster.md "
            "shows."
        )
    cluster: Any = getattr(jobqueue, BATCH_SYSTEMS[name])()
    # Not a fixed number: jobs that reach their time limit are replaced.
    cluster.adapt(minimum_jobs=1, maximum_jobs=most_jobs)
    client = distributed.Client(cluster, set_as_default=False)

    def close() -> None:
        client.close(timeout=5)
        cluster.close(timeout=10)

    return DaskWorkers(client, close=close)


def _package(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise SettingsError(
            f"Slides on other machines need the package {name.replace('_', '-')}: {_EXTRA}."
        ) from error
