"""An hour of random steps in the window, while trainings are started and killed.

    xvfb-run python benchmarks/soak.py --minutes 60

Five slides are open: the sample sections, and two JPEGs without a scale. A line every few minutes
tells memory, threads, open files, widgets and child processes: what grows from line to line leaks.
"""

from __future__ import annotations

import argparse
import gc
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from napari_mclstexp.errors import UserError

LINES = 12  # of the table
WAIT_S = 120.0  # for a search or a run, on a busy machine
LONGEST_TRAINING_S = 40.0


class Soak:
    """A person who never tires."""

    def __init__(self, folder: Path, seed: int) -> None:
        import napari

        from napari_mclstexp.cohort.table import SectionRow, write_rows
        from napari_mclstexp.samples import sample_section
        from napari_mclstexp.training.process import TrainRequest
        from napari_mclstexp.widgets.workspace import workspace_of

        self.folder, self.chance = folder, random.Random(seed)
        self.viewer = napari.Viewer()
        self.viewer.window.add_plugin_dock_widget("napari-mclstexp", "Workbench")
        self.workspace = workspace_of(self.viewer)
        self.session = self.workspace.session
        self.samples = [sample_section(number) for number in (1, 2, 3)]
        rows = [
            SectionRow(f"s{n}", str(n), str(s.slide), str(s.spots))
            for n, s in enumerate(self.samples)
        ]
        write_rows(rows, folder / "cohort.csv")
        self.request = TrainRequest(
            folder / "cohort.csv", folder / "model", hvg=50, preset="paper", epochs=500,
            from_scratch=True, freeze_encoder=True, held_out="s2", more=("--patch-px", "64"),
        )  # fmt: skip
        self.kill_at = 0.0
        self.steps = [self.session.select_next] * 8 + [self.gene, self.style, self.quantity] * 4
        self.steps += [self.region, self.undo, self.redo, self.hide] * 2
        self.steps += [self.delete, self.rename, self.run, self.domains, self.save, self.dock]
        self.steps += [self.grid, self.scale, self.train, self.close_one, self.compare]

    def until(self, true: Callable[[], object], seconds: float = WAIT_S) -> None:
        """Let the window live until something is so."""
        from qtpy.QtTest import QTest

        end = time.monotonic() + seconds
        while not true() and time.monotonic() < end:
            QTest.qWait(5)  # what is to be deleted later is deleted too, as in napari's own loop

    def settle(self) -> None:
        """Wait for what works behind, and let it be drawn."""
        self.until(lambda: not self.workspace.jobs.busy)
        now = time.monotonic()
        self.until(lambda: time.monotonic() > now + 0.05)

    def open_all(self) -> None:
        """Open what is not open."""
        import numpy as np
        from PIL import Image

        photographs = [self.folder / f"a photograph {n}.jpg" for n in (1, 2)]
        for n, path in enumerate(photographs):
            if not path.exists():
                rng = np.random.default_rng(n)
                small = Image.fromarray(rng.integers(90, 230, (150, 180, 3), dtype=np.uint8))
                small.resize((2600 + 900 * n, 2400), Image.Resampling.BILINEAR).save(path)
        there = {each.slide.path for each in self.session.open_slides if each.slide is not None}
        for sample in self.samples:
            if sample.slide not in there:
                self.workspace.open_slide(sample.slide)
                self.settle()
                self.workspace.load_spots(sample.spots)
                self.settle()
        for path in photographs:
            if path not in there:
                self.workspace.open_slide(path)
                self.settle()

    def step(self) -> str:
        """Take one, at random."""
        training = self.workspace.training
        if training.running and time.monotonic() > self.kill_at:
            os.kill(training.process.record.pid, signal.SIGKILL)
            self.until(lambda: not training.running)
            return "a training killed" if not training.running else "a killed training goes on?"
        act = self.chance.choice(self.steps)
        with suppress(UserError):  # what a button says instead: there is no prediction yet, say
            act()
        self.settle()
        return act.__name__

    def gene(self) -> None:
        if self.session.genes:
            self.session.show(gene=self.chance.choice(self.session.genes), show_domains=False)

    def style(self) -> None:
        self.session.show(style=self.chance.choice(("points", "heatmap", "contours")))

    def quantity(self) -> None:
        if self.session.quantities:
            self.session.show(quantity=self.chance.choice(self.session.quantities))

    def compare(self) -> None:
        if len(self.session.genes) > 2:
            self.session.show(compare=tuple(self.chance.sample(list(self.session.genes), 2)))
            self.settle()
            self.session.show(compare=())

    def region(self) -> None:
        from napari_mclstexp.analysis.region import Region

        x, y = self.chance.uniform(100, 900), self.chance.uniform(100, 900)
        ring = ((x, y), (x + 300, y), (x + 300, y + 200), (x, y))
        kept = self.session.annotations.regions[-5:]
        self.session.edit("Draw", regions=(*kept, Region("one", ((ring,),))))

    def undo(self) -> None:
        self.session.undo()

    def redo(self) -> None:
        self.session.redo()

    def hide(self) -> None:
        layer = self.chance.choice(list(self.viewer.layers))
        layer.visible = not layer.visible

    def delete(self) -> None:
        self.viewer.layers.remove(self.chance.choice(list(self.viewer.layers)))

    def rename(self) -> None:
        self.chance.choice(list(self.viewer.layers)).name = "hers"

    def run(self) -> None:
        from napari_mclstexp.samples import demo_model_path

        if self.session.slide.path in {sample.slide for sample in self.samples}:
            self.workspace.load_model(demo_model_path())
            self.settle()
            self.workspace.run("cpu")

    def domains(self) -> None:
        from napari_mclstexp.analysis.domain_settings import DomainSettings

        if self.session.result is not None:
            self.workspace.tasks.find_domains(
                DomainSettings(k=self.chance.randint(2, 5)), "predicted"
            )

    def save(self) -> None:
        self.workspace.tasks.save(self.folder / "a session")

    def dock(self) -> None:
        name = self.chance.choice(("Evidence", "Train", "Cohort", "Domains", "Annotate"))
        dock, _ = self.viewer.window.add_plugin_dock_widget("napari-mclstexp", name)
        self.settle()
        if self.chance.random() < 0.5:
            self.viewer.window.remove_dock_widget(dock)

    def grid(self) -> None:
        from napari_mclstexp.spots import GridSettings

        if self.session.um_per_px is not None:
            self.workspace.lay_grid(GridSettings(self.chance.choice((160, 360)), 120))

    def scale(self) -> None:
        if self.session.slide.um_per_px_source != "file":
            self.session.set_um_per_px(self.chance.choice((0.3, 0.7)))

    def train(self) -> None:
        if not self.workspace.training.running:
            self.workspace.training.start(self.request)
            self.kill_at = time.monotonic() + self.chance.uniform(1, LONGEST_TRAINING_S)

    def close_one(self) -> None:
        self.workspace.close_slide()
        self.settle()
        self.open_all()


def line(minute: float, steps: int) -> str:
    """Tell what this process holds now."""
    import psutil
    from qtpy.QtWidgets import QApplication

    gc.collect()
    me = psutil.Process()
    held = (me.memory_info().rss / 1e6, threading.active_count(), me.num_threads(), me.num_fds())
    widgets, children = len(QApplication.allWidgets()), len(me.children(recursive=True))
    numbers = " | ".join(f"{each:.0f}" for each in (minute, steps, *held, widgets, children))
    return f"| {numbers} |"


def main() -> int:
    """Take steps until the time is over, and look after every one."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mclstexp-soak-") as name:
        folder = Path(name)
        for kind in ("CACHE", "DATA", "LOG"):
            os.environ[f"NAPARI_MCLSTEXP_{kind}"] = str(folder / kind.lower())
        for kind in ("CONFIG", "STATE", "DATA"):
            os.environ[f"XDG_{kind}_HOME"] = str(folder / "home" / kind.lower())

        from napari.utils.notifications import notification_manager

        from napari_mclstexp.widgets.common import dialogs

        dialogs.ask_unsaved = lambda *_: dialogs.DISCARD
        soak = Soak(folder, asked.seed)
        soak.open_all()
        counts: Counter[str] = Counter()
        start = time.monotonic()
        due, steps = 0.0, 0
        print("| minute | steps | MB | Python threads | threads | files | widgets | children |")
        print("|---|---|---|---|---|---|---|---|")
        while (gone := (time.monotonic() - start) / 60) < asked.minutes:
            if gone >= due:
                print(line(gone, steps), flush=True)
                due += asked.minutes / LINES
            try:
                counts[soak.step()] += 1
            except Exception:
                print(f"at step {steps}, of which before: {counts}", file=sys.stderr)
                raise
            steps += 1
        print(line(gone, steps))
        print(", ".join(f"{n} x {name}" for name, n in counts.most_common()))
        told = Counter(note.message for note in notification_manager.records)
        print("\n".join(f"said {n} times: {message}" for message, n in told.most_common(20)))
        training = soak.workspace.training
        if training.running:
            training.process.kill()
        soak.viewer.close()
        print("survived")
    return 0


if __name__ == "__main__":
    sys.exit(main())
