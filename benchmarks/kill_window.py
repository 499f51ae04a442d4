"""`kill -9` at ten moments of a pathologist's work, and what Restore brings back each time.

    python benchmarks/kill_window.py             all moments, as a table
    python benchmarks/kill_window.py --only 4 8

Each moment has a window of its own, which is killed a while after the step: longer than autosave
waits. What is offered then is what a new window offers in its banner.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

AFTER_S = 4.0  # from the step to the kill; autosave waits 1.5 s
MOMENTS = (
    "a slide is opened",
    "its scale is stated",
    "a grid is created",
    "a prediction runs",
    "the prediction is there",
    "domains are found",
    "a domain is named",
    "a region is drawn",
    "the region is compared",
    "notes are written",
    "the session is being saved",
)


def work(slide: Path, model: Path, moment: int, folder: Path) -> None:
    """Do all steps up to a moment in a real window, say so, and go on until killed."""
    import napari
    import numpy as np
    from qtpy.QtWidgets import QApplication

    from napari_mclstexp.analysis.domain_settings import DomainSettings
    from napari_mclstexp.spots import GridSettings
    from napari_mclstexp.widgets.workspace import workspace_of

    viewer = napari.Viewer()
    viewer.window.add_plugin_dock_widget("napari-mclstexp", "Workbench")
    workspace = workspace_of(viewer)
    session, tasks = workspace.session, workspace.tasks

    def until(true: Callable[[], object]) -> None:
        while not true():
            QApplication.processEvents()
            time.sleep(0.005)

    def domains() -> None:
        tasks.find_domains(DomainSettings(k=3), "predicted")
        until(lambda: session.annotations.domains is not None)

    def region() -> None:
        from napari_mclstexp.analysis.region import Region

        x, y = np.median(np.asarray(session.spots.obsm["spatial"]), axis=0)
        ring = ((x - 700, y - 700), (x + 700, y - 700), (x + 700, y + 700), (x - 700, y - 700))
        session.edit("Draw a region", regions=(Region("Tumour", ((ring,),)),))

    def opened() -> None:
        workspace.open_slide(slide)
        until(lambda: session.shown.looked)

    def grid(pitch: float = 120.0) -> None:
        workspace.lay_grid(GridSettings(pitch_um=pitch))
        before = session.spots
        until(lambda: session.spots is not before)

    def run(wait: bool = True) -> None:
        if session.model is None:
            workspace.load_model(model)
            until(lambda: session.model is not None)
        workspace.run("cpu")
        until(lambda: not wait or (session.result is not None and session.result.complete))

    def name() -> None:
        session.edit("Rename a domain", domains=session.annotations.domains.renamed("1", "Stroma"))

    def compare() -> None:
        tasks.compare(session.annotations.regions[0], None, "predicted")
        until(lambda: session.annotations.comparison is not None)

    steps = [
        opened,
        lambda: session.set_um_per_px(0.5),
        grid,
        lambda: run(wait=moment != 4),
        lambda: until(lambda: session.result is not None and session.result.complete),
        domains,
        name,
        region,
        compare,
        lambda: session.edit("Write notes", notes="A fold at the left."),
        lambda: tasks.save(folder / "saved"),
    ]
    for step in steps[:moment]:
        step()
    print("now", flush=True)
    until(lambda: False)


def offered(slide: Path) -> list[str]:
    """What a new window offers to restore, in words."""
    from napari_mclstexp.session.autosave import Recovery
    from napari_mclstexp.slides import open_slide

    with open_slide(slide) as there:
        kept = Recovery().find(there.fingerprint())
    if kept is None:
        return []
    saved, made = kept.slide, kept.annotations
    found = [f"{saved.um_per_px:g} µm/px"] if saved.um_per_px else []
    if kept.grid is not None:
        found.append(f"grid of {kept.grid.n_obs}")
    if saved.prediction is not None:
        found.append(f"prediction of {saved.prediction.n_vars} genes")
    if made.domains is not None:
        found.append("domains " + ", ".join(made.domains.names.values()))
    found += [f"region {each.name}" for each in made.regions]
    if made.comparison is not None:
        found.append(f"comparison of {made.comparison.what}")
    if made.notes:
        found.append(f"notes “{made.notes}”")
    return [*found, f"{len(saved.steps)} steps"]


def try_moment(moment: int) -> None:
    from PIL import Image

    from napari_mclstexp import samples
    from napari_mclstexp.slides import open_slide

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for home in ("CONFIG", "STATE", "CACHE"):
            os.environ[f"XDG_{home}_HOME"] = str(folder / home)
        section, slide = samples.sample_section(3), folder / "own slide.png"  # without a scale
        with open_slide(section.slide) as whole:
            Image.fromarray(whole.thumbnail(3000)).save(slide)
        given = (slide, samples.demo_model_path(), moment, name)
        command = [sys.executable, __file__, "--work", *map(str, given)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as window:
            assert window.stdout is not None
            said = any(line.strip() == "now" for line in window.stdout)
            time.sleep(0.05 if moment in (4, 11) else AFTER_S)
            window.send_signal(signal.SIGKILL)
        words = ", ".join(offered(slide)) or "nothing"
        saved = " | the saved folder: " + told(folder / "saved") if moment == 11 else ""
        print(f"| {MOMENTS[moment - 1]} | {words if said else 'the window did not come'}{saved} |")


def told(folder: Path) -> str:
    """Whether a session's folder can be read after the kill."""
    from napari_mclstexp.errors import SessionError
    from napari_mclstexp.session.read_session import read_session

    try:
        return f"whole, {len(read_session(folder).slides)} slide"
    except SessionError as error:
        return f"not yet there ({error})"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", type=int, nargs="*", help="moments, from 1")
    parser.add_argument("--work", nargs=4, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.work:
        slide, model, moment, folder = asked.work
        work(Path(slide), Path(model), int(moment), Path(folder))
    print("| killed when | Restore brings back |\n|---|---|")
    for moment in asked.only or range(1, len(MOMENTS) + 1):
        try_moment(moment)
    return 0


if __name__ == "__main__":
    sys.exit(main())
