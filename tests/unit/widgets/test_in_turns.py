"""Long work on the window's thread in pieces: events are handled between, nothing is lost."""

from __future__ import annotations

import pytest
from qtpy.QtCore import QTimer

from napari_mclstexp.errors import SettingsError
from napari_mclstexp.widgets.layers.in_turns import InTurns


def pieces(done, number, bad=-1):
    for piece in range(number):
        if piece == bad:
            raise SettingsError("This piece cannot be done; do another.")
        done.append(piece)
        yield True


def test_what_a_person_does_is_handled_between_two_pieces(qtbot):
    done, turns = [], InTurns()
    QTimer.singleShot(0, lambda: done.append("click"))
    turns.begin(pieces(done, 3), lambda: done.append("then"))
    assert done == [0]
    qtbot.waitUntil(lambda: "then" in done)
    assert done.index("click") < done.index(2)
    assert [each for each in done if each != "click"] == [0, 1, 2, "then"]


def test_pieces_that_ask_for_no_rest_are_done_in_one_turn():
    done = []

    def quick():
        for piece in range(3):
            done.append(piece)
            yield False

    InTurns().begin(quick(), lambda: done.append("then"))
    assert done == [0, 1, 2, "then"]


def test_who_needs_all_of_it_has_it_at_once(qtbot):
    done, turns = [], InTurns()
    turns.begin(pieces(done, 4), lambda: done.append("then"))
    turns.finish()
    assert done == [0, 1, 2, 3, "then"]
    qtbot.wait(20)
    assert len(done) == 5


def test_another_takes_the_place_of_what_is_not_done_yet(qtbot):
    old, new, turns = [], [], InTurns()
    turns.begin(pieces(old, 3), lambda: old.append("then"))
    turns.begin(pieces(new, 2), lambda: new.append("then"))
    qtbot.waitUntil(lambda: "then" in new)
    assert (old, new) == ([0], [0, 1, "then"])


def test_what_goes_wrong_is_raised_or_told_and_what_follows_still_comes(qtbot, notes):
    done, turns = [], InTurns()
    with pytest.raises(SettingsError):
        turns.begin(pieces(done, 3, bad=0), lambda: done.append("then"))
    assert done == ["then"]
    turns.begin(pieces(done, 3, bad=1), lambda: done.append("then again"))
    qtbot.waitUntil(lambda: "then again" in done)
    assert [note.message for note in notes] == ["This piece cannot be done; do another."]
