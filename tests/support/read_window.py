"""Starts the window and, when it is ready, an accessibility client; says what that was told.

Run within a D-Bus session of its own.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUS = "/usr/libexec/at-spi-bus-launcher"


def main() -> int:
    bus = subprocess.Popen([BUS, "--launch-immediately"])
    time.sleep(1)  # Qt looks for it when it starts
    window = subprocess.Popen(
        [sys.executable, str(HERE / "accessible_window.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        ready = any(line.strip() == "ready" for line in window.stdout)
        client = ["/usr/bin/python3", str(HERE / "accessibility_client.py"), str(window.pid)]
        return subprocess.run(client, check=False).returncode if ready else 1
    finally:
        window.stdin.close()
        try:
            window.wait(20)
        except subprocess.TimeoutExpired:
            window.kill()
        bus.kill()


if __name__ == "__main__":
    sys.exit(main())
