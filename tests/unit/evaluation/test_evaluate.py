"""Evaluations of painted sections: folds, leaks, methods, external predictions, the report."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest

from napari_mclstexp.cli.evaluate_command import _about
from napari_mclstexp.cohort.section import Section
from napari_mclstexp.errors import OutputError, SettingsError
from napari_mclstexp.evaluation.evaluate import evaluate
from napari_mclstexp.evaluation.evaluation_files import write_evaluation
from napari_mclstexp.evaluation.folds import make_folds
from napari_mclstexp.evaluation.held_out_scores import write_trust
from napari_mclstexp.evaluation.report.page import report_html
from napari_mclstexp.evaluation.summaries import ALL, CEILING, EXPRESSED
from napari_mclstexp.files import MARKER
from napari_mclstexp.model import load_model, save_model
from napari_mclstexp.training.train import train
from support.cohort_fixtures import QUICK
from support.engine_kit import GENES, painted_section, quick_settings
from support.shell_kit import files_under, shell

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def sections(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sections")
    made = [painted_section(folder, name, seed) for name, seed in (("a", 1), ("b", 2), ("c", 3))]
    return [
        dataclasses.replace(made[0], patient="P"),
        dataclasses.replace(made[1], patient="P"),
        made[2],
    ]


@pytest.fixture(scope="module")
def evaluation(sections):
    return evaluate(sections, [quick_settings(epochs=15)])


def value(evaluation, method, statistic=ALL, by="section"):
    table = evaluation.protocol(by).summary.set_index(["method", "statistic"])["value"]
    return table[method, statistic]


def test_folds_leave_out_sections_or_patients(sections):
    by_section, by_patient = make_folds(sections, "section"), make_folds(sections, "patient")
    assert [(fold.tested, fold.trained_on) for fold in by_section] == [
        (("a",), ("b", "c")),
        (("b",), ("a", "c")),
        (("c",), ("a", "b")),
    ]
    assert [(fold.tested, fold.trained_on) for fold in by_patient] == [
        (("a", "b"), ("c",)),
        (("c",), ("a", "b")),
    ]
    with pytest.raises(SettingsError, match="only one patient"):
        make_folds(sections[:2], "patient")


def test_the_same_section_under_another_name_is_refused(sections, tmp_path):
    copy = tmp_path / "renamed.png"
    copy.write_bytes(sections[0].slide_path.read_bytes())
    spots = sections[0].spots[::-1].copy()  # another order
    spots.obs_names = [f"other-{i}" for i in range(spots.n_obs)]
    twin = Section("twin", "Q", copy, spots, 2.0)
    with pytest.raises(SettingsError, match="sections a and twin have the same counts"):
        make_folds([*sections, twin], "section")
    other = sections[1].spots.copy()
    other.obsm["spatial"] = sections[0].spots.obsm["spatial"]
    with pytest.raises(SettingsError, match="a and moved have the same spots"):
        make_folds([sections[0], Section("moved", "Q", copy, other, 2.0)], "section")


def test_a_patient_on_both_sides_is_warned_of(evaluation, sections):
    (said,) = [each for each in evaluation.warnings if "the patient P were learned" in each]
    assert "patients apart is the honest test" in said
    apart = [dataclasses.replace(each, patient=each.name) for each in sections]
    clean = evaluate(apart, [quick_settings(epochs=1)], heads=False)
    assert not any("patient" in each for each in clean.warnings)
    assert [each.by for each in clean.protocols] == ["patient"]  # sections would be the same folds


def test_every_method_is_scored_on_every_section_and_gene(evaluation):
    names = set(evaluation.methods)
    assert {"mclSTExp", "mclSTExp without attention and positions", "BLEEP", "ST-Net"} <= names
    assert {"training mean", "image kNN, k = 50", "PCA + ridge", "one hidden layer"} <= names
    assert [each.by for each in evaluation.protocols] == ["patient", "section"]
    counted = evaluation.table("metrics").groupby(["by", "method"]).size()
    assert len(counted) == 2 * len(names)
    assert set(counted) == {3 * len(GENES)}
    assert np.isnan(value(evaluation, "training mean"))  # it has no variance to correlate
    # With 200 votes of 98 spots, the nearest are everyone.
    for method in names - {"training mean", "image kNN, k = 200"}:
        assert value(evaluation, method) > 0.15, method
    assert value(evaluation, CEILING) > value(evaluation, "PCA + ridge")
    ceilings = evaluation.strictest.ceilings
    flat = ceilings[ceilings["gene"] == "PURPLE"]
    assert flat["measurable"].all()


def test_nothing_of_a_held_out_section_is_seen(sections):
    """Counts of the tested section do not change what is predicted for it."""
    changed = sections[2].spots.copy()
    changed.X = changed.X[::-1].copy()
    other = [*sections[:2], dataclasses.replace(sections[2], spots=changed)]
    fold = [each for each in make_folds(sections, "section") if each.name == "c"]
    one, two = (
        evaluate(each, [quick_settings(epochs=2)], folds=fold).strictest.maps["c"].X
        for each in (sections, other)
    )
    np.testing.assert_allclose(one, two, atol=1e-5)


def test_presets_side_by_side_share_the_scaling(sections):
    settings = [
        quick_settings(epochs=2, preset="default"),
        quick_settings(
            epochs=2, preset="reference", normalisation="log10-1e4-listed", distance="l1"
        ),
    ]
    found = evaluate(sections, settings, by="section", heads=False)
    assert found.methods[:2] == ("mclSTExp (default)", "mclSTExp (reference)")
    assert found.unit == "ln(1 + counts per 10,000)"
    assert value(found, "mclSTExp (reference)", "MSE") < 1.5


def write_predictions(path, sections, **changes):
    parts = []
    for each in sections:
        counts = each.spots.X.toarray()
        part = anndata.AnnData(
            np.log1p(counts / counts.sum(axis=1, keepdims=True) * 1e4),
            obs=each.spots.obs.copy(),
        )
        part.var_names = each.spots.var_names
        part.obs["section"], part.obs["barcode"] = each.name, list(each.spots.obs_names)
        parts.append(part)
    whole = anndata.concat(parts)
    whole.obs_names_make_unique()
    whole[np.random.default_rng(0).permutation(whole.n_obs)].copy().write_h5ad(path)
    return path


def test_an_external_prediction_that_knows_the_answer_wins(sections, tmp_path):
    path = write_predictions(tmp_path / "r.h5ad", sections)
    found = evaluate(sections, [quick_settings(epochs=1)], heads=False, external={"Oracle": [path]})
    assert value(found, "Oracle") == pytest.approx(1, abs=1e-5)
    assert value(found, "Oracle", "MSE") == pytest.approx(0, abs=1e-5)
    assert value(found, "Oracle", by="patient") == pytest.approx(1, abs=1e-5)
    assert any("unknown scaling" in each for each in found.warnings)
    assert any("same in every table" in each for each in found.warnings)


def called_alike(sections):
    """The sections with spots that have the same names in each, as in legacy ST."""
    alike = []
    for each in sections:
        spots = each.spots.copy()
        spots.obs_names = [name.split("-")[1] for name in spots.obs_names]
        alike.append(dataclasses.replace(each, spots=spots))
    return alike


def plain_file(section, path, shift):
    """A prediction of one section that does not say which."""
    (alike,) = called_alike([section])
    part = anndata.AnnData(alike.spots.X.toarray(), obs=alike.spots.obs.copy())
    part.var_names = alike.spots.var_names
    part.obsm["spatial"] = alike.spots.obsm["spatial"] + shift
    part.write_h5ad(path)
    return path


def test_external_predictions_that_cannot_be_used_are_named(sections, tmp_path):
    settings = [quick_settings(epochs=1)]
    for paths, words in (
        ([tmp_path / "gone.h5ad"], "no file .*gone.h5ad"),
        (
            [write_predictions(tmp_path / "two.h5ad", sections[:2])],
            "do not hold the spots of the section c",
        ),
    ):
        with pytest.raises(SettingsError, match=words):
            evaluate(sections, settings, heads=False, external={"X": paths})
    with pytest.raises(SettingsError, match="fits the sections a and b"):
        evaluate(called_alike(sections), settings, heads=False, external={"X": [
            plain_file(sections[0], tmp_path / "a.h5ad", shift=0.0)]})  # fmt: skip
    moved = plain_file(sections[0], tmp_path / "m.h5ad", shift=500.0)
    with pytest.raises(SettingsError, match="do not hold the spots of the section a"):
        evaluate(called_alike(sections), settings, heads=False, external={"X": [moved]})
    short = anndata.read_h5ad(write_predictions(tmp_path / "all.h5ad", sections))[3:].copy()
    short.write_h5ad(tmp_path / "short.h5ad")
    with pytest.raises(SettingsError, match=r"lacks .* of the 49 spots"):
        evaluate(sections, settings, heads=False, external={"X": [tmp_path / "short.h5ad"]})


def test_scores_go_into_the_model_where_the_picker_reads_them(evaluation, sections, tmp_path):
    model = train(sections, quick_settings(epochs=1))
    save_model(model, tmp_path / "m")
    assert write_trust(evaluation, tmp_path / "m") == 3
    config = load_model(tmp_path / "m").config
    rows = evaluation.protocol("patient").metrics
    rows = rows[(rows["method"] == "mclSTExp") & (rows["gene"] == "PINK")]
    assert config.held_out_pcc["PINK"] == pytest.approx(rows["pcc"].mean(), abs=1e-4)
    assert "2 folds, each patient left out in turn" in config.held_out_note
    assert "no other section of a tested patient" in config.held_out_note


def test_the_files_say_the_same_as_the_tables(evaluation, tmp_path):
    report = write_evaluation(evaluation, tmp_path)
    assert files_under(tmp_path) == {
        *("metrics.parquet", "metrics.csv", "summary.csv", "ceilings.csv", "structure.csv"),
        *("sections.csv", "differences.csv", "uncertainty.csv", "report.html", MARKER),
    }
    metrics = evaluation.table("metrics")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "metrics.parquet"), metrics)
    assert len(pd.read_csv(tmp_path / "metrics.csv")) == len(metrics)
    assert report.stat().st_size < 5e6


def test_the_report_needs_nothing_else_and_hides_nothing(evaluation):
    html = report_html(evaluation)
    assert not re.search(r"""(src|href)\s*=\s*["']?(https?:)?//""", html)
    for method in evaluation.methods:
        assert method in html
    for sentence in (*evaluation.verdicts, *evaluation.warnings):
        assert sentence.replace("'", "&#39;") in html
    for by in ("patient", "section"):
        assert f"{value(evaluation, 'PCA + ridge', by=by):.3f}" in html
    assert html.index("<h2>Patients apart") < html.index("<h2>By section")
    assert "learn c, read P" in html  # each direction has its own column
    assert "What must not be concluded" in html
    assert html.count("measured and predicted") >= 2  # maps of best and worst genes
    document = json.loads(re.search(r"id=data>(.*?)</script>", html, re.S)[1])
    assert document["genes"] == list(GENES)


def test_names_out_of_files_cannot_break_the_page(evaluation):
    evil = "<b>\"'&</script><script>alert(1)</script>"
    result = evaluation.strictest
    metrics = result.metrics.replace({"gene": {"PINK": evil}})
    ceilings = result.ceilings.replace({"gene": {"PINK": evil}})
    maps = {}
    for name, part in result.maps.items():
        renamed = part.copy()
        renamed.var_names = [evil if gene == "PINK" else gene for gene in renamed.var_names]
        maps[name] = renamed
    result = dataclasses.replace(result, metrics=metrics, ceilings=ceilings, maps=maps)
    html = report_html(dataclasses.replace(evaluation, protocols=(result,)))
    assert "<script>alert(1)" not in html
    assert '<b>"' not in html


def test_one_section_alone_can_be_reported(sections):
    fold = [each for each in make_folds(sections, "section") if each.name == "c"]
    found = evaluate(sections, [quick_settings(epochs=1)], folds=fold, heads=False)
    html = report_html(found)
    assert "Only 1 fold" in html
    assert not re.search(r"\bnan\b", re.sub(r"base64,[^'\"]+", "", html).lower())


def test_the_answer_for_programs_has_both_protocols_directions_and_differences(evaluation):
    answer = json.loads(json.dumps(_about(evaluation, Path("report.html"), 1.0).document))
    assert [each["by"] for each in answer["protocols"]] == ["patient", "section"]
    for each in answer["protocols"]:
        assert each["summary"]["PCA + ridge"][ALL] == pytest.approx(
            value(evaluation, "PCA + ridge", by=each["by"]), abs=1e-6
        )
        ours = [row for row in each["differences"] if row["method"] == "mclSTExp"]
        assert {row["statistic"] for row in ours} == {ALL, EXPRESSED}
        assert all(row["low"] <= row["high"] for row in ours)
    directions = {fold["name"]: fold["scores"] for fold in answer["protocols"][0]["folds"]}
    assert set(directions) == {"P", "c"}
    table = evaluation.strictest.sections
    of_c = table[(table["section"] == "c") & (table["method"] == "PCA + ridge")]
    assert directions["c"]["PCA + ridge"][ALL] == pytest.approx(of_c[ALL].item(), abs=1e-6)


def test_a_report_that_cannot_be_written_leaves_nothing(evaluation, tmp_path):
    with pytest.raises(OutputError):
        write_evaluation(evaluation, tmp_path / "gone")


def test_the_shell_evaluates_and_tells(cohort, tmp_path):
    arguments = ("--cohort", cohort, "--genes", cohort.parent / "genes.txt", *QUICK)
    done = shell("evaluate", *arguments, "--epochs", 2, "--no-heads", "--out", tmp_path / "e")
    assert done.code == 0, done.err
    assert "image kNN, k = 50" in done.out
    assert "noise ceiling" in done.out
    assert "best trivial baseline" in done.out
    assert (tmp_path / "e" / "report.html").is_file()
    done = shell("evaluate", *arguments, "--external", "nonsense", "--out", tmp_path / "f")
    assert (done.code, done.err) == (
        2,
        "--external nonsense is not NAME=FILE.h5ad; give both.\n",
    )
    assert not (tmp_path / "f").exists()
