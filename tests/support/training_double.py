"""Speaks like ``napari-mclstexp train``, without training: for tests of what listens to it."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path


def main() -> None:
    arguments = sys.argv[1:]
    events = Path(arguments[arguments.index("--events") + 1])
    epochs = int(arguments[arguments.index("--epochs") + 1]) if "--epochs" in arguments else 0

    def say(event: str, **values: object) -> None:
        with events.open("a") as file:
            file.write(json.dumps({"event": event, **values}) + "\n")

    if "--name" in arguments and arguments[arguments.index("--name") + 1] == "refused":
        print("The encoder needs its weights as a local file.", file=sys.stderr)
        sys.exit(2)
    if not epochs:  # a linear head: the tissue is seen in tiles, and that is all
        for tile in range(1, 31):
            time.sleep(0.02)
            say("progress", done=tile, total=30, what="Seeing a (1 of 2)", unit="tiles")
        say("done", model="m", report=None)
        return
    say("estimate", seconds=epochs * 0.02, bytes=2**30, sentence="About 1 s and 1.0 GiB of memory")
    for epoch in range(1, epochs + 1):
        time.sleep(0.02)
        say("progress", done=epoch, total=epochs, what=f"Epoch {epoch} of {epochs}")
        say("epoch", epoch=epoch, epochs=epochs, loss=5 / epoch, held_out_pcc=epoch / epochs)
    say("done", model="m", report=None)


if __name__ == "__main__":
    main()
