"""What was done to a slide is kept step by step, and done again from a script or a notebook."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from napari_mclstexp.analysis.domain_settings import DomainSettings
from napari_mclstexp.analysis.region import Region
from napari_mclstexp.analysis.signatures import Signature
from napari_mclstexp.errors import SettingsError
from napari_mclstexp.scripting import actions
from napari_mclstexp.scripting.exports import export
from napari_mclstexp.scripting.steps_as_code import cells, script, write_steps
from napari_mclstexp.session.read_session import read_session
from napari_mclstexp.session.session import Session
from napari_mclstexp.session.steps import Step
from napari_mclstexp.session.write_session import save_session
from napari_mclstexp.slides import open_slide
from napari_mclstexp.spots import GridSettings
from support import widget_kit as kit
from support.session_kit import SQUARE

RING = ((400.0, 300.0), (900.0, 300.0), (900.0, 800.0), (400.0, 300.0))


def actions_of(session):
    return [step.action for step in session.shown.steps]


@pytest.fixture
def worked(slide_file, tiny_model):
    """A slide on which much was done, some of it taken back."""
    session = Session()
    actions.open_slide(session, slide_file)
    actions.lay_grid(session, GridSettings(pitch_um=80, layout="square"))
    actions.predict(session, tiny_model, device="cpu")
    actions.find_domains(session, DomainSettings(k=3, smoothing=0.5))
    actions.find_domains(session, DomainSettings(k=2))
    session.undo()
    names = dict(session.annotations.domains.names)
    session.edit(
        "Rename a domain",
        domains=replace(session.annotations.domains, names={**names, "1": 'The "rest"'}),
    )
    tumour = Region('Tumour """ and more', ((RING,),), (1, 2, 3))
    session.edit("Draw a region", regions=(tumour,))
    session.edit("Draw a region", regions=(tumour, Region("Fold", ((SQUARE,),))))
    session.edit("Lock a region", regions=(replace(tumour, locked=True),))
    actions.compare_regions(session, tumour.id)
    session.edit("Write notes", notes="A fold at the left.\nLook again.")
    session.edit("Add a signature", signatures=(Signature("Both", kit.GENES[:3], "ours"),))
    yield session
    session.close_slide()


def test_only_what_was_not_taken_back_is_a_step_and_edits_of_regions_are_one(worked):
    steps = worked.shown.steps
    assert [step.action for step in steps] == [
        *("open_slide", "lay_grid", "predict", "find_domains", "name_domains"),
        *("set_regions", "compare_regions", "write_notes", "set_signatures"),
    ]
    assert steps[3].arguments["settings"]["k"] == 3
    assert steps[5].what == "Draw a region, Lock a region"
    worked.undo()
    worked.undo()
    worked.redo()
    assert actions_of(worked)[-1] == "write_notes"


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".py", ".ipynb"])
def test_the_steps_give_the_same_domains_regions_and_figure_without_a_window(
    worked, tmp_path, suffix
):
    worked.show(gene=kit.GENES[1], style="points", percentiles=(2.0, 98.0))
    export(worked, "figure", tmp_path / "gene.png")
    worked.show(show_domains=True)
    for kind, name in (("figure", "domains.png"), ("regions", "r"), ("table", "spots.csv")):
        export(worked, kind, tmp_path / name)
    steps = export(worked, "steps", tmp_path / f"steps{suffix}")
    code = steps.read_text(encoding="utf-8")
    if suffix == ".ipynb":
        found = [each for each in json.loads(code)["cells"] if each["cell_type"] == "code"]
        code = "\n".join("".join(each["source"]) for each in found)
    (tmp_path / "run.py").write_text(code, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "run.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (again,) = tmp_path.glob("*_steps")
    assert sorted(path.name for path in again.iterdir()) == [
        *("domains.png", "gene.png", "r.geojson", "spots.csv"),
    ]
    assert (again / "r.geojson").read_bytes() == (tmp_path / "r.geojson").read_bytes()
    now, then = (pd.read_csv(folder / "spots.csv", index_col=0) for folder in (again, tmp_path))
    # The last digits may differ: torch adds up otherwise in a process that has computed before.
    pd.testing.assert_frame_equal(now, then, rtol=1e-5)  # the domain of each spot is a column
    for name in ("gene.png", "domains.png"):
        now, then = (np.asarray(Image.open(folder / name)) for folder in (again, tmp_path))
        assert now.shape == then.shape
        assert np.abs(now.astype(int) - then).max() <= 1
    gene, domains = (np.asarray(Image.open(again / f"{name}.png")) for name in ("gene", "domains"))
    assert gene.shape != domains.shape or not np.array_equal(gene, domains)


def test_a_saved_session_keeps_its_steps_and_goes_on_with_them(worked, tmp_path):
    before = worked.shown.steps
    save_session(worked, tmp_path / "saved")
    saved = read_session(tmp_path / "saved")
    session = Session()
    saved.enter(session, [open_slide(saved.slides[0].path)])
    assert session.shown.steps == before
    session.edit("Write notes", notes="Seen again.")
    assert actions_of(session) == [*(step.action for step in before), "write_notes"]
    session.close_slide()


def test_a_map_of_similar_places_is_a_step_that_can_be_done_again_and_is_saved(worked, tmp_path):
    region = worked.annotations.regions[0].id
    actions.find_similar(worked, "expression", region=region, most=3)
    (name,) = worked.expression.similarities
    assert worked.gene == name
    (values,) = worked.expression.similarity_maps.values()
    assert values.max() > 0.5 > values.min()
    step = worked.shown.steps[-1]
    assert step.action == "find_similar"

    save_session(worked, tmp_path / "saved")
    saved = read_session(tmp_path / "saved")
    session = Session()
    saved.enter(session, [open_slide(saved.slides[0].path)])
    assert session.gene == name
    np.testing.assert_allclose(session.expression.similarity_maps[name], values, atol=1e-4)

    session.expression.take_similarity(name, 0 * values)
    ((_, code),) = cells([step])
    exec(code, {"actions": actions, "session": session})
    np.testing.assert_allclose(session.expression.similarity_maps[name], values, atol=1e-6)
    session.close_slide()


def test_a_session_of_an_older_version_tells_what_it_has(worked, tmp_path):
    folder = save_session(worked, tmp_path / "saved")
    document = json.loads((folder / "session.json").read_text(encoding="utf-8"))
    del document["slides"][0]["steps"]
    (folder / "session.json").write_text(json.dumps(document), encoding="utf-8")
    saved = read_session(folder)
    session = Session()
    saved.enter(session, [open_slide(saved.slides[0].path)])
    assert {"open_slide", "lay_grid", "find_domains", "name_domains", "set_regions"} <= set(
        actions_of(session)
    )
    session.close_slide()


@pytest.mark.parametrize(
    "hostile",
    [
        Step("show", {"gene": '"); import os; os.abort() #'}),
        Step("open_slide", {"path": "a'); raise SystemExit(3) #.svs"}),
        Step("write_notes", {"notes": "n"}, what="fine\nraise SystemExit(3)\n"),
        Step("export", {"kind": "figure')\nraise SystemExit(3)#", "path": "../../x\n.png"}),
    ],
)
def test_what_a_session_says_is_never_run(hostile):
    text = script('x"""\nraise SystemExit(3)\n"""', [hostile])
    calls = compile(text, "steps.py", "exec")
    assert "abort" not in calls.co_names
    assert "SystemExit" not in calls.co_names


def test_an_argument_that_no_name_can_be_is_refused():
    with pytest.raises(SettingsError, match="no step has"):
        list(cells([Step("write_notes", {"notes=1); print(": 1})]))


def test_nothing_done_is_said(tmp_path):
    with pytest.raises(SettingsError, match="open a slide first"):
        write_steps("a.svs", (), tmp_path / "steps.py")
    assert not list(tmp_path.iterdir())
