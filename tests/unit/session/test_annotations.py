"""Every step of a person's work can be undone, and regions are edited as trees."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_mclstexp.analysis.domain_map import PALETTE, dot_table, map_of
from napari_mclstexp.analysis.domain_settings import DomainSettings
from napari_mclstexp.analysis.domains import Domains
from napari_mclstexp.analysis.gene_summary import gene_facts, trust_word
from napari_mclstexp.analysis.region import Region
from napari_mclstexp.analysis.region_edits import (
    changed,
    find,
    flat,
    merged,
    nested,
    painted,
    removed,
)
from napari_mclstexp.errors import SettingsError
from napari_mclstexp.session.history import UndoHistory
from napari_mclstexp.session.session import Session


def box(name, x, y, side, **more):
    ring = ((x, y), (x + side, y), (x + side, y + side), (x, y + side), (x, y))
    return Region(name, ((tuple((float(a), float(b)) for a, b in ring),),), **more)


def found(labels):
    labels = np.array(labels)
    return Domains(labels, len(set(labels)), "reason", np.zeros((len(labels), 1)))


@pytest.fixture
def session():
    return Session()


def test_steps_go_back_and_forth_and_a_new_one_ends_the_way_forward(session):
    told = []
    session.annotations_changed.connect(lambda opened: told.append(opened.annotations.notes))
    session.edit("first", notes="1")
    session.edit("second", notes="2")
    assert session.shown.history.undoable == "second"
    session.undo()
    assert (session.annotations.notes, session.shown.history.redoable) == ("1", "second")
    session.redo()
    assert session.annotations.notes == "2"
    session.undo()
    session.edit("third", notes="3")
    assert not session.shown.history.redoable
    session.undo()
    session.undo()
    session.undo()  # nothing is left
    assert session.annotations.notes == ""
    assert told == ["1", "2", "1", "2", "1", "3", "1", ""]


def test_steps_that_were_left_are_gone_on_with():
    left = UndoHistory().edited("first", notes="1").edited("second", notes="2").undone()
    assert (left.present.notes, left.undoable, left.redoable) == ("1", "first", "second")
    later = left.edited("meanwhile", notes="3")
    assert (later.present.notes, later.undoable, later.redoable) == ("3", "meanwhile", "")
    assert (later.undone().present.notes, later.undone().undoable) == ("1", "first")
    assert (left.present.notes, left.redoable) == ("1", "second")  # a value stays what it is


def test_an_edit_that_changes_nothing_is_no_step_and_leaves_redo_alone(session):
    session.edit("Draw a region", regions=(box("one", 0, 0, 10),))
    session.edit("Notes", notes="2")
    session.undo()
    told = []
    session.annotations_changed.connect(told.append)
    same = tuple(replace(each) for each in session.annotations.regions)
    session.edit("Remove a region", regions=same, notes="")
    assert (session.shown.history.undoable, session.shown.history.redoable) == (
        "Draw a region",
        "Notes",
    )
    assert told == []


def test_domains_of_spots_that_are_gone_do_not_come_back_by_undo():
    domains = map_of(found(["1", "2"]), DomainSettings(2), "predicted")
    history = UndoHistory().edited("Find", domains=domains).edited("Notes", notes="x")
    assert history.undone().present.domains is domains
    assert history.without_spots().undone().present.domains is None


def test_removing_a_region_moves_what_is_in_it_up():
    inner, outer = box("inner", 2, 2, 2), box("outer", 0, 0, 10)
    tree = changed((outer,), replace(outer, children=(inner,)))
    assert [each.name for each in flat(tree)] == ["outer", "inner"]
    assert removed(tree, [outer.id]) == (inner,)
    with pytest.raises(SettingsError, match="no longer there"):
        find(removed(tree, [outer.id]), outer.id)


def test_nesting_puts_each_region_into_the_smallest_around_it():
    small, middle, large = box("s", 4, 4, 2), box("m", 3, 3, 5), box("l", 0, 0, 20)
    apart = box("a", 50, 50, 3)
    (top, other) = nested((small, apart, large, middle))
    assert {top.name, other.name} == {"l", "a"}
    top = top if top.name == "l" else other
    assert top.children[0].name == "m"
    assert top.children[0].children[0].name == "s"
    assert nested(nested((small, apart, large, middle))) == nested((small, apart, large, middle))


def test_merging_makes_one_region_of_the_area_of_both():
    one, two = box("one", 0, 0, 10), box("two", 5, 0, 10)
    (only,) = merged((one, two), [one.id, two.id])
    assert (only.name, only.id) == ("one", one.id)
    assert only.shape().area == pytest.approx(150)
    with pytest.raises(SettingsError, match="two or more"):
        merged((one, two), [one.id])


def test_a_painted_ring_keeps_its_hole_and_its_place():
    mask = np.zeros((40, 60), dtype=bool)
    mask[10:30, 20:50] = True
    mask[15:25, 30:40] = False
    region = painted(mask, 4.0)
    shape = region.shape()
    assert shape.area == pytest.approx((20 * 30 - 100) * 16, rel=0.03)
    assert shape.bounds == pytest.approx((80, 40, 200, 120), abs=2)
    assert sum(len(part.interiors) for part in shape.geoms) == 1
    with pytest.raises(SettingsError, match="Nothing was painted"):
        painted(np.zeros((4, 4), bool), 1.0)


def test_names_and_colours_stay_with_their_domains_when_k_changes():
    first = map_of(found(["1"] * 6 + ["2"] * 4), DomainSettings(2), "predicted")
    first = first.renamed("2", "Immune").recoloured("2", (9, 9, 9))
    # Now three domains, and the immune one is called "1" by the clustering.
    second = map_of(found(["2"] * 3 + ["3"] * 3 + ["1"] * 4), DomainSettings(3), "predicted", first)
    assert set(second.spot_names[6:]) == {"Immune"}
    assert second.colours[second.labels[7]] == (9, 9, 9)
    assert len(set(second.names.values())) == 3
    assert first.colours["1"] == PALETTE[0]
    with pytest.raises(SettingsError, match="already"):
        second.renamed(second.labels[0], "Immune")
    with pytest.raises(SettingsError, match="needs a name"):
        second.renamed("1", "  ")


def test_the_dot_table_says_how_high_and_how_common():
    labels = map_of(found(["1", "1", "2", "2"]), DomainSettings(2), "predicted")
    values = np.array([[4, 0], [2, 0], [0, 0], [0, 0]], dtype=np.float32)
    table = dot_table(values, ("A", "B"), labels, ("A", "B")).set_index(["domain", "gene"])
    assert table.loc[("Domain 1", "A"), "mean"] == 1.0
    assert table.loc[("Domain 2", "A"), "mean"] == 0.0
    assert table.loc[("Domain 1", "A"), "share"] == 1.0
    assert table.loc[("Domain 1", "B"), "mean"] == 0.0


def test_facts_of_a_gene_are_its_like_and_where_it_is_high_together():
    xy = np.array([(x, y) for y in range(6) for x in range(6)], dtype=float)
    hill = np.exp(-((xy - (4, 4)) ** 2).sum(axis=1) / 2).astype(np.float32)
    outlier = hill.copy()
    outlier[0] = 1.2  # alone, higher than the hill
    other = (-hill).astype(np.float32)
    expression = np.stack([outlier, hill * 2 + 1, other], axis=1)
    facts = gene_facts(outlier, xy, expression, ("own", "like", "unlike"), "own")
    assert [name for name, _ in facts.alike] == ["like"]
    assert facts.alike[0][1] == pytest.approx(np.corrcoef(outlier, hill)[0, 1], abs=1e-6)
    assert np.hypot(*(xy[facts.peak] - (4, 4))) <= 1
    assert facts.counts.sum() == 36
    assert gene_facts(np.zeros(36, np.float32), xy, expression, ("a", "b", "c"), "z").peak is None


@pytest.mark.parametrize(
    ("pcc", "word"),
    [(0.5, "good"), (0.3, "fair"), (0.1, "poor"), (None, "unknown"), (float("nan"), "unknown")],
)
def test_trust_in_a_word(pcc, word):
    assert trust_word(pcc) == word
