"""How threads of numerical libraries wait for each other: asleep."""

from __future__ import annotations

import os

# Each says the same to another library's threads: GNU's and LLVM's OpenMP, and OpenBLAS.
QUIET = {"OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0", "OPENBLAS_THREAD_TIMEOUT": "4"}


def wait_asleep() -> None:
    """Let the threads of one operation sleep, not spin, while they wait for the last of them.

    A thread that spins takes its core from the one that it waits for as soon as other programs
    need cores too: on a busy machine everything becomes many times slower. To be called before
    torch or numpy is imported, by whatever starts the process; what a person has set is left.
    """
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
