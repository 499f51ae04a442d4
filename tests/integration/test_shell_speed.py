"""The shell's doctor, predict by each backend, and where the time of a prediction went."""

from __future__ import annotations

import json

import numpy as np
import pytest

from napari_mclstexp.inference.backends import compare
from napari_mclstexp.inference.backends import limit as limits
from napari_mclstexp.inference.prediction_io import read_prediction
from napari_mclstexp.running.stages import STAGES
from support.shell_kit import shell


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(compare, "MEASURE_S", 0.05)
    monkeypatch.setattr(limits, "MEASURE_S", 0.02)


def test_doctor_tells_people_and_machines_what_is_there_and_used(monkeypatch):
    told = shell("doctor", "--model", "demo")
    assert told.code == 0
    for word in ("Processor", "OpenSlide", "torch", "images/s", "of the limit", "Used for long"):
        assert word in told.out
    found = json.loads(shell("doctor", "--model", "demo", "--json").out)
    assert found["cores"] >= 1
    assert {each["backend"] for each in found["backends"]} >= {"torch"}
    assert all(each["agreement"] >= 0.999 for each in found["backends"] if each["agrees"])
    assert found["used"] in {each["backend"] for each in found["backends"]}
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    bare = json.loads(shell("doctor", "--model", "demo", "--json").out)
    assert "pip install" in bare["missing"]["openvino"]


def test_backends_predict_the_same_and_a_wrong_one_is_refused(
    tmp_path, slide_file, spots_file, tiny_model
):
    pytest.importorskip("openvino")
    found = {}
    for backend in ("torch", "openvino"):
        out = tmp_path / f"{backend}.h5ad"
        where = ("--slide", slide_file, "--spots", spots_file, "--model", tiny_model)
        assert shell("predict", *where, "--backend", backend, "--out", out).code == 0
        found[backend] = read_prediction(out)
    np.testing.assert_allclose(found["torch"].X, found["openvino"].X, atol=0.05)
    assert "OpenVINO" in found["openvino"].uns["mclstexp"]["device"]
    assert "Encoder by OpenVINO" in shell("info", tmp_path / "openvino.h5ad").out
    refused = shell("predict", *where, "--backend", "tpu", "--out", tmp_path / "x.h5ad")
    assert (refused.code, refused.err.count("\n")) == (2, 1)
    assert "The backend 'tpu' is unknown; use auto, torch, openvino." in refused.err


def test_a_profile_accounts_for_the_run(tmp_path, slide_file, spots_file, tiny_model):
    out = tmp_path / "out.h5ad"
    where = ("--slide", slide_file, "--spots", spots_file, "--model", tiny_model, "--out", out)
    profile = json.loads(shell("predict", *where, "--profile", "--json").out)["profile"]
    stages = {each["name"]: each for each in profile["stages"]}
    assert list(stages) == ["start", *STAGES]
    assert stages["encode"]["seconds"] > 0 < stages["decode"]["seconds"]
    assert stages["write"]["seconds"] > 0 < stages["retrieve"]["seconds"]
    assert all(0 <= each["share"] <= 1 for each in stages.values())
    assert 0 < stages["encode"]["of_limit"] < 1.5
    assert "profile" not in json.loads(shell("predict", *where, "--json").out)
    table = shell("predict", *where, "--profile").out
    assert "of the limit" in table
    assert all(name in table for name in stages)
