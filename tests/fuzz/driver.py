"""``make fuzz MINUTES=20``: damaged files for every reader, until the time is over.

Each reader must give a result or a sentence. Whatever else comes of a file, an error of a library,
an end by a signal, ten seconds without an answer, two gigabytes of memory, is kept in ``found/``
(where it is small enough, by itself), and ``test_found.py`` reads it from then on.
"""

from __future__ import annotations

import argparse
import json
import logging
import lzma
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

FOUND = Path(__file__).parent / "found"
LARGEST_KEPT, PACKED = 2048, ".xz"  # bytes; what ends the names of those that must be packed
SECONDS, BYTES = 10, 2 * 2**30
_SILENT_S = 60  # longer than all imports take on a busy machine
_AT_ONCE = 2000  # cases of one process, so that what a library leaks is no case's fault


class TooSlow(BaseException):
    """No answer in time."""


def prepare() -> None:
    """Find the sources of tests, and keep what readers would keep out of the way."""
    logging.getLogger().addHandler(logging.NullHandler())
    sys.path[0] = str(Path(__file__).parents[1])
    os.environ.update(NAPARI_MCLSTEXP_LOG="", NAPARI_MCLSTEXP_CACHE="", QT_QPA_PLATFORM="offscreen")


def outcome(read: Any, path: Path) -> str:
    """Return "read", "sentence", or what else came of a file."""
    from napari_mclstexp.errors import UserError

    def late(*_: object) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(SECONDS)
    try:
        read(path)
    except UserError as error:
        said = str(error)
        return "sentence" if said.strip() and "\n" not in said.strip() else f"lines: {said[:80]!r}"
    except TooSlow:
        return f"slow: more than {SECONDS} s"
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        where = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(where.filename).name}:{where.lineno}"
        return f"{type(error).__name__} in {place}: {str(error)[:99]}"
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    return "read"


def work(seed: int, n: int, names: list[str], folder: Path) -> None:
    """Read `n` damaged files; say before each what it is, and after each what came of it."""
    prepare()
    from fuzz.mutate import mutated
    from fuzz.parsers import parsers

    chance = random.Random(seed)
    known = {name: each for name, each in parsers().items() if not names or name in names}
    seeds: dict[str, list[bytes]] = {}
    chosen = [name for name, each in known.items() for _ in range(each.weight)]
    for _ in range(n):
        name = chance.choice(chosen)
        parser = known[name]
        if name not in seeds:
            place = folder / f"seeds {name}"
            place.mkdir(exist_ok=True)
            seeds[name] = parser.seeds(place)
            _warm(parser, seeds[name], folder)
        content = mutated(chance.choice(seeds[name]), chance, words=parser.words)
        path = folder / f"case{parser.ending}"
        path.unlink(missing_ok=True)
        path.write_bytes(content)
        print(json.dumps({"name": name, "file": str(path)}), flush=True)
        start = time.monotonic()
        came = outcome(parser.read, path)
        took = time.monotonic() - start
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        if len(seeds[name]) < 200 and came == "read" and chance.random() < 0.05:
            seeds[name].append(content)  # what is still read leads further in
        print(json.dumps({"came": came, "took": took, "memory": memory}), flush=True)


def _warm(parser: Any, seeds: list[bytes], folder: Path) -> None:
    """Read the whole files once: what is imported for them is no damaged file's time."""
    from napari_mclstexp.errors import UserError

    for content in seeds:
        path = folder / f"case{parser.ending}"
        path.write_bytes(content)
        with suppress(UserError):
            parser.read(path)


def keep(name: str, ending: str, content: bytes, why: str) -> str:
    """Keep a file of a new kind of failure; return its name."""
    kept = f"{name.replace(' ', '-')}-{sha256(content).hexdigest()[:8]}{ending}"
    if len(content) > LARGEST_KEPT:
        kept, content = f"{kept}{PACKED}", lzma.compress(content, preset=9)
    place = FOUND if len(content) <= LARGEST_KEPT else Path(tempfile.gettempdir())
    (place / kept).write_bytes(content)
    print(f"NEW {name}: {why}\n    kept as {place / kept}", flush=True)
    return kept


def run(minutes: float, seed: int, names: list[str], most: int) -> int:
    """Fuzz for some minutes; return how many kinds of failures there were."""
    prepare()
    from fuzz.parsers import parsers

    end = time.monotonic() + 60 * minutes
    counts: Counter[str] = Counter()
    failures: dict[str, str] = {}
    longest, memory = (0.0, ""), 0
    while time.monotonic() < end and sum(counts.values()) < most:
        folder = Path(tempfile.mkdtemp(prefix="mclstexp-fuzz-"))
        command = [sys.executable, __file__, "--work", str(_AT_ONCE), "--seed", str(seed)]
        command += ["--folder", str(folder), *(f"--only={name}" for name in names)]
        seed += 1
        last: dict[str, Any] = {}
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            limit = 0
            for line in _lines(process):
                if not line.startswith("{"):
                    continue
                said = json.loads(line)
                if "file" in said:
                    last = said
                    continue
                name, came = last["name"], said["came"]
                counts[came if came in ("read", "sentence") else "failed"] += 1
                longest = max(longest, (said["took"], name))
                grown = said["memory"] > max(BYTES, limit)
                limit = max(limit, said["memory"])
                memory = max(memory, said["memory"])
                if came not in ("read", "sentence") or grown:
                    why = came if not grown else f"memory: {said['memory'] / 2**30:.1f} GB"
                    _note(failures, last, why, parsers()[name].ending)
                last = {}
                if time.monotonic() > end or sum(counts.values()) >= most:
                    process.terminate()
                    break
        if process.returncode not in (0, -signal.SIGTERM) and not last:
            raise SystemExit(f"The driver itself failed, with seed {seed - 1}; its error is above.")
        if process.returncode not in (0, -signal.SIGTERM):
            counts["failed"] += 1
            killed = process.returncode == -signal.SIGKILL
            why = f"no answer in {_SILENT_S} s" if killed else f"ended by {-process.returncode}"
            _note(failures, last, why, parsers()[last["name"]].ending)
        shutil.rmtree(folder, ignore_errors=True)
    total = sum(counts.values())
    print(
        f"{total:,} files: {counts['read']:,} read, {counts['sentence']:,} refused in a sentence, "
        f"{counts['failed']:,} failed in {len(failures)} ways; longest {longest[0]:.1f} s "
        f"({longest[1]}), highest memory {memory / 2**30:.2f} GB"
    )
    return len(failures)


def _lines(process: subprocess.Popen[str]) -> Iterator[str]:
    """Yield what a process says; end it when it is silent for too long, in a library perhaps."""
    assert process.stdout is not None
    while True:
        silence = threading.Timer(_SILENT_S, process.kill)
        silence.start()
        line = process.stdout.readline()
        silence.cancel()
        if not line:
            return
        yield line


def _note(failures: dict[str, str], case: dict[str, Any], why: str, ending: str) -> None:
    key = f"{case['name']} {why.split(': ')[0]}"
    if key not in failures:
        failures[key] = keep(case["name"], ending, Path(case["file"]).read_bytes(), why)


def main() -> int:
    """Run as told by the command line."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--minutes", type=float, default=20)
    options.add_argument("--cases", type=int, default=10**9, help="stop after so many")
    options.add_argument("--seed", type=int, default=None, help="of the first process")
    options.add_argument("--only", action="append", default=[], help="only this reader")
    options.add_argument("--work", type=int, default=0, help=argparse.SUPPRESS)
    options.add_argument("--folder", type=Path, default=None, help=argparse.SUPPRESS)
    given = options.parse_args()
    seed = int(time.time()) if given.seed is None else given.seed
    if given.work:
        work(seed, given.work, given.only, given.folder)
        return 0
    return 1 if run(given.minutes, seed, given.only, given.cases) else 0


if __name__ == "__main__":
    sys.exit(main())
