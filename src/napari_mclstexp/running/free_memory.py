"""Memory that was freed goes back to the system, where the C library keeps it for later."""

from __future__ import annotations

import ctypes
import sys


def give_back() -> None:
    """Return freed memory to the system; after work whose pieces were large, that is much.

    Only glibc (Linux) keeps it, and only there is anything done.
    """
    if not sys.platform.startswith("linux"):
        return
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
