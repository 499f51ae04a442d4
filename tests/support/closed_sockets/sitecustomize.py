"""Python starts with this where it lies on the path: no socket of the process reaches a network.

Every try is written to the file that CLOSED_SOCKETS names, so that one that a library forgives
itself is seen too.
"""

from __future__ import annotations

import os
import socket
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

_NETWORK = (socket.AF_INET, socket.AF_INET6)


def _refuse(what: str) -> None:
    with Path(os.environ["CLOSED_SOCKETS"]).open("a", encoding="utf-8") as file:
        file.write(f"{what}\n{''.join(traceback.format_stack(limit=12))}\n")
    raise OSError(f"the network is closed: {what}")


def _closed(name: str) -> Callable[..., Any]:
    own = getattr(socket.socket, name)

    def call(self: socket.socket, *given: Any) -> Any:
        if self.family in _NETWORK:
            _refuse(f"{name} {given[-1:]}")
        return own(self, *given)

    return call


def _unresolved(*given: Any, **_: Any) -> Any:
    _refuse(f"look-up of {given[:1]}")


def close_sockets(replace: Callable[[Any, str, Any], None] = setattr) -> None:
    """Close them, by `setattr` or by what a test undoes again."""
    for name in ("connect", "connect_ex", "sendto"):
        replace(socket.socket, name, _closed(name))
    for name in ("getaddrinfo", "gethostbyname", "create_connection"):
        replace(socket, name, _unresolved)


if os.environ.get("CLOSED_SOCKETS") and __name__ == "sitecustomize":
    close_sockets()
