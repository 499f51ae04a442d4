"""How much slower the encoder is beside other programs: as many spinning processes as asked for.

Quiet and busy are timed in turn, in fresh processes that start as the command line does, so the
figure is a ratio within one run. Two spinning processes on two cores leave half the machine: a
factor of 2 is fair, more than 2.5 is a collapse (the exit code says so).

    python benchmarks/busy_machine.py [--backend torch] [--foreign 2] [--patches 256]
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys

from findings import Finding, found

MOST = 2.5
SPIN = [sys.executable, "-c", "while True: pass"]


def encode(backend: str, patches: int, patch_px: int, old: bool) -> float:
    """Seconds to encode noise in a process that was set up as the command line sets it up."""
    if not old:
        from napari_mclstexp.running.quiet_threads import wait_asleep

        wait_asleep()
    import time

    import numpy as np
    import torch

    from napari_mclstexp.inference.device import pick_device
    from napari_mclstexp.inference.image_features import FrozenEncoder
    from napari_mclstexp.model import EncoderConfig
    from napari_mclstexp.model.image_encoder import ImageEncoder

    torch.manual_seed(0)
    encoder = ImageEncoder(EncoderConfig()).eval()
    device = pick_device("cpu", backend)
    noise = np.random.default_rng(0).integers(0, 255, (32, patch_px, patch_px, 3), dtype=np.uint8)
    if old:  # one operation at a time on all cores, as before there were lanes
        ready = encoder.for_inference(device.torch, device.dtype, torch.channels_last)

        def run(n: int) -> None:
            with torch.inference_mode():
                for _ in range(n):
                    ready(torch.from_numpy(noise).permute(0, 3, 1, 2).float() / 255)
    else:
        frozen = FrozenEncoder(encoder, device)

        def run(n: int) -> None:
            for _ in frozen.stream((slice(0, 0), noise) for _ in range(n)):
                pass

    run(1)
    start = time.perf_counter()
    run(max(1, patches // len(noise)))
    return time.perf_counter() - start


def timed(asked: argparse.Namespace, foreign: int) -> float:
    command = [sys.executable, __file__, "--child", f"--backend={asked.backend}"]
    command += [f"--patches={asked.patches}", f"--patch-px={asked.patch_px}"]
    command += ["--old"] if asked.old else []
    started = [subprocess.Popen(SPIN) for _ in range(foreign)]
    try:
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        told, _ = started[-1].communicate()
        return float(json.loads(told.splitlines()[-1]))
    finally:
        for each in started:
            each.kill()
            each.wait()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backend", default="torch")
    parser.add_argument("--foreign", type=int, default=2)
    parser.add_argument("--patches", type=int, default=256)
    parser.add_argument("--patch-px", type=int, default=224)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--old", action="store_true", help="one operation at a time on all cores")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        print(json.dumps(encode(asked.backend, asked.patches, asked.patch_px, asked.old)))
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # nothing is left spinning
    quiet, busy = [], []
    for _ in range(asked.runs):
        quiet.append(timed(asked, 0))
        busy.append(timed(asked, asked.foreign))
    factor = statistics.median(busy) / statistics.median(quiet)
    question = f"Encoding on a busy machine, {asked.patch_px} px, {os.cpu_count()} cores"
    way = "one operation at a time" if asked.old else asked.backend
    rates = (asked.patches / statistics.median(each) for each in (quiet, busy))
    found(Finding(question, f"{way}, quiet", next(rates), "images/s"))
    against = f"{factor:.2f} times the quiet time (at most {MOST})"
    beside = f"{way}, beside {asked.foreign} spinning processes"
    found(Finding(question, beside, next(rates), "images/s", against))
    return int(factor > MOST)


if __name__ == "__main__":
    sys.exit(main())
