"""How long the window stands still while a pathologist works: the ten longest stalls of a journey.

    python benchmarks/window_stalls.py                 the sample, and real sections where there are
    python benchmarks/window_stalls.py --stacks        with what the window was doing meanwhile

A stall is the time in which no event is handled: she presses a key and nothing happens. It is
counted in seconds that the window's thread computed, which other programs on the machine do not
lengthen. Where there is no screen, OpenGL is computed by the processor: that part is told apart.
"""

from __future__ import annotations

import argparse
import collections
import os
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

SCRATCH = tempfile.TemporaryDirectory(prefix="stalls-")
for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
    os.environ[name] = str(Path(SCRATCH.name) / name)

import napari  # noqa: E402
import numpy as np  # noqa: E402
from findings import Finding, found  # noqa: E402
from qtpy.QtCore import QTimer  # noqa: E402
from qtpy.QtWidgets import QApplication  # noqa: E402

REAL = Path(__file__).resolve().parents[2] / "shared" / "data" / "her2st"
BEAT_MS, LONG_S, SAMPLE_S, PATIENCE_S = 5, 0.05, 0.02, 300.0
GOAL_S = 0.2
OURS, DEEP = {"site-packages", "napari_mclstexp"}, 9  # files, and calls, that are worth a word
DRAWING = ("_gl2.py", "_pyopengl2.py", "glir.py", "context.py", "wrapper.py", "latebind.py")


@dataclass
class Stall:
    step: str
    clock: float
    computed: float
    stacks: list[str] = field(default_factory=list)

    @property
    def where(self) -> str:
        """The stack that was seen most often."""
        counted = collections.Counter(self.stacks).most_common(1)
        return counted[0][0] if counted else "?"

    @property
    def drawing(self) -> float:
        """Which share of it went into OpenGL, which a graphics card does elsewhere."""
        drew = sum(stack.startswith(DRAWING) for stack in self.stacks)
        return drew / max(1, len(self.stacks))

    @property
    def own(self) -> float:
        """Seconds computed without drawing."""
        return self.computed * (1 - self.drawing)


def _said(call: traceback.FrameSummary) -> str:
    return f"{Path(call.filename).name}:{call.lineno} {call.name}"


class Watch:
    """Notes every stall of the window's thread, with what it was doing."""

    def __init__(self) -> None:
        self.step, self.stalls = "", []
        self._main = threading.main_thread().ident
        self._beat = (time.perf_counter(), time.thread_time())
        self._stacks: list[str] = []
        self._timer = QTimer()
        self._timer.timeout.connect(self._beaten)
        self._timer.start(BEAT_MS)
        self._over = threading.Event()
        threading.Thread(target=self._look, daemon=True).start()

    def _beaten(self) -> None:
        now, computed = time.perf_counter(), time.thread_time()
        clock, spent = now - self._beat[0], computed - self._beat[1]
        if clock > LONG_S:
            self.stalls.append(Stall(self.step, clock, spent, self._stacks))
        self._stacks, self._beat = [], (now, computed)

    def _look(self) -> None:
        while not self._over.wait(SAMPLE_S):
            if time.perf_counter() - self._beat[0] > LONG_S:
                frame = sys._current_frames().get(self._main)
                seen = traceback.extract_stack(frame)[::-1]
                ours = [each for each in seen if OURS & set(Path(each.filename).parts)]
                self._stacks.append(" < ".join(map(_said, ours[:DEEP])))
                del frame  # it would keep a painter of napari's alive, which ends Qt

    def end(self) -> None:
        self._over.set()
        self._timer.stop()


def until(true: Callable[[], object]) -> None:
    """Let the window work until something holds."""
    end = time.monotonic() + PATIENCE_S
    while not true():
        QApplication.processEvents()
        time.sleep(0.002)
        if time.monotonic() > end:
            raise TimeoutError
    for _ in range(40):  # and what follows from it
        QApplication.processEvents()
        time.sleep(0.004)


def journey(viewer: napari.Viewer, watch: Watch) -> None:
    from napari_mclstexp.analysis.domain_settings import DomainSettings
    from napari_mclstexp.scripting import exports
    from napari_mclstexp.widgets.workspace import workspace_of

    def do(name: str, act: Callable[[], object], done: Callable[[], object] = lambda: True) -> None:
        watch.step = name
        print(name, flush=True)
        QTimer.singleShot(0, act)
        flag: list[bool] = []
        QTimer.singleShot(1, lambda: flag.append(True))
        until(lambda: flag and not workspace_of(viewer).jobs.busy and done())

    window = viewer.window
    workspace = workspace_of(viewer)
    session, tasks = workspace.session, workspace.tasks
    folder = Path(SCRATCH.name)

    def dock(name: str) -> object:
        return window.add_plugin_dock_widget("napari-mclstexp", name)[1]

    do("Open the Workbench", lambda: dock("Workbench"))
    do("Open Sample", lambda: viewer.open_sample("napari-mclstexp", "sample_section"),
       lambda: session.slide is not None and session.spots is not None)  # fmt: skip
    do("Load the model", lambda: None, lambda: session.model is not None)
    do("Run", lambda: workspace.run("cpu"),
       lambda: session.result is not None and session.result.complete)  # fmt: skip
    look(do, session)
    do("Evidence", lambda: dock("Evidence"))
    evidence = dock("Evidence")
    x, y = np.asarray(session.spots.obsm["spatial"])[100] * session.um_per_px
    do("Click a spot", lambda: evidence.choose(y, x), lambda: evidence.retrieved)
    do("Find domains", lambda: tasks.find_domains(DomainSettings(), "predicted"),
       lambda: session.annotations.domains is not None)  # fmt: skip
    do("Turn domains into regions", tasks.domains_to_regions,
       lambda: session.annotations.regions)  # fmt: skip
    do("Undo", session.undo)
    do("Redo", session.redo)
    for kind in ("figure", "regions", "report", "h5ad", "steps"):

        def write(kind: str = kind) -> None:
            path = exports.with_suffix(folder / kind, kind)
            workspace.jobs.load(f"Saving {kind}", lambda: exports.writer(session, kind)(path),
                                lambda _: None)  # fmt: skip

        do(f"Export {kind}", write)
    do("Save the session", lambda: tasks.save(folder / "session"),
       lambda: tasks.folder is not None)  # fmt: skip
    if REAL.is_dir():
        real(do, session, workspace)
    do("Close the slide", workspace.close_slide)
    do("Open the session", lambda: tasks.open(folder / "session"),
       lambda: session.annotations.regions)  # fmt: skip


def look(do: Callable[..., None], session: object) -> None:
    genes = session.genes
    for number, gene in enumerate(genes[1:4], start=1):
        do(f"Another gene, {number}", lambda gene=gene: session.show(gene=gene))
    do("Heatmap, first", lambda: session.show(style="heatmap"))
    do("Heatmap, another gene", lambda: session.show(gene=genes[5]))
    do("Contours", lambda: session.show(style="contours"))
    do("Points", lambda: session.show(style="points"))
    for quantity in ("beside", "swipe", "difference", "spread", "predicted"):
        do(f"Show {quantity}", lambda quantity=quantity: session.show(quantity=quantity))
    do("Compare three genes", lambda: session.show(compare=genes[1:4]))
    do("One gene again", lambda: session.show(compare=()))
    do("Blend two genes", lambda: session.show(blend=genes[1:2]))
    do("One gene alone", lambda: session.show(blend=()))


def real(do: Callable[..., None], session: object, workspace: object) -> None:
    slide = next((REAL / "images" / "C5").glob("*.jpg"))
    before = session.shown
    do("Open a JPEG", lambda: workspace.open_slide(slide), lambda: session.shown is not before)
    do("State its scale", lambda: session.set_um_per_px(0.73))
    do("Load its spots", lambda: workspace.load_spots(
        REAL / "spotfiles" / "C5_selection.tsv", next((REAL / "counts").glob("C5*"))),
       lambda: session.spots is not None)  # fmt: skip
    look(do, session)
    do("The sample again", session.select_next)
    do("The JPEG again", session.select_next)
    do("Close the JPEG", workspace.close_slide, lambda: session.shown is before)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stacks", action="store_true", help="what the window was doing")
    asked = parser.parse_args()
    from napari_mclstexp.widgets.common import dialogs

    dialogs.ask_unsaved = lambda *_: dialogs.DISCARD
    viewer = napari.Viewer()
    viewer.window._qt_window.resize(1366, 768)
    QApplication.processEvents()
    watch = Watch()
    journey(viewer, watch)
    watch.end()
    viewer.close()
    longest = sorted(watch.stalls, key=lambda each: -each.own)[:10]
    for number, each in enumerate(longest, start=1):
        against = f"and {(each.computed - each.own) * 1000:.0f} ms of drawing by the processor"
        found(Finding("Longest stalls of the window", f"{number}. {each.step}",
                      each.own * 1000, "ms", against))  # fmt: skip
        if asked.stacks:
            print("      ", each.where)
    over = sum(each.own > GOAL_S for each in watch.stalls)
    print(f"{over} of {len(watch.stalls)} stalls are over {GOAL_S * 1000:.0f} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())
