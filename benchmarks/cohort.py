"""A cohort of 24 generated slides on one worker of one thread, and on two (`make bench`).

The workers are dask's (LocalCluster), as on a cluster; each has done a slide before the clock
starts, so that what is measured is the work and not the start. How long that took is told too.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from distributed import Client, LocalCluster
from findings import Finding, found
from PIL import Image

from napari_mclstexp.cohort_runs.cohort_settings import CohortSettings
from napari_mclstexp.cohort_runs.one_slide import SlideJob, do_slide
from napari_mclstexp.cohort_runs.predict_cohort import predict_cohort
from napari_mclstexp.cohort_runs.slide_list import SlideEntry
from napari_mclstexp.model import load_model
from napari_mclstexp.samples import demo_model_path

N_SLIDES, N_SPOTS, SIDE = 24, 300, 1200
GOAL = 1.8


def write_slides(folder: Path) -> list[SlideEntry]:
    """Write slides of stained noise, each another, and spots on them."""
    entries = []
    for number in range(N_SLIDES + 1):
        random = np.random.default_rng(number)
        stain = random.uniform((150, 90, 150), (220, 170, 210))
        pixels = random.normal(stain, 25, (SIDE, SIDE, 3)).clip(0, 255).astype(np.uint8)
        slide, spots = folder / f"s{number:02}.png", folder / f"s{number:02}.csv"
        Image.fromarray(pixels).save(slide, compress_level=1)
        xy = random.uniform(40, SIDE - 40, (N_SPOTS, 2))
        np.savetxt(spots, xy, delimiter=",", header="x,y", comments="", fmt="%.1f")
        entries.append(SlideEntry(slide.stem, slide, spots, um_per_px=1.0))
    return entries


def first_slide(job: SlideJob) -> float:
    """Do a slide on a worker, in a folder of its own, so that all is loaded; return the seconds."""
    import dataclasses

    start = time.perf_counter()
    own = job.out.with_name(f"{job.out.name}-{os.getpid()}")
    (own / "work").mkdir(parents=True)
    state = do_slide(dataclasses.replace(job, out=own))
    assert state.state == "done", state
    return time.perf_counter() - start


def seconds_on(workers: int, entries: list[SlideEntry], model: Path, out: Path) -> float:
    """Return how long the cohort takes on that many workers."""
    with (
        LocalCluster(
            n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        Client(cluster) as client,
    ):
        job = SlideJob(
            entries[-1], CohortSettings(), out / "first", model, load_model(model).id, "cpu"
        )
        started = client.run(first_slide, job)
        start = time.perf_counter()
        result = predict_cohort(entries[:-1], model, out, client=client, device="cpu")
        took = time.perf_counter() - start
    assert len(result.names("done")) == N_SLIDES, result.states
    case = f"{workers} worker{'s' if workers > 1 else ''} of one thread"
    against = (
        f"{N_SLIDES / took:.2f} slides a second; the first slide of a worker, with all that is "
        f"loaded for it, {max(started.values()):.1f} s"
    )
    found(Finding(f"A cohort of {N_SLIDES} slides of {N_SPOTS} spots", case, took, "s", against))
    return took


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=demo_model_path(), help="a model folder")
    arguments = parser.parse_args()
    os.environ["NAPARI_MCLSTEXP_CACHE"] = ""  # every slide is computed
    with tempfile.TemporaryDirectory() as folder:
        entries = write_slides(Path(folder))
        times = {
            n: seconds_on(n, entries, arguments.model, Path(folder) / f"on{n}") for n in (1, 2)
        }
    gain = times[1] / times[2]
    found(
        Finding(
            "A second worker of a cohort", "two workers against one", gain, "times", f"goal {GOAL}"
        )
    )
    if gain < GOAL:
        print(f"Two workers are less than {GOAL} times as fast as one.", file=sys.stderr)
    return int(gain < GOAL)


if __name__ == "__main__":
    sys.exit(main())
