"""Two open slides, two models, all docks, random steps: what is shown is what is selected.

RANDOM_STEPS=1000 in the environment walks on for longer.
"""

from __future__ import annotations

import ctypes
import gc
import os
import random
import sys

import numpy as np
import psutil
import pytest

from napari_mclstexp.analysis.domain_settings import DomainSettings
from napari_mclstexp.analysis.region import Region
from napari_mclstexp.inference.predict import predict
from napari_mclstexp.model import load_model
from napari_mclstexp.scene.resolve import scene
from napari_mclstexp.session.next_step import DOCKS
from napari_mclstexp.slides import open_slide
from napari_mclstexp.spots import find_tissue
from napari_mclstexp.spots.readers.choose import read_spots
from support import widget_kit as kit

STEPS = int(os.environ.get("RANDOM_STEPS", "250"))
SETTLED = 120  # steps until caches and allocator are warm
GROWTH = 0.05


@pytest.fixture
def bench(viewer):
    """The docks of the workbench, by name."""
    return {n: viewer.window.add_plugin_dock_widget("napari-mclstexp", n)[1] for n in DOCKS}


@pytest.fixture
def world(tmp_path, tiny_model, spots_file):
    """Two slides, two models, and the four predictions that they make."""
    paths = [kit.write_slide(tmp_path / f"{name}.ome.tif") for name in ("one", "two")]
    other = kit.write_model(tmp_path / "other", seed=5)
    models = [load_model(folder) for folder in (tiny_model, other)]
    assert models[0].id != models[1].id
    spots, predictions, tissues = read_spots(spots_file), {}, []
    for s, path in enumerate(paths):
        with open_slide(path) as slide:
            tissues.append(find_tissue(slide))
        for m, model in enumerate(models):
            with open_slide(path) as slide:
                predictions[s, m] = predict(slide, spots, model, device="cpu")
    return paths, models, predictions, tissues


class Person:
    """Does at random what a person can do, and knows what must be shown then."""

    def __init__(self, bench, world, seed, qtbot):
        self.qtbot = qtbot
        self.random = random.Random(seed)
        self.docks = bench
        self.workspace = bench["Predict"].workspace
        self.session = self.workspace.session
        self.paths, self.models, self.predictions, self.tissues = world
        self.made = {}  # of each open slide, in order: the models whose results it has
        self.slide = self.model = None

    def step(self):
        open_steps = [self.open_one]
        if self.slide is not None:
            open_steps += [self.close, self.spots] + [self.draw, self.undo, self.redo] * 3
        if len(self.made) == 2:
            open_steps += [self.switch] * 12 + [self.find_domains_and_leave]
        if self.session.spots is not None:
            open_steps += [self.result] * 2 + [self.gene, self.style, self.quantity] * 5
        if self.session.result is not None:
            open_steps += [self.choose_model] * 4 + [self.domains] * 2
        step = self.random.choice(open_steps)
        step()
        return step.__name__

    def open_one(self):
        self.slide = self.random.choice((0, 1))
        new = self.slide not in self.made
        # As the window does it: the tissue is found by a worker.
        self.session.use_slide(open_slide(self.paths[self.slide]), self.tissues[self.slide])
        if new:
            self.made[self.slide] = set()
            self.result()

    def switch(self):
        chooser = self.docks["Slide and spots"].slide.chooser
        self.slide = 1 - self.slide
        chooser.activated.emit(list(self.made).index(self.slide))

    def close(self):
        order = list(self.made)
        place = order.index(self.slide)
        self.session.close_slide()
        del self.made[self.slide]
        left = list(self.made)
        self.slide = left[max(place - 1, 0)] if left else None

    def close_all(self):
        while self.slide is not None:
            self.close()

    def spots(self):
        self.session.use_spots(kit.spots())
        self.made[self.slide] = set()

    def result(self):
        if self.slide is not None:
            self.model = self.random.choice((0, 1))
            self.session.use_model(self.models[self.model])
            prediction = self.predictions[self.slide, self.model]
            if self.session.spots is None or self.random.random() < 0.3:
                self.session.use_prediction(prediction)
                self.made[self.slide] = {self.model}
            else:
                self.session.take_result(prediction)
                self.made[self.slide].add(self.model)

    def choose_model(self):
        self.model = self.random.choice((0, 1))
        self.session.use_model(self.models[self.model])

    def gene(self):
        if self.session.genes:
            self.session.show(gene=self.random.choice(self.session.genes), show_domains=False)

    def style(self):
        self.session.show(style=self.random.choice(("points", "heatmap", "contours")))

    def quantity(self):
        if self.session.quantities:
            self.session.show(quantity=self.random.choice(self.session.quantities))

    def compare(self):
        kept = tuple(self.random.sample(kit.GENES, self.random.randint(1, 3)))
        self.session.show(compare=kept, quantity="predicted")
        self.check(self.workspace.layers.viewer)
        self.session.show(compare=())

    def domains(self):
        found = self.docks["Domains"]
        self.workspace.tasks.find_domains(DomainSettings(k=self.random.randint(2, 4)), "predicted")
        found.shown.click()

    def find_domains_and_leave(self):
        if self.session.result is None:
            return
        opened = self.session.shown
        self.workspace.tasks.find_domains(DomainSettings(k=2), "predicted")
        self.switch()
        self.qtbot.waitUntil(lambda: not self.workspace.jobs.busy, timeout=20_000)
        assert opened.history.undoable == "Find domains"

    def draw(self):
        x, y = self.random.randint(200, 600), self.random.randint(200, 600)
        ring = ((x, y), (x + 90, y), (x + 90, y + 90), (x, y + 90), (x, y))
        region = Region(f"of {self.slide}", ((tuple((float(a), float(b)) for a, b in ring),),))
        self.session.edit("Draw", regions=(*self.session.annotations.regions, region))

    def undo(self):
        self.session.undo()

    def redo(self):
        self.session.redo()

    def check(self, viewer):
        session, layers = self.session, self.workspace.layers
        drawn = scene(session)
        assert self.workspace.scene == drawn
        assert (session.slide is None) == (self.slide is None)
        ours = list(viewer.layers)
        assert [opened.slide.path for opened in session.open_slides if opened.slide] == [
            self.paths[each] for each in self.made
        ]
        if self.slide is None:
            assert session.result is None
            assert session.annotations.domains is None
            assert session.annotations.regions == ()
            assert [layer for layer in ours if layer is layers["slide"]] == []
            return
        assert session.slide.path == self.paths[self.slide]
        assert layers["slide"].name == self.paths[self.slide].name
        chooser = self.docks["Slide and spots"].slide.chooser
        assert chooser.currentText() == self.paths[self.slide].name
        assert chooser.isVisibleTo(chooser.parent()) == (len(self.made) == 2)
        assert {each.name for each in session.annotations.regions} <= {f"of {self.slide}"}
        assert (session.result is not None) == (self.model in self.made[self.slide])
        if session.result is not None:
            expected = self.predictions[self.slide, self.model]
            assert session.result.model_id == self.models[self.model].id
            np.testing.assert_array_equal(session.result.expression, expected.X)
        points = layers["predicted"]
        simple = drawn.predicted is not None and hasattr(drawn.predicted, "values")
        if simple and session.shown_quantity == "predicted":
            expected = self.predictions[self.slide, self.model]
            column = list(expected.var_names).index(session.gene)
            shown = points.features["expression"].to_numpy()
            np.testing.assert_array_equal(shown, expected.X[:, column])
        if drawn.domains is not None:
            names = session.annotations.domains.spot_names.tolist()
            assert layers["domains"].features["domain"].tolist() == names
        if drawn.regions is not None and session.annotations.regions:
            ids = [each.id for each in session.annotations.regions]
            assert layers.regions.layer.features["id"].tolist() == ids
        n = sum(each is not None for each in (drawn.slide, drawn.slide_beside, drawn.predicted,
                drawn.measured, drawn.domains, drawn.regions))  # fmt: skip
        n += 2 * len(drawn.compared) + (drawn.spots is not None and drawn.spots.visible)
        assert len(ours) == n


def test_what_is_shown_belongs_to_what_is_selected(viewer, bench, world, qtbot):
    person = Person(bench, world, 20261124, qtbot)
    process, sizes, done = psutil.Process(), {}, {}
    callbacks = []
    for number in range(STEPS):
        name = person.step()
        done[name] = done.get(name, 0) + 1
        qtbot.waitUntil(lambda: not person.workspace.jobs.busy, timeout=20_000)
        person.check(viewer)
        if number % 50 == 0:
            name = person.random.choice(DOCKS)
            kit.bring_to_front(bench[name])
        if number + 1 in (SETTLED, STEPS):
            person.close_all()
            qtbot.wait(200)
            gc.collect()
            if sys.platform == "linux":  # what was freed but not given back is no leak
                ctypes.CDLL(None).malloc_trim(0)
            sizes[number + 1] = process.memory_info().rss
            callbacks.append(len(viewer.layers.events.removed.callbacks))
            assert len(viewer.layers) == 0
    growth = sizes[STEPS] / sizes[SETTLED] - 1
    print(f"\n{STEPS} steps {done}; memory {growth:+.1%} from step {SETTLED} on")
    assert growth < GROWTH
    assert callbacks[0] == callbacks[1]
    assert len(kit.our_threads()) == 0


def test_genes_in_linked_views_belong_to_what_is_selected(viewer, bench, world, qtbot):
    # Apart from the long walk: napari's grid of views keeps memory for each view ever opened.
    person = Person(bench, world, 7, qtbot)
    for _ in range(3):
        person.close_all()
        person.open_one()
        person.compare()
        qtbot.waitUntil(lambda: not person.workspace.jobs.busy, timeout=20_000)
        person.check(viewer)
    person.close_all()
    assert len(viewer.layers) == 0
    assert not viewer.canvas.grid.enabled
