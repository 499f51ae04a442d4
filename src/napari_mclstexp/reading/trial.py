"""A file is read by a copy of this process first, where a damaged one may end the library itself.

HDF5 follows some damaged addresses outside its memory, and others for ever. Neither is an error
that could be caught: what shall survive it must not be there.
"""

from __future__ import annotations

import faulthandler
import math
import os
import signal
import sys
import time
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress

_LONGEST_WAIT_S = 0.01
_GREW = 3  # exit code
MOST_BYTES = 2 * 2**30  # that reading may take: a damaged length of a text is taken at its word
PATIENCE = 4.0  # times as long on the clock as it may compute


def try_reading(
    read: Callable[[], object],
    *,
    seconds: float = 5.0,
    holding: AbstractContextManager[object] | None = None,
) -> None:
    """Call a function in a copy of this process, for nothing but to see that it comes back.

    Only where processes are copied in no time (Linux); elsewhere nothing is done.

    Parameters
    ----------
    read
        Reads all of a file that the program will read; what it raises does not matter.
    seconds
        How long it may compute. A slow disk takes no such time, so no whole file is refused for it.
    holding
        A lock of the library that `read` uses, so that no other thread holds it in the copy.

    Raises
    ------
    ValueError
        If the copy crashed, computed for longer, or took more than `MOST_BYTES`.
    """
    if not sys.platform.startswith("linux"):
        return
    try:
        with holding or nullcontext():
            pid = _copied(read, seconds)
        status = _ended(pid, PATIENCE * seconds)
    except OSError:  # no copy can be had, or another part of the process took its end for its own
        return
    if status is None:  # it waits for something; whoever reads it may too
        return
    if os.WIFEXITED(status) and os.WEXITSTATUS(status) == _GREW:
        raise ValueError(f"reading it takes more than {MOST_BYTES / 2**30:.0f} GB of memory")
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU:
        raise ValueError(f"reading it had not ended after {seconds:.0f} s")
    if os.WIFSIGNALED(status):
        raise ValueError(f"reading it crashes ({signal.Signals(os.WTERMSIG(status)).name})")


def _ended(pid: int, seconds: float) -> int | None:
    """Return how a process ended, None if it had to be ended."""
    end, wait = time.monotonic() + seconds, 0.0005
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return status
        if time.monotonic() > end:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return None
        time.sleep(wait)
        wait = min(2 * wait, _LONGEST_WAIT_S)


def _copied(read: Callable[[], object], seconds: float) -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python 3.12 warns of other threads; the copy needs none
        pid = os.fork()
    if pid:
        return pid
    import resource  # of Unix alone

    code, before = 0, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:  # what follows is the copy, which must not come back
        with suppress(BaseException):
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
                signal.signal(number, signal.SIG_DFL)
            signal.alarm(0)
            most = math.ceil(seconds)
            resource.setrlimit(resource.RLIMIT_CPU, (most, most + 1))
            faulthandler.disable()
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # a library's last words help nobody
            read()
            grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
            code = _GREW if grown * 1024 > MOST_BYTES else 0
    finally:
        os._exit(code)
