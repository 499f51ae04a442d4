"""One file from a server, received in a thread so that a cancel or a silence ends it at once.

What has arrived stays in a file of its own and is gone on with the next time (HTTP's Range).
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import __version__

if TYPE_CHECKING:
    from ..progress import CancelToken

CONNECT_S = 5.0  # for one address of the server
SILENCE_S = 10.0  # until a server that says nothing counts as not there
LOOK_S = 0.1  # between looks at whether the person cancelled
CHUNK = 1 << 14  # small, so that a slow line is not taken for a silent one


class Refused(Exception):  # noqa: N818 - an answer, which the caller puts into a sentence
    """The server answered that it does not have the file, or does not give it."""


class Unreachable(Exception):  # noqa: N818 - as above
    """There is no network, or no such server, or it said nothing."""


class BrokenOff(Exception):  # noqa: N818 - as above
    """The connection ended before the file did."""


@dataclass(frozen=True)
class Arrived:
    """How many bytes have arrived, and how many there are in all; 0 if the server did not say."""

    done: int
    total: int


def receive(url: str, part: Path, heard: Callable[[Arrived], None], cancel: CancelToken) -> None:
    """Receive a file from where an earlier attempt ended.

    Parameters
    ----------
    url
        Where it is.
    part
        The file that holds what has arrived.
    heard
        Told how far it is, many times a second.
    cancel
        Ends it within a second; what has arrived stays.

    Raises
    ------
    Refused, Unreachable, BrokenOff
        With the reason in words.
    Cancelled
        If `cancel` was set.
    """
    said: queue.Queue[Arrived | Exception | None] = queue.Queue()
    stop = threading.Event()

    def work() -> None:
        try:
            _copy(url, part, said.put, stop)
        except Exception as error:
            said.put(error)
        else:
            said.put(None)

    # Not waited for after a cancel: it may hang in a name server that does not answer.
    threading.Thread(target=work, name="mclstexp: fetching", daemon=True).start()
    last, began = time.monotonic(), False
    try:
        while True:
            cancel.raise_if_cancelled()
            try:
                event = said.get(timeout=LOOK_S)
            except queue.Empty:
                if time.monotonic() - last > SILENCE_S:
                    silence = f"no answer within {SILENCE_S:.0f} s"
                    raise (BrokenOff if began else Unreachable)(silence) from None
                continue
            last, began = time.monotonic(), True
            if event is None:
                return
            if isinstance(event, Exception):
                raise event
            heard(event)
    finally:
        stop.set()


def _copy(url: str, part: Path, tell: Callable[[Arrived], None], stop: threading.Event) -> None:
    import requests

    with _ask(url, part) as answer:
        resumed = answer.status_code == requests.codes.partial_content
        done = part.stat().st_size if resumed else 0
        length = int(answer.headers.get("Content-Length") or 0)
        total = done + length if length else 0
        with part.open("ab" if resumed else "wb") as file:
            try:
                for chunk in answer.iter_content(CHUNK):
                    if stop.is_set():
                        return
                    done += file.write(chunk)
                    tell(Arrived(done, total))
            except requests.exceptions.RequestException as error:
                raise BrokenOff from error


def _ask(url: str, part: Path) -> Any:
    """Ask for what is missing of a file, or for all of it if the server can't give a rest."""
    import requests

    have = part.stat().st_size if part.is_file() else 0
    for start in dict.fromkeys((have, 0)):
        # Not packed for the way, or the bytes would not be those of the file.
        headers = {"Accept-Encoding": "identity", "User-Agent": f"napari-mclstexp/{__version__}"}
        if start:
            headers["Range"] = f"bytes={start}-"
        try:
            answer = requests.get(url, headers=headers, stream=True, timeout=(CONNECT_S, SILENCE_S))
        except requests.exceptions.RequestException as error:
            raise Unreachable(_reason(error)) from error
        begins = answer.headers.get("Content-Range", "").startswith(f"bytes {start}-")
        if answer.status_code == requests.codes.ok or (
            answer.status_code == requests.codes.partial_content and begins
        ):
            return answer
        answer.close()
        if answer.status_code >= requests.codes.bad_request and start == 0:
            break
    raise Refused(f"HTTP {answer.status_code}")


def _reason(error: Exception) -> str:
    from requests import exceptions

    if isinstance(error, exceptions.Timeout):
        return "no answer"
    if isinstance(error, exceptions.SSLError):
        return "its certificate is not accepted"
    if isinstance(error, exceptions.ConnectionError):
        return "no connection"
    return type(error).__name__
