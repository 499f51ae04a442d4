"""What libraries are told before they are imported: threads wait asleep, nothing calls home."""

from __future__ import annotations

import os

# Each says the same to another library's threads: GNU's and LLVM's OpenMP, and OpenBLAS.
QUIET = {"OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0", "OPENBLAS_THREAD_TIMEOUT": "4"}


# Libraries of models that fetch what is named, or say that they are used, unless told not to.
OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_XET": "1",
    "DO_NOT_TRACK": "1",
    "OPENVINO_TELEMETRY_DISABLE": "1",
}


def stay_offline() -> None:
    """Let no library use the network by itself; fetching by name is `library.fetch`'s alone.

    To be called before any of them is imported.
    """
    os.environ.update(OFFLINE)


def wait_asleep() -> None:
    """Let the threads of one operation sleep, not spin, while they wait for the last of them.

    A thread that spins takes its core from the one that it waits for as soon as other programs
    need cores too: on a busy machine everything becomes many times slower. To be called before
    torch or numpy is imported, by whatever starts the process; what a person has set is left.
    """
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
