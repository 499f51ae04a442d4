"""How long a person waits for ``napari-mclstexp --help``, and what imports cost (`make bench`).

Every time is the median of several fresh processes, also given as a multiple of the bare
interpreter's, which is what can be compared between machines.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

from findings import Finding, found

RUNS = 7
LIMIT_S = 1.0  # for --help
PROGRAM = str(Path(sys.executable).parent / "napari-mclstexp")
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "import napari_mclstexp": [sys.executable, "-c", "import napari_mclstexp"],
    "napari-mclstexp --help": [PROGRAM, "--help"],
    "napari-mclstexp train --help": [PROGRAM, "train", "--help"],
    "from napari_mclstexp import open_slide": [
        sys.executable,
        "-c",
        "from napari_mclstexp import open_slide",
    ],
    "from napari_mclstexp import predict": [
        sys.executable,
        "-c",
        "from napari_mclstexp import predict",
    ],
}


def median_seconds(command: list[str]) -> float:
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main() -> int:
    seconds = {name: median_seconds(command) for name, command in COMMANDS.items()}
    bare = seconds["python -c pass"]
    for name, took in seconds.items():
        against = f"{took / bare:.1f} times a bare interpreter"
        found(Finding("Start", name, took * 1000, "ms", against))
    late = seconds["napari-mclstexp --help"] >= LIMIT_S
    if late:
        print(f"--help took longer than {LIMIT_S:.0f} s.", file=sys.stderr)
    return int(late)


if __name__ == "__main__":
    sys.exit(main())
