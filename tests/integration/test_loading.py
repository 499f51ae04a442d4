"""Every way of loading spots that the menu offers, and what happens when things do not fit."""

from __future__ import annotations

from support import widget_kit as kit


def test_a_space_ranger_folder_from_the_menu(docks, qtbot, answers, tmp_path):
    slide, _ = docks
    answers(kit.write_outs(tmp_path / "outs"))
    slide.spots.from_folder.trigger()
    qtbot.waitUntil(lambda: slide.workspace.session.spots is not None)
    assert "63 spots" in slide.spots.facts.text()
    assert "4 genes" in slide.spots.facts.text()


def test_spots_and_counts_of_two_files_from_the_menu(docks, qtbot, answers, tmp_path):
    slide, _ = docks
    answers(*kit.write_legacy(tmp_path))
    slide.spots.from_two.trigger()
    qtbot.waitUntil(lambda: slide.workspace.session.spots is not None)
    assert slide.workspace.session.spots.uns["mclstexp"]["platform"] == "legacy-st"
    assert "4 genes" in slide.spots.facts.text()


def test_closing_the_dialog_loads_nothing(docks, click, answers, notes):
    slide, predict = docks
    answers("", "", "", "")
    click(slide.slide.open)
    slide.spots.from_file.trigger()
    slide.spots.from_folder.trigger()
    predict.model.models.activated.emit(predict.model.models.count() - 1)
    assert slide.workspace.jobs.busy == ""
    assert predict.model.models.currentIndex() == 0
    assert kit.sentences(notes) == []


def test_removing_the_spots_removes_their_layers(docks, click, qtbot, slide_file, spots_file):
    slide, _ = docks
    slide.workspace.open_slide(slide_file)
    slide.workspace.load_spots(spots_file)
    qtbot.waitUntil(lambda: slide.workspace.session.spots is not None)
    click(slide.spots.clear)
    assert [slide.workspace.layers[slot] for slot in ("spots", "measured")] == [None, None]
    assert slide.spots.facts.text() == "No spots yet."


def test_a_slide_that_the_spots_do_not_fit_is_refused_and_closed_again(
    docks, qtbot, tmp_path, slide_file, notes
):
    slide, _ = docks
    far = kit.spots()
    far.obsm["spatial"] += 50_000
    far.write_h5ad(tmp_path / "far.h5ad")
    slide.workspace.load_spots(tmp_path / "far.h5ad")
    slide.workspace.open_slide(slide_file)
    qtbot.waitUntil(lambda: bool(kit.sentences(notes)))
    assert "outside" in kit.sentences(notes)[0]
    assert slide.workspace.session.slide is None
    assert slide.workspace.session.spots is not None


def test_a_run_after_looking_at_counts_shows_the_prediction(
    docks, click, qtbot, slide_file, spots_file, tiny_model
):
    slide, predict = docks
    workspace = slide.workspace
    workspace.open_slide(slide_file)
    workspace.load_spots(spots_file)
    workspace.load_model(tiny_model)
    qtbot.waitUntil(lambda: workspace.session.model is not None, timeout=60_000)
    click(slide.spots.counts)
    assert workspace.session.shown_quantity == "measured"
    click(predict.runner.run)
    qtbot.waitUntil(lambda: predict.save.isEnabled(), timeout=60_000)
    assert workspace.session.shown_quantity == "predicted"
