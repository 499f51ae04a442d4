"""Model folders come back as they went, and a folder that was touched is refused by name."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from napari_mclstexp.errors import ModelError
from napari_mclstexp.files import sha256
from napari_mclstexp.model import (
    Bank,
    MclSTExp,
    Model,
    ModelConfig,
    PositionsConfig,
    load_model,
    read_card,
    save_model,
)
from napari_mclstexp.model.backbones import build_backbone

GENES = ("ACTB", "COL1A1", "EPCAM")
FILES = ("config.json", "weights.safetensors", "bank.h5ad", "README.md")


@pytest.fixture(scope="module")
def model() -> Model:
    rng = np.random.default_rng(0)
    config = ModelConfig(
        name="tiny",
        genes=GENES,
        um_per_px=1.5,
        patch_px=32,
        positions=PositionsConfig(n_rows=4, n_cols=4),
        trained_on=("S1", "S2"),
        held_out_pcc={"EPCAM": 0.61, "ACTB": 0.02},
    )
    torch.manual_seed(0)
    bank = Bank(
        embedding=rng.normal(size=(5, 256)).astype(np.float32),
        expression=rng.gamma(2, size=(5, 3)).astype(np.float32),
        genes=GENES,
        section=np.array(["S1", "S1", "S2", "S2", "S2"]),
        barcode=np.array(["a", "b", "a", "b", "c"]),
        array_row=np.arange(5),
        array_col=np.arange(5)[::-1].copy(),
        xy=rng.uniform(size=(5, 2)),
        thumbnails=(b"one", b"", b"three", b"4", b"five"),
    )
    return Model(config, MclSTExp(config).eval(), bank)


@pytest.fixture
def folder(model, tmp_path):
    save_model(model, tmp_path / "tiny")
    return tmp_path / "tiny"


def rewrite(folder, name, change):
    """Change a file and its checksum, as someone would who edits a model by hand."""
    values = json.loads((folder / name).read_text())
    change(values)
    (folder / name).write_text(json.dumps(values))
    sums = json.loads((folder / "checksums.json").read_text())
    sums[name] = sha256(folder / name)
    (folder / "checksums.json").write_text(json.dumps(sums))


def test_a_model_comes_back_as_it_went(model, folder):
    loaded = load_model(folder)
    assert loaded.config == model.config
    assert loaded.id == model.id
    assert not loaded.module.training
    for name, value in model.module.state_dict().items():
        torch.testing.assert_close(loaded.module.state_dict()[name], value, rtol=0, atol=0)
    for name in ("embedding", "expression", "section", "barcode", "array_row", "xy"):
        np.testing.assert_array_equal(getattr(loaded.bank, name), getattr(model.bank, name))
    assert loaded.bank.thumbnails == model.bank.thumbnails
    assert loaded.bank.sections == ("S1", "S2")


def test_scores_notes_and_names_leave_the_identity_of_a_model_as_it_was(model, folder):
    """Else what it predicted before it was scored would be another model's."""
    before = load_model(folder)
    said = {"held_out_pcc": {"EPCAM": 0.1}, "held_out_note": "new", "name": "b", "description": "c"}
    before.config = before.config.model_copy(update=said)
    save_model(before, folder)
    assert load_model(folder).id == before.id == model.id


@pytest.mark.parametrize("what", ["weights", "bank", "retrieval"])
def test_what_predictions_depend_on_is_the_identity(model, folder, what):
    other = load_model(folder)
    if what == "weights":
        other.module.image_projection.fc.bias.data += 1
    elif what == "bank":
        other.bank.expression[0] += 1
    else:
        retrieval = other.config.retrieval.model_copy(update={"k": 3})
        other.config = other.config.model_copy(update={"retrieval": retrieval})
    save_model(other, folder)
    assert load_model(folder).id != model.id


def test_what_a_model_of_an_earlier_version_predicted_stays_its_own(folder):
    """Its id was then the checksum of the file of checksums, which named no former ids."""
    sums = json.loads((folder / "checksums.json").read_text())
    del sums["former_ids"]
    (folder / "checksums.json").write_text(json.dumps(sums))
    former = sha256(folder / "checksums.json")[:12]
    (folder / ".napari-mclstexp.json").unlink()
    loaded = load_model(folder)
    assert loaded.made(former)
    loaded.config = loaded.config.model_copy(update={"held_out_pcc": {"EPCAM": 0.1}})
    save_model(loaded, folder)
    assert load_model(folder).made(former)
    assert not load_model(folder).made("another")


def test_half_precision_halves_the_weights_and_loads_as_full(model, tmp_path):
    save_model(model, tmp_path / "full")
    save_model(model, tmp_path / "half", half=True)
    full, half = (
        (tmp_path / name / "weights.safetensors").stat().st_size for name in ("full", "half")
    )
    assert half < 0.55 * full
    assert load_model(tmp_path / "half").module.x_embed.weight.dtype == torch.float32


@pytest.mark.parametrize("name", FILES)
def test_one_changed_byte_is_found_and_the_file_named(folder, name):
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / name).write_bytes(data)
    with pytest.raises(ModelError, match=f"{name} was changed"):
        load_model(folder)


@pytest.mark.parametrize("name", [*FILES, "checksums.json"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(ModelError, match=name):
        load_model(folder)


def test_a_folder_that_is_no_model_is_refused(tmp_path):
    with pytest.raises(ModelError, match=r"no config\.json"):
        load_model(tmp_path)
    with pytest.raises(ModelError, match="no model folder"):
        load_model(tmp_path / "nowhere")


def test_a_newer_format_names_both_versions(folder):
    rewrite(folder, "config.json", lambda values: values.update(format=3))
    with pytest.raises(ModelError, match="format 3 and this version reads 1 and 2"):
        load_model(folder)


def test_a_value_that_makes_no_sense_is_named(folder):
    rewrite(folder, "config.json", lambda values: values.update(um_per_px=-1))
    with pytest.raises(ModelError, match="um_per_px"):
        load_model(folder)


@pytest.mark.parametrize("name", ["timm:hf-hub:a/b", "timm:local-dir:/etc", "timm:", "vgg16"])
def test_an_encoder_that_is_an_address_is_refused_before_anything_is_asked(folder, name):
    rewrite(folder, "config.json", lambda values: values["encoder"].update(name=name))
    with pytest.raises(ModelError, match=r"encoder.*names no encoder"):
        load_model(folder)
    with pytest.raises(ModelError, match="is unknown; use densenet121 or timm:NAME"):
        build_backbone(name)


def test_weights_of_another_size_are_refused(folder):
    rewrite(folder, "config.json", lambda values: values["positions"].update(n_rows=9))
    with pytest.raises(ModelError, match=r"weights\.safetensors does not fit"):
        load_model(folder)


def test_a_bank_of_other_genes_is_refused(folder):
    rewrite(folder, "config.json", lambda values: values.update(genes=["ACTB", "EPCAM", "XIST"]))
    with pytest.raises(ModelError, match="different genes"):
        load_model(folder)


def test_saving_replaces_a_model_but_no_other_folder(model, folder, tmp_path):
    save_model(model, folder)
    assert load_model(folder).id == model.id
    other = tmp_path / "thesis"
    other.mkdir()
    (other / "chapter.txt").write_text("years of work")
    with pytest.raises(ModelError, match="other files"):
        save_model(model, other)
    assert (other / "chapter.txt").read_text() == "years of work"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["thesis", "tiny"]


def test_what_a_training_left_goes_along_wherever_the_model_is_saved(folder, tmp_path):
    (folder / "training").mkdir()
    (folder / "training" / "curve.csv").write_text("step,loss")
    save_model(load_model(folder), tmp_path / "copy")
    assert (tmp_path / "copy" / "training" / "curve.csv").read_text() == "step,loss"
    load_model(tmp_path / "copy")


def test_the_card_says_what_to_trust(folder):
    card = (folder / "README.md").read_text()
    assert "EPCAM 0.61" in card
    assert "S1, S2" in card
    assert "48 µm" in card
    assert read_card(folder).genes == GENES
