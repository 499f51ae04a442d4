"""Checkpoints of the authors' code, whose names and shapes are written out here once more."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
import torch
from anndata import AnnData
from scipy import sparse
from torchvision.models import densenet121

from napari_mclstexp.cohort.section import Section
from napari_mclstexp.errors import ModelError, SettingsError
from napari_mclstexp.inference.feature_cache import encoder_digest
from napari_mclstexp.inference.predict import predict
from napari_mclstexp.model import EncoderConfig, load_model, save_model
from napari_mclstexp.model.image_encoder import ImageEncoder
from napari_mclstexp.training.import_reference import CheckpointError, import_checkpoint
from support.engine_kit import painted_section
from support.numpy_reference import attention_block, projection_head
from support.reference_checkpoint import published_state
from support.shell_kit import shell

pytestmark = pytest.mark.slow

G = 785
GENES = [f"GENE{i}" for i in range(G)]


@pytest.fixture(scope="module")
def wide_section(tmp_path_factory) -> Section:
    """Return a painted section with counts of 785 genes."""
    section = painted_section(tmp_path_factory.mktemp("wide"), "w", seed=1)
    random = np.random.default_rng(0)
    wide = AnnData(
        sparse.csr_matrix(random.poisson(3.0, size=(section.spots.n_obs, G)).astype(np.float32)),
        obs=section.spots.obs,
        obsm=dict(section.spots.obsm),
        uns=dict(section.spots.uns),
    )
    wide.var_names = GENES
    return Section("w", "p", section.slide_path, wide, section.um_per_px)


@pytest.fixture(scope="module")
def imported(wide_section, tmp_path_factory):
    path = tmp_path_factory.mktemp("checkpoint") / "best.pt"
    # As DataParallel saves it.
    state = {f"module.{key}": value for key, value in published_state().items()}
    # And as they were called before.
    torch.save({key.replace("spot_", "well_"): value for key, value in state.items()}, path)
    return import_checkpoint(path, [wide_section], GENES)


def test_a_published_checkpoint_predicts(imported, wide_section, tmp_path):
    model, table = imported
    assert {row[0] for row in table.rows if row[3] == "cut to the array"} == {
        "x_embed.weight",
        "y_embed.weight",
    }
    assert not table.wrong
    save_model(model, tmp_path / "model")
    assert (tmp_path / "model" / "weights.safetensors").stat().st_size < 80e6
    again = load_model(tmp_path / "model")
    assert again.config.retrieval.distance == "l1"
    assert again.config.normalisation == "log10-1e4-listed"
    with wide_section.open() as slide:
        found = predict(slide, wide_section.spots[:5].copy(), again)
    assert found.shape == (5, G)
    bank = again.bank.expression
    assert np.isfinite(found.X).all()
    assert (bank.min(0) - 1e-4 <= found.X).all()
    assert (bank.max(0) + 1e-4 >= found.X).all()


def test_every_weight_is_the_files(imported):
    model, _ = imported
    state = model.module.state_dict()
    for key, value in published_state().items():
        assert torch.equal(state[key], value[: len(state[key])] if value.ndim else value), key


def test_pixels_are_fed_and_features_pooled_as_in_the_authors_code(imported):
    network = densenet121(weights=None).eval()
    state = published_state()
    at = "image_encoder.model.0."
    network.features.load_state_dict({k.removeprefix(at): v for k, v in state.items() if at in k})
    patches = torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        # All children but the classifier, which leaves out the rectifier that stands in between.
        last = torch.nn.Sequential(*list(network.children())[:-1])(patches)
        features = torch.nn.functional.adaptive_avg_pool2d(last, (1, 1)).view(2, -1)
        assert (features < 0).any()
        torch.testing.assert_close(imported[0].module.image_encoder(patches), features)


def test_the_bank_is_what_the_equations_of_the_paper_say(imported, wide_section):
    weights = {key: value.double().numpy() for key, value in published_state().items()}
    model = imported[0]
    counts = wide_section.spots.X.toarray().astype(float)
    expression = np.log10(1 + counts / counts.sum(1, keepdims=True) * 1e4)
    order = np.random.default_rng(0).permutation(len(counts))  # sequences of 32 random spots
    for rows in (order[:32], order[32:]):
        x = expression[rows]
        x = x + weights["x_embed.weight"][wide_section.spots.obs["array_col"].to_numpy()[rows]]
        x = x + weights["y_embed.weight"][wide_section.spots.obs["array_row"].to_numpy()[rows]]
        for n in (0, 1):
            x = attention_block(x, weights, f"spot_encoder.{n}.")
        at = "spot_projection."
        head = {k.removeprefix(at): v for k, v in weights.items() if k.startswith(at)}
        np.testing.assert_allclose(model.bank.embedding[rows], projection_head(x, head), atol=2e-3)


@pytest.mark.parametrize("wrapper", ["state_dict", "model"])
def test_a_state_dict_saved_beside_other_things_is_found(wrapper, tmp_path, wide_section):
    torch.save({"epoch": 3, wrapper: published_state(n_genes=12, rows=8)}, tmp_path / "w.pt")
    with pytest.raises(ModelError, match="12 genes and the list has 785"):
        import_checkpoint(tmp_path / "w.pt", [wide_section], GENES)


def test_a_gene_that_stands_twice_is_named(tmp_path, wide_section):
    torch.save(published_state(rows=8), tmp_path / "best.pt")
    with pytest.raises(SettingsError, match="GENE0 stands more than once"):
        import_checkpoint(tmp_path / "best.pt", [wide_section], [*GENES[:-1], "GENE0"])


@pytest.mark.parametrize(
    "change", [{"name": "densenet121-unrectified"}, {"views": 4}, {"mean": (0.5, 0.5, 0.5)}]
)
def test_encoders_of_the_same_weights_that_differ_otherwise_share_no_features(change):
    one, other = ImageEncoder(EncoderConfig()), ImageEncoder(EncoderConfig(**change))
    other.load_state_dict(one.state_dict())
    assert encoder_digest(one) != encoder_digest(other)


class Bomb:
    """Runs when it is unpickled."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self):
        return (open, (self.path, "w"))


def test_pickled_code_is_refused_and_does_not_run(tmp_path, wide_section):
    sentinel = tmp_path / "ran"
    state = {**published_state(rows=8), "extra": Bomb(str(sentinel))}
    torch.save(state, tmp_path / "bad.pt")
    with pytest.raises(ModelError, match=r"bad\.pt is damaged or not a file of plain tensors"):
        import_checkpoint(tmp_path / "bad.pt", [wide_section], GENES)
    (tmp_path / "raw.pt").write_bytes(pickle.dumps(Bomb(str(sentinel))))
    with pytest.raises(ModelError, match=r"raw\.pt is damaged or not a file of plain tensors"):
        import_checkpoint(tmp_path / "raw.pt", [wide_section], GENES)
    assert not sentinel.exists()


def test_what_is_missing_is_listed(tmp_path, wide_section):
    state = published_state(rows=8)
    del state["spot_projection.fc.bias"]
    state["image_projection.fc.weight"] = torch.zeros(256, 200)
    state["optimizer_step"] = torch.zeros(1)
    torch.save(state, tmp_path / "torn.pt")
    with pytest.raises(CheckpointError, match="2 tensors are missing") as caught:
        import_checkpoint(tmp_path / "torn.pt", [wide_section], GENES)
    lines = caught.value.table.as_table().splitlines()
    assert any("spot_projection.fc.bias" in line and line.endswith("missing") for line in lines)
    assert any("256x200" in line and line.endswith("wrong shape") for line in lines)
    assert any("optimizer_step" in line and line.endswith("not used") for line in lines)


def test_another_number_of_genes_is_said(tmp_path, wide_section):
    torch.save(published_state(n_genes=12, rows=8), tmp_path / "other.pt")
    with pytest.raises(ModelError, match="12 genes and the list has 785"):
        import_checkpoint(tmp_path / "other.pt", [wide_section], GENES)
    torch.save({"conv.weight": torch.zeros(1)}, tmp_path / "strange.pt")
    with pytest.raises(ModelError, match=r"no tensor x_embed\.weight"):
        import_checkpoint(tmp_path / "strange.pt", [wide_section], GENES)


def test_the_shell_imports_and_shows_the_table(tmp_path, cohort):
    torch.save(published_state(n_genes=3, rows=64), tmp_path / "small.pt")
    arguments = ("--cohort", cohort, "--genes", cohort.parent / "genes.txt")
    done = shell("import-checkpoint", tmp_path / "small.pt", *arguments, "--out", tmp_path / "m")
    assert done.code == 0, done.err
    assert "cut to the array" in done.out
    assert load_model(tmp_path / "m").config.genes == ("PURPLE", "PINK", "FLAT")
    state = published_state(n_genes=3, rows=64)
    del state["x_embed.weight"], state["spot_encoder.1.ff.norm.bias"]
    state["x_embed.weight"] = torch.zeros(64, 3)
    torch.save(state, tmp_path / "torn.pt")
    done = shell("import-checkpoint", tmp_path / "torn.pt", *arguments, "--out", tmp_path / "n")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "spot_encoder.1.ff.norm.bias" in done.out
    assert not (tmp_path / "n").exists()


def test_the_shell_tells_machines_about_every_tensor(tmp_path, cohort):
    state = published_state(n_genes=3, rows=64)
    torch.save({**state, "image_encoder.model.1.weight": torch.ones(2)}, tmp_path / "small.pt")
    arguments = ("--cohort", cohort, "--genes", cohort.parent / "genes.txt", "--json")
    done = shell("import-checkpoint", tmp_path / "small.pt", *arguments, "--out", tmp_path / "m")
    assert done.code == 0, done.err
    said = json.loads(done.out)
    verdicts = {row["tensor"]: row["verdict"] for row in said["tensors"]}
    assert (said["kind"], said["encoder"]) == ("model", "densenet121-unrectified")
    assert verdicts["image_encoder.model.1.weight"] == "not used"
    assert verdicts["spot_projection.fc.bias"] == "ok"
    del state["spot_projection.fc.bias"]
    torch.save(state, tmp_path / "torn.pt")
    done = shell("import-checkpoint", tmp_path / "torn.pt", *arguments, "--out", tmp_path / "n")
    verdicts = {row["tensor"]: row["verdict"] for row in json.loads(done.out)["tensors"]}
    assert (done.code, verdicts["spot_projection.fc.bias"]) == (2, "missing")
