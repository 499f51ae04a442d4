"""A cohort of small slides that differ, as files; its command as a process; what came of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
from PIL import Image

from napari_mclstexp.cohort_runs.slide_record import read_record
from support.places import environment

N, LONG = 6, 2  # slides of the tests' cohort, and how many of them take seconds
UM_PER_PX = 1.0
SIDE = 320
ONE_THREAD = {
    **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"),
    "NAPARI_MCLSTEXP_CACHE": "",  # every slide is computed anew, or equality would say nothing
}
Event = dict[str, Any]
PROGRAM = (sys.executable, "-m", "napari_mclstexp.cli")


def write_small_slide(folder: Path, number: int, n_spots: int) -> tuple[Path, Path]:
    """Write a picture of noise and spots on it, which no other number gives."""
    random = np.random.default_rng(number)
    pixels = random.integers(60, 230, (SIDE // 8, SIDE // 8, 3), dtype=np.uint8)
    slide, spots = folder / f"s{number}.png", folder / f"s{number}.csv"
    Image.fromarray(np.kron(pixels, np.ones((8, 8, 1), dtype=np.uint8))).save(slide)
    xy = random.uniform(20, SIDE - 20, (n_spots, 2))
    np.savetxt(spots, xy, delimiter=",", header="x,y", comments="", fmt="%.2f")
    return slide, spots


def write_cohort(folder: Path, n: int, n_spots: int = 12, long: int = 0) -> Path:
    """Write slides and their table; the first `long` ones have many spots, and take time."""
    lines = ["slide,spots,um_per_px,site"]
    for number in range(n):
        slide, spots = write_small_slide(folder, number, 300 if number < long else n_spots)
        lines.append(f"{slide.name},{spots.name},{UM_PER_PX},{'ab'[number % 2]}")
    table = folder / "slides.csv"
    table.write_text("\n".join(lines) + "\n")
    return table


def content(path: Path) -> dict[str, Any]:
    """Return all that a result holds but when it was made, as what can be compared bit by bit."""
    data = ad.read_h5ad(path)
    facts = {k: v for k, v in data.uns["mclstexp"].items() if k != "created"}
    ((_, section),) = data.uns["spatial"].items()
    return {
        "X": np.asarray(data.X).tobytes(),
        **{f"layer {k}": np.asarray(v).tobytes() for k, v in data.layers.items()},
        **{f"obsm {k}": np.asarray(v).tobytes() for k, v in data.obsm.items()},
        "obs": data.obs.to_csv(),
        "var": data.var.to_csv(),
        "picture": section["images"]["hires"].tobytes(),
        "facts": repr(sorted((k, str(v)) for k, v in facts.items())),
    }


def contents(out: Path) -> dict[str, dict[str, Any]]:
    """Return what all results of a folder hold, by name."""
    return {path.stem: content(path) for path in sorted(out.glob("*.h5ad"))}


def seconds_of(out: Path) -> dict[str, float | None]:
    """Return how long each result took; two computations never take the same time."""
    return {p.stem: read_record(p).state.seconds for p in out.glob("*.h5ad")}  # type: ignore[union-attr]


def files_in(out: Path) -> set[str]:
    """Return the names of all files that a run leaves, but locks."""
    found = (path.relative_to(out) for path in out.rglob("*") if path.is_file())
    return {str(each) for each in found if each.suffix != ".lock"}


@dataclass
class Command:
    """``predict-cohort`` as a process of its own, and what it says."""

    process: subprocess.Popen[str]
    events: Path

    def said(self) -> list[dict[str, Any]]:
        if not self.events.exists():
            return []
        lines = self.events.read_text().splitlines()
        return [json.loads(line) for line in lines if line.endswith("}")]

    def slides(self) -> list[dict[str, Any]]:
        return [each for each in self.said() if each["event"] == "slide"]

    def wait_for(
        self, what: Callable[[dict[str, Any]], bool], seconds: float = 60
    ) -> dict[str, Any]:
        """Wait until a slide's event fits, and return it."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = next((each for each in self.slides() if what(each)), None)
            if found is not None:
                return found
            assert self.process.poll() is None, self.process.communicate()
            time.sleep(0.05)
        raise AssertionError(f"never said; at last {self.slides()[-3:]}")

    def ended(self, seconds: float = 120) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=seconds)
        return self.process.returncode, out, err


def start(table: Path, model: Path, out: Path, *more: object, **variables: str) -> Command:
    """Start the command, with one thread and no feature cache."""
    events = out.with_name(f"{out.name}-{time.monotonic_ns()}.jsonl")
    arguments = ("predict-cohort", "--slides", table, "--model", model, "--out", out)
    process = subprocess.Popen(
        [*PROGRAM, *map(str, arguments), "--events", str(events), *map(str, more)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**environment(**ONE_THREAD), **variables},
    )
    return Command(process, events)


def alive(pid: int) -> bool:
    """Whether a process is there."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
