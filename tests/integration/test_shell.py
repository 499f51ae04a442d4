"""The shell: what each command answers, to people and to machines, and how it is stopped."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path

import numpy as np
import pytest

import napari_mclstexp.cli
from napari_mclstexp.files import MARKER
from napari_mclstexp.inference.prediction_io import read_prediction
from napari_mclstexp.model import load_model
from support import widget_kit as kit
from support.shell_kit import files_under, shell, signalled

ON_A_TERMINAL = re.compile(r"[\d,]+ of [\d,]+ (spots|steps).*a second.*\d:\d\d.*left", re.S)


@pytest.fixture
def predicted(tmp_path, slide_file, spots_file, tiny_model):
    """Return a function that predicts the small slide with more options."""

    def predict(*options: object, where: tuple[object, ...] = ("--spots", spots_file)):
        out = tmp_path / "out.h5ad"
        arguments = ("--slide", slide_file, *where, "--model", tiny_model, "--out", out, *options)
        return shell("predict", *arguments), out

    return predict


@pytest.fixture
def cohort(tmp_path, slide_file, spots_file) -> Path:
    """Return a table of two sections."""
    table = tmp_path / "cohort.csv"
    other = kit.spots()
    other.X, other.obsm["spatial"] = other.X[::-1].copy(), other.obsm["spatial"] + 1
    other.write_h5ad(tmp_path / "other.h5ad")
    table.write_text(
        "section,patient,slide,spots,counts\n"
        f"one,A,{slide_file},{spots_file},\ntwo,B,{slide_file},other.h5ad,\n"
    )
    return table


@pytest.fixture
def training(tmp_path, cohort):
    """Return the arguments of a training that takes seconds."""
    genes = tmp_path / "genes.txt"
    genes.write_text("# of breast cancer\nFASN\nGNAS\n\nCD74\n")
    return (
        *("train", "--cohort", cohort, "--genes", genes, "--preset", "paper"),
        *("--from-scratch", "--freeze-encoder"),
        *("--patch-px", 32, "--um-per-px", 1, "--out", tmp_path / "model"),
    )


def test_predict_writes_the_prediction_and_says_how_well_it_did(predicted):
    done, out = predicted()
    assert (done.code, done.err) == (0, "")
    prediction = read_prediction(out)
    assert prediction.shape == (63, 4)
    mean = prediction.var["pcc"].mean()
    assert f"Mean PCC {mean:.3f} over 4 genes" in done.out
    assert "over the 4 most expressed" in done.out
    assert str(out) in done.out
    assert files_under(out.parent) == {"out.h5ad"}


def test_predict_answers_machines_with_one_json_document(predicted):
    done, out = predicted("--json", "--batch-size", 7)
    assert (done.code, done.err) == (0, "")
    said = json.loads(done.out)
    prediction = read_prediction(out)
    assert said["n_spots"] == 63
    assert said["um_per_px"] == kit.UM_PER_PX
    assert said["model_id"] == prediction.uns["mclstexp"]["model_id"]
    assert said["pcc"]["mean"] == pytest.approx(prediction.var["pcc"].mean(), abs=1e-5)
    assert set(said["pcc"]["per_gene"]) == set(kit.GENES)


def test_genes_that_never_vary_are_null_for_machines_and_left_out_of_the_mean(predicted, tmp_path):
    spots = kit.spots()
    spots.X[:, 3] = 0  # an unmeasured gene would do as well
    spots.write_h5ad(tmp_path / "flat.h5ad")
    done, _ = predicted("--json", where=("--spots", tmp_path / "flat.h5ad"))
    said = json.loads(done.out)["pcc"]
    assert said["per_gene"]["CD74"] is None
    assert (said["n_genes"], said["n_left_out"]) == (3, 1)


def test_genes_are_predicted_in_the_order_asked_for(predicted):
    done, out = predicted("--genes", "CD74, FASN,CD74")
    assert done.code == 0
    assert list(read_prediction(out).var_names) == ["CD74", "FASN"]


@pytest.mark.parametrize(("layout", "row_step"), [("square", 100.0), ("hex", 86.6)])
def test_a_grid_stands_in_for_spots(predicted, layout, row_step):
    where = ("--grid", 100, "--layout", layout, "--spot-diameter", 40)
    done, out = predicted(where=where)
    assert done.code == 0
    assert "PCC" not in done.out  # nothing was measured, so nothing is claimed
    prediction = read_prediction(out)
    y = np.unique(prediction.obsm["spatial"][:, 1].round(3)) * kit.UM_PER_PX
    assert np.diff(y) == pytest.approx(row_step, abs=0.1)
    assert prediction.uns["mclstexp"]["spot_diameter_um"] == 40


def test_the_scale_given_overrules_the_file(predicted):
    done, out = predicted("--um-per-px", 0.25)
    facts = read_prediction(out).uns["mclstexp"]
    assert (facts["um_per_px"], facts["um_per_px_source"]) == (0.25, "user")
    assert "0.25 µm per px, as given" in done.out


def test_a_scale_that_no_file_states_comes_from_visium_spots(tmp_path, tiny_model):
    slide = kit.write_slide(tmp_path / "noscale.ome.tif", um_per_px=None)
    outs = kit.write_outs(tmp_path / "outs")
    arguments = ("--slide", slide, "--spots", outs, "--model", tiny_model)
    done = shell("predict", *arguments, "--out", tmp_path / "out.h5ad", "--json")
    assert done.code == 0, done.err
    said = json.loads(done.out)
    assert said["um_per_px_source"] == "spots"
    assert said["um_per_px"] == pytest.approx(100 / kit.PITCH_PX)


def test_info_tells_what_a_slide_is(slide_file):
    said = shell("info", slide_file).out
    assert "1,600 x 1,200 px = 0.80 x 0.60 mm" in said
    assert "0.5 µm per px, from the file" in said
    document = json.loads(shell("info", slide_file, "--json").out)
    assert document["kind"] == "slide"
    assert [level["downsample"] for level in document["levels"]] == [1, 2]


def test_info_warns_of_a_slide_without_a_scale(tmp_path):
    slide = kit.write_slide(tmp_path / "noscale.ome.tif", um_per_px=None)
    assert "does not say how large a pixel is" in shell("info", slide).out
    assert json.loads(shell("info", slide, "--json").out)["um_per_px"] is None


def test_info_tells_what_spots_are(tmp_path, spots_file):
    assert "63 spots, counts of 4 genes" in shell("info", spots_file).out
    outs = kit.write_outs(tmp_path / "outs")
    assert "(visium, diameter 55 µm, pitch 100 µm)" in shell("info", outs).out
    document = json.loads(shell("info", outs, "--json").out)
    assert (document["kind"], document["n_spots"]) == ("spots", 63)
    bare = tmp_path / "xy.csv"
    bare.write_text("x,y\n1,2\n3,4\n")
    assert "2 spots, no counts" in shell("info", bare).out


def test_info_tells_what_a_model_is(tiny_model):
    said = shell("info", tiny_model).out
    assert "4 genes; patches of 32 px = 32 µm" in said
    assert "Held-out PCC 0.43 on average" in said
    document = json.loads(shell("info", tiny_model, "--json").out)
    assert document["genes"] == list(kit.GENES)
    assert document["held_out_pcc"]["GNAS"] == 0.64


def test_info_tells_what_a_prediction_is(predicted):
    _, out = predicted()
    said = shell("info", out).out
    assert "4 genes predicted at 63 spots" in said
    assert "Mean PCC" in said
    assert json.loads(shell("info", out, "--json").out)["kind"] == "prediction"


def test_train_makes_a_model_that_predict_uses(training, tmp_path, slide_file, spots_file):
    done = shell(*training, "--epochs", 2, "--k", 9, "--seed", 3, "--held-out", "two")
    assert (done.code, done.err) == (0, "")
    assert "3 genes" in done.out
    assert "Trained on one" in done.out
    model = load_model(tmp_path / "model")
    assert model.config.genes == ("FASN", "GNAS", "CD74")
    assert model.config.trained_on == ("one",)
    assert model.config.retrieval.k == 9
    assert set(model.config.held_out_pcc) == set(model.config.genes)
    out = tmp_path / "out.h5ad"
    arguments = ("--slide", slide_file, "--spots", spots_file, "--model", tmp_path / "model")
    assert shell("predict", *arguments, "--out", out).code == 0
    assert list(read_prediction(out).var_names) == ["FASN", "GNAS", "CD74"]


def test_the_reference_preset_brings_its_choices_and_options_overrule_them(training, tmp_path):
    done = shell(*training, "--epochs", 1, "--preset", "reference", "--json")
    assert done.code == 0, done.err
    said = json.loads(done.out)
    assert (said["preset"], said["normalisation"]) == ("reference", "log10-1e4-listed")
    assert said["distance"] == "l1"
    assert said["n_bank"] == 126
    overruled = (*training, "--epochs", 1, "--preset", "reference", "--distance", "cosine")
    assert shell(*overruled).code == 0
    assert load_model(tmp_path / "model").config.retrieval.distance == "cosine"


def test_a_section_held_out_must_be_one_and_leave_others(training):
    done = shell(*training, "--held-out", "three")
    assert done.code == 2
    assert "has no section three to hold out; it has one, two." in done.err


def test_version_and_bare_call():
    assert shell("--version").out.strip() == f"napari-mclstexp {napari_mclstexp.__version__}"
    bare = shell()
    assert bare.code == 0
    assert "predict" in bare.out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("predict",), "Missing option '--slide'; see napari-mclstexp predict --help."),
        (("predict", "--sldie", "a"), "No such option: --sldie"),
        (("paint",), "No such command 'paint'"),
        (("train", "--views", "3"), "Invalid value for '--views'"),
    ],
    ids=["option missing", "option misspelt", "unknown command", "value out of range"],
)
def test_a_wrong_command_line_is_one_line_and_2(arguments, sentence):
    done = shell(*arguments)
    assert (done.code, done.out) == (2, "")
    assert sentence in done.err
    assert done.err.count("\n") == 1


def test_where_to_predict_is_said_once(predicted, spots_file):
    for where in ((), ("--spots", spots_file, "--grid", 100), ("--grid", 100, "--counts", "c")):
        done, out = predicted(where=where)
        assert done.code == 2
        assert "either --spots" in done.err
        assert not out.exists()


def test_a_bug_is_not_dressed_up_as_bad_input(monkeypatch):
    def broken(path: Path) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(napari_mclstexp.cli.app, "about", broken)
    with pytest.raises(ZeroDivisionError):  # Python shows the traceback and returns 1
        shell("info", "x")


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["Ctrl-C", "SIGTERM"]
)
def test_a_prediction_shows_its_pace_and_can_be_stopped(
    number, code, tmp_path, slide_file, tiny_model
):
    done = signalled(
        *("predict", "--slide", slide_file, "--grid", 5, "--spot-diameter", 4),
        *("--model", tiny_model, "--out", tmp_path / "out.h5ad", "--device", "cpu"),
        number=number,
        when=ON_A_TERMINAL.search,
    )
    assert done.code == code
    assert done.out == ""
    assert "Cancelled" in done.err
    assert "Traceback" not in done.err
    assert files_under(tmp_path) == set()


def test_training_can_be_stopped_and_leaves_nothing(training, tmp_path):
    before = files_under(tmp_path)
    done = signalled(
        *training, "--epochs", 100_000, number=signal.SIGINT, when=ON_A_TERMINAL.search
    )
    assert done.code == 130
    assert "Traceback" not in done.err
    assert files_under(tmp_path) == before


def test_the_demo_leaves_a_prediction_a_picture_and_one_line(tmp_path):
    out = tmp_path / "new" / "demo"
    done = shell("demo", "--out", out)
    assert done.code == 0, done.err
    assert done.out.count("\n") == 1  # how far it is stands on stderr, and only where it takes long
    mean = read_prediction(out / "prediction.h5ad").var["pcc"].mean()
    assert f"Mean PCC {mean:.3f}" in done.out
    assert mean >= 0.5
    assert files_under(out) == {"prediction.h5ad", "overlay.png", MARKER}
