"""A web server in a thread, which cuts, refuses or changes what it gives when a test says so."""

from __future__ import annotations

import hashlib
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np

from napari_mclstexp.library.catalogue import Entry


@dataclass
class Served:
    """What a server gives, and what it was asked.

    Attributes
    ----------
    address
        Of the server, without a slash at the end.
    files
        Content by path.
    cut_after
        Bytes after which the next answer ends in the middle; None for whole ones.
    slow
        Seconds between pieces of 64 kB.
    ranges
        Of each request in turn, the header Range, or "".
    """

    address: str
    files: dict[str, bytes] = field(default_factory=dict)
    cut_after: int | None = None
    slow: threading.Event | None = None
    ranges: list[str] = field(default_factory=list)


@contextmanager
def serving(**files: bytes) -> Iterator[Served]:
    """Serve files by their names, with ranges, until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            wanted = self.headers.get("Range", "")
            served.ranges.append(wanted)
            content = served.files.get(self.path.lstrip("/"))
            if content is None:
                self.send_error(404)
                return
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
            if start >= len(content) > 0:
                self.send_error(416)
                return
            self.send_response(206 if wanted else 200)
            if wanted:
                last = len(content) - 1
                self.send_header("Content-Range", f"bytes {start}-{last}/{len(content)}")
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            until = served.cut_after
            if until is not None:
                served.cut_after, self.close_connection = None, True
            self.wfile.write(content[start : len(content) if until is None else until])
            if served.slow is not None:
                served.slow.wait(30)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        served = Served(f"http://127.0.0.1:{server.server_port}", files)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield served
        finally:
            if served.slow is not None:
                served.slow.set()
            server.shutdown()
            thread.join()


def closed_port() -> str:
    """Return an address at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


def content(seed: int, n: int = 400_000) -> bytes:
    """Return bytes that are the same for the same seed."""
    return np.random.default_rng(seed).bytes(n)


def facts(path: str, data: bytes, address: str = "") -> dict[str, Any]:
    """Return what a catalogue says about a file."""
    url = f"{address}/{path.rpartition('/')[2]}" if address else ""
    return {
        "path": path,
        "size": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "url": url,
    }


def entry(kind: str, name: str, *files: dict[str, Any]) -> dict[str, Any]:
    """Return an entry as a catalogue has it."""
    about = {"title": f"Title of {name}", "source": "a test", "licence": "MIT"}
    return {"kind": kind, "name": name, **about, "files": list(files)}


def read(described: dict[str, Any]) -> Entry:
    """Return an entry as the program has it."""
    return Entry.model_validate_json(json.dumps(described))


def write_catalogue(path: Path, *entries: dict[str, Any]) -> Path:
    """Write a catalogue."""
    path.write_text(json.dumps({"format": 1, "entries": entries}))
    return path
