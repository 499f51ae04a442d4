"""A session saved to a folder comes back whole, or says in a sentence why not."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest

from napari_mclstexp.analysis.domain_map import map_of
from napari_mclstexp.analysis.domain_settings import DomainSettings
from napari_mclstexp.analysis.domains import Domains
from napari_mclstexp.analysis.signatures import Signature, read_gmt
from napari_mclstexp.errors import OutputError, SessionError, UserError
from napari_mclstexp.session.read_session import read_session
from napari_mclstexp.session.session import Session
from napari_mclstexp.session.session_json import FILE
from napari_mclstexp.session.write_session import save_session
from napari_mclstexp.slides import open_slide
from support.places import TESTS
from support.session_kit import (
    GENES,
    make_model,
    make_spots,
    prediction_of,
    region,
    write_slide,
)


def domains(n=64):
    labels = np.array(["1", "2"] * (n // 2))
    found = map_of(
        Domains(labels, 2, "As asked for.", np.zeros((n, 1))), DomainSettings(2), "measured"
    )
    return found.renamed("1", "Stroma")


@pytest.fixture
def session(tmp_path):
    session = Session()
    session.use_slide(open_slide(write_slide(tmp_path)))
    session.use_spots(make_spots())
    session.use_model(make_model())
    run = session.runs.start()
    session.runs.finish(run, prediction_of(run))
    child = region("Nest", locked=True)
    session.edit(
        "Work",
        regions=(region(children=(child,)), region("Fat")),
        domains=domains(),
        signatures=(Signature("Mine", ("FASN", "GNAS", "CD74"), "me"),),
        notes="two lines\nof notes",
    )
    session.show(gene="GNAS", style="heatmap", percentiles=(5.0, 90.0), limits=(0.5, 2.0))
    yield session
    session.close_slide()


@pytest.fixture
def saved(session, tmp_path):
    return save_session(session, tmp_path / "saved")


def restored(folder, slide=None):
    saved = read_session(folder)
    again = Session()
    found = slide or saved.find(saved.slides[0])
    saved.enter(again, [open_slide(found) if found else None])
    return again


def test_everything_comes_back(session, saved):
    again = restored(saved)
    assert again.slide.path == session.slide.path
    assert again.annotations.regions == session.annotations.regions
    assert again.annotations.notes == session.annotations.notes
    assert again.annotations.signatures == session.annotations.signatures
    assert again.annotations.domains.names == session.annotations.domains.names
    assert again.annotations.domains.colours == session.annotations.domains.colours
    assert again.annotations.domains.labels.tolist() == session.annotations.domains.labels.tolist()
    assert again.display == session.display
    assert again.result.genes == session.result.genes
    np.testing.assert_array_equal(again.result.expression, session.result.expression)
    assert again.expression.counts.genes == session.expression.counts.genes
    assert not again.shown.history.undoable
    again.close_slide()


def test_a_slide_that_moved_is_found_beside_the_session_and_known_by_its_checksum(
    session, saved, tmp_path
):
    session.close_slide()
    old = tmp_path / "a.png"
    (tmp_path / "else").mkdir()
    moved = old.rename(tmp_path / "else" / "renamed.png")
    assert read_session(saved).find(read_session(saved).slides[0]) is None
    again = restored(saved, moved)
    assert again.slide.path == moved
    again.close_slide()
    other = write_slide(tmp_path / "else", "other.png", shade=90)
    kept = Session()
    kept.use_spots(make_spots())
    with open_slide(other) as slide, pytest.raises(SessionError, match="not the slide"):
        read_session(saved).enter(kept, [slide])
    assert kept.spots is not None


@pytest.fixture
def two(session, tmp_path):
    """A session of two slides, of which the first is shown."""
    first = session.shown
    session.use_slide(open_slide(write_slide(tmp_path, "b.png", shade=90)))
    session.use_spots(make_spots(counts=False)[:20].copy())
    session.edit("Work", notes="of the second", regions=(region("Elsewhere"),))
    session.select(first)
    yield session
    while session.slide is not None:
        session.close_slide()


def opened_again(folder, into=None):
    saved, again = read_session(folder), into or Session()
    saved.enter(again, [open_slide(saved.find(each)) for each in saved.slides])
    return again


def close_all(session):
    while session.slide is not None:
        session.close_slide()


def test_all_open_slides_come_back_and_the_same_one_is_shown(two, tmp_path):
    second = two.open_slides[1]
    again = opened_again(save_session(two, tmp_path / "saved"))
    assert [each.name for each in again.open_slides] == ["a.png", "b.png"]
    assert again.shown is again.open_slides[0]
    assert again.result.genes == two.result.genes
    assert again.display == two.display
    later = again.open_slides[1]
    assert later.annotations.notes == "of the second"
    assert later.annotations.regions == second.annotations.regions
    assert later.spots.obs_names.tolist() == second.spots.obs_names.tolist()
    assert not later.unsaved
    assert {each.folder for each in again.open_slides} == {tmp_path / "saved"}
    again.select(later)
    again.select_next()
    assert again.result is not None
    close_all(again)


def test_a_saved_slide_takes_the_place_of_the_same_one_and_leaves_others_open(two, tmp_path):
    folder = save_session(two, tmp_path / "saved")
    two.close_slide(two.open_slides[1])
    two.edit("Work", notes="not saved")
    two.use_slide(open_slide(write_slide(tmp_path, "c.png", shade=60)))
    kept = two.shown
    opened_again(folder, two)
    assert [each.name for each in two.open_slides] == ["c.png", "a.png", "b.png"]
    assert two.open_slides[0] is kept
    assert (two.slide.path.name, two.annotations.notes) == ("a.png", "two lines\nof notes")


def test_of_several_slides_one_that_is_another_refuses_all(two, tmp_path):
    saved = read_session(save_session(two, tmp_path / "saved"))
    other = open_slide(write_slide(tmp_path, "c.png", shade=60))
    kept = Session()
    first = open_slide(saved.find(saved.slides[0]))
    refused = pytest.raises(SessionError, match=r"c\.png is not the slide .* called b\.png")
    with other, first, refused:
        saved.enter(kept, [first, other])
    assert [each.bare for each in kept.open_slides] == [True]


def test_a_folder_of_version_1_still_opens_and_is_brought_up_to_date(tmp_path):
    folder = tmp_path / "old"
    shutil.copytree(TESTS / "support" / "session_version_1", folder)
    write_slide(tmp_path)  # beside it, since it is no longer where it was
    again = opened_again(folder)
    assert again.slide.um_per_px == 2.5
    assert again.annotations.notes == "of version 1"
    assert [each.name for each in again.annotations.regions[0].walk()] == ["Tumour", "Nest"]
    assert again.annotations.domains.names["1"] == "Stroma"
    assert again.result.complete
    assert again.expression.counts.genes == (*GENES, "MALAT1")
    assert (again.gene, again.display.style) == ("GNAS", "heatmap")
    save_session(again, folder)
    assert json.loads((folder / FILE).read_text())["version"] == 2
    assert opened_again(folder).annotations.notes == "of version 1"
    close_all(again)


def test_what_a_crash_left_of_the_first_save_is_not_in_the_way(session, tmp_path):
    folder = tmp_path / "saved"
    folder.mkdir()
    (folder / ".spots.12ab34cd.part.h5ad").write_text("half of it")
    save_session(session, folder)
    assert sorted(path.name.partition("-")[0] for path in folder.iterdir()) == [
        "prediction",
        "session.json",
        "spots",
    ]


def test_saving_again_replaces_and_leaves_nothing_behind(session, saved):
    before = {path.name for path in saved.iterdir()}
    session.edit("Notes", notes="other")
    save_session(session, saved)
    assert {path.name for path in saved.iterdir()} == before
    assert restored(saved).annotations.notes == "other"


def test_a_folder_with_other_things_is_not_touched(session, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_text("cat")
    with pytest.raises(OutputError, match="something else"):
        save_session(session, tmp_path / "photos")
    assert [path.name for path in (tmp_path / "photos").iterdir()] == ["cat.jpg"]


def test_an_empty_session_cannot_be_saved(tmp_path):
    with pytest.raises(SessionError, match="Nothing is open"):
        save_session(Session(), tmp_path / "x")
    assert not (tmp_path / "x").exists()


def with_json(change):
    def spoil(folder):
        document = json.loads((folder / FILE).read_text())
        change(document)
        (folder / FILE).write_text(json.dumps(document))

    return spoil


def put(*path_and_value):
    *path, value = path_and_value

    def change(document):
        at = document
        for key in path[:-1]:
            at = at[key]
        at[path[-1]] = value

    return with_json(change)


BAD_SESSIONS = {
    "no file": lambda folder: (folder / FILE).unlink(),
    "not json": lambda folder: (folder / FILE).write_text("{"),
    "binary": lambda folder: (folder / FILE).write_bytes(b"\xff\xfe\x00"),
    "a list": lambda folder: (folder / FILE).write_text("[]"),
    "another kind": put("kind", "cake"),
    "a later version": put("version", 99),
    "no files": with_json(lambda d: d["slides"][0].pop("files")),
    "a file outside": put("slides", 0, "files", "spots", "../a.h5ad"),
    "a file that is gone": put("slides", 0, "files", "spots", "spots-0.h5ad"),
    "style of no kind": put("display", "style", "glitter"),
    "contrast upside down": put("display", "percentiles", [90, 10]),
    "opacity of text": put("display", "opacity", "much"),
    "no work": with_json(lambda d: d["slides"][0].pop("work")),
    "regions of text": put("slides", 0, "work", "regions", "none"),
    "an open ring": put(
        "slides", 0, "work", "regions", "features", 0, "geometry", "coordinates", [[[0, 0], [1, 1]]]
    ),
    "a colour of two": put("slides", 0, "work", "domains", "colours", "1", [1, 2]),
    "a domain without name": with_json(
        lambda d: d["slides"][0]["work"]["domains"]["names"].pop("1")
    ),
    "too few labels": put("slides", 0, "work", "domains", "labels", ["1", "2"]),
    "k of one": put("slides", 0, "work", "domains", "settings", "k", 1),
    "signatures of numbers": put("slides", 0, "work", "signatures", [1]),
    "damaged prediction": lambda folder: next(folder.glob("prediction-*")).write_bytes(b"x"),
    "cut spots": lambda folder: _cut(next(folder.glob("spots-*"))),
}


def _cut(path):
    path.write_bytes(path.read_bytes()[:-100])


@pytest.mark.parametrize("spoil", BAD_SESSIONS.values(), ids=BAD_SESSIONS.keys())
def test_a_bad_session_gets_a_sentence_and_changes_nothing(session, saved, spoil):
    spoil(saved)
    before = {path: path.read_bytes() for path in saved.iterdir()}
    state = (session.annotations, session.display, session.result)
    with pytest.raises(UserError) as caught:
        read_session(saved).enter(session, [session.slide])
    assert str(saved) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert (session.annotations, session.display, session.result) == state
    assert {path: path.read_bytes() for path in saved.iterdir()} == before


BAD_GMT = {
    "missing": None,
    "empty": b"",
    "binary": b"\x89PNG\xff\xfe\x00",
    "no tabs": b"NAME CD19 CD79A",
    "no genes": b"NAME\tfrom\n",
    "no name": b"\tfrom\tCD19\n",
    "twice": b"A\tx\tCD19\nA\ty\tCD79A\n",
    "only comments": b"# nothing\n",
}


@pytest.mark.parametrize("content", BAD_GMT.values(), ids=BAD_GMT.keys())
def test_a_bad_gmt_gets_a_sentence(tmp_path, content):
    path = tmp_path / "sets.gmt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        read_gmt(path)
    assert str(path) in str(caught.value)


# -- crashes ---------------------------------------------------------------------------------------

SAVER = """
    import sys
    from pathlib import Path
    sys.path.insert(0, {tests!r})
    from support.session_kit import make_spots
    from napari_mclstexp.session.session import Session
    from napari_mclstexp.session.write_session import save_session
    session = Session()
    session.use_spots(make_spots())
    number = 0
    while True:
        number += 1
        session.spots.obs["turn"] = number
        session.edit("Notes", notes=str(number))
        save_session(session, Path({folder!r}))
        print(number, flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("wait", [0.0, 0.003, 0.007, 0.013, 0.02])
def test_kill_in_the_middle_of_saving_leaves_the_last_whole_session(tmp_path, wait):
    folder = tmp_path / "session"
    code = SAVER.format(tests=str(TESTS), folder=str(folder))
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True
    ) as process:
        done = [int(process.stdout.readline()) for _ in range(3)]
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        done += [int(line) for line in process.stdout.read().split()]
    (again,) = read_session(folder).slides
    assert int(again.annotations.notes) in (done[-1], done[-1] + 1)
    assert again.spots.obs["turn"].iloc[0] == int(again.annotations.notes)
