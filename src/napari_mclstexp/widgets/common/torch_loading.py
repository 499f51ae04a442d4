"""Loading torch into a process that draws with OpenGL already, without a crash.

Torch imports triton, whose library brings an LLVM of its own. Mesa, the usual OpenGL of Linux, has
put another LLVM among the symbols of the process by then; triton binds to that one and the process
dies of it. Bound to its own symbols first, it is harmless.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import sys
from pathlib import Path

from ...running.quiet_threads import wait_asleep


def prepare_torch() -> None:
    """Make the import of torch safe; to be called before it, from any thread, any number of times.

    Does nothing where the danger does not exist: without triton, with triton loaded, off Linux.
    Torch's threads are told to wait asleep, so that the window and other programs have the cores.
    """
    wait_asleep()
    if "triton" in sys.modules or not hasattr(os, "RTLD_DEEPBIND"):
        return
    triton = importlib.util.find_spec("triton")
    if triton is None or triton.origin is None:
        return
    for library in (Path(triton.origin).parent / "_C").glob("libtriton*.so"):
        ctypes.CDLL(str(library), mode=os.RTLD_NOW | os.RTLD_DEEPBIND)
