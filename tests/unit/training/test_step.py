"""One step of the optimisation, against the method's equations written out here once more."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from napari_mclstexp.errors import SettingsError
from napari_mclstexp.model.loss import ranking_loss, similar_targets_loss
from napari_mclstexp.training.position_tables import used_positions
from napari_mclstexp.training.presets import PRESETS, differences, preset_settings
from support import training_kit
from support.engine_kit import GENES, painted_section, quick_settings
from support.places import environment

EPSILON = 1e-5  # of layer norms


@pytest.fixture(scope="module")
def section(tmp_path_factory):
    return painted_section(tmp_path_factory.mktemp("section"), "a", seed=1)


# -- the equations, in plain operations on a dictionary of weights ---------------------------------


def layer_norm(x, weight, bias):
    mean = x.mean(dim=1, keepdim=True)
    variance = ((x - mean) ** 2).mean(dim=1, keepdim=True)
    return (x - mean) / (variance + EPSILON).sqrt() * weight + bias


def gelu(x):
    return x * 0.5 * (1 + torch.erf(x / 2**0.5))


def attention(x, w, at):
    normed = layer_norm(x, w[f"{at}.norm.weight"], w[f"{at}.norm.bias"])
    q, k, v = (normed @ w[f"{at}.fn.to_qkv.weight"].T).chunk(3, dim=1)
    heads = []
    for head in range(8):
        one = slice(64 * head, 64 * head + 64)
        scores = q[:, one] @ k[:, one].T / 64**0.5
        share = scores.exp() / scores.exp().sum(dim=1, keepdim=True)
        heads.append(share @ v[:, one])
    joined = torch.cat(heads, dim=1)
    return x + joined @ w[f"{at}.fn.to_out.0.weight"].T + w[f"{at}.fn.to_out.0.bias"]


def feed_forward(x, w, at):
    normed = layer_norm(x, w[f"{at}.norm.weight"], w[f"{at}.norm.bias"])
    hidden = gelu(normed @ w[f"{at}.fn.net.0.weight"].T + w[f"{at}.fn.net.0.bias"])
    return x + hidden @ w[f"{at}.fn.net.3.weight"].T + w[f"{at}.fn.net.3.bias"]


def head(x, w, at):
    projected = x @ w[f"{at}.projection.weight"].T + w[f"{at}.projection.bias"]
    out = gelu(projected) @ w[f"{at}.fc.weight"].T + w[f"{at}.fc.bias"] + projected
    return layer_norm(out, w[f"{at}.layer_norm.weight"], w[f"{at}.layer_norm.bias"])


def loss_by_hand(w, expression, rows, cols, features):
    x = expression + w["x_embed.weight"][cols] + w["y_embed.weight"][rows]
    for block in range(2):
        x = attention(x, w, f"spot_encoder.{block}.attn")
        x = feed_forward(x, w, f"spot_encoder.{block}.ff")
    spots, images = head(x, w, "spot_projection"), head(features, w, "image_projection")
    logits = spots @ images.T
    by_spot = -(logits.diag() - logits.exp().sum(dim=1).log()).mean()
    by_image = -(logits.diag() - logits.exp().sum(dim=0).log()).mean()
    return (by_spot + by_image) / 2


def expression_by_hand(counts):
    """The authors' scaling: the listed genes to 10,000, log10(1 + x)."""
    return np.log10(1 + counts / counts.sum(axis=1, keepdims=True) * 1e4)


def test_a_step_of_the_reference_preset_is_the_equations_and_adam(section):
    settings = preset_settings(
        "reference",
        **{"genes": GENES, "pretrained": False, "freeze_encoder": True, "patch_px": 32},
        **{"dropout": 0.0, "position_table": 8},
    )
    trainer = training_kit.trainer_with_features([section], settings)
    named = dict(trainer.module.named_parameters())
    trained = {k: v for k, v in named.items() if not k.startswith("image_encoder.")}
    before = {name: value.detach().clone().double() for name, value in trained.items()}
    (rows,) = sequences = trainer.steps(0)[0]
    stepped = trainer.step(sequences)

    w = {name: value.clone().requires_grad_(True) for name, value in before.items()}
    spots = section.spots
    expression = torch.from_numpy(expression_by_hand(spots.X.toarray().astype(np.float64)))[rows]
    array_row = torch.tensor(spots.obs["array_row"].to_numpy())[rows]
    array_col = torch.tensor(spots.obs["array_col"].to_numpy())[rows]
    loss = loss_by_hand(w, expression, array_row, array_col, trainer.pool.features[rows].double())
    loss.backward()
    assert len(rows) == 49  # a random batch holds all spots of this small section
    assert stepped.loss == pytest.approx(loss.item(), abs=1e-5)
    for name, value in w.items():
        # Adam with L2: weight decay is part of the gradient; after one step the moments are g, g^2.
        decayed = value.grad + settings.weight_decay * before[name]
        torch.testing.assert_close(
            trained[name].grad.double(), value.grad, atol=1e-5, rtol=1e-3, msg=name
        )
        expected = before[name] - settings.learning_rate * decayed / (decayed.abs() + 1e-8)
        clear = decayed.abs() > 1e-5  # where rounding does not decide the sign
        torch.testing.assert_close(
            trained[name].detach().double()[clear], expected[clear], atol=1e-5, rtol=0, msg=name
        )


def test_every_difference_of_the_sources_can_be_switched_alone():
    reference = preset_settings("reference", genes=GENES)
    for field, value in PRESETS["reference"].items():
        assert getattr(reference, field) == value
        one = preset_settings("paper", genes=GENES, **{field: value})
        assert set(differences(one)) == {"preset", field}
    assert preset_settings("reference", genes=GENES, distance="cosine").distance == "cosine"


def test_the_reference_preset_reads_random_spots_and_the_paper_neighbours(tmp_path):
    sections = [painted_section(tmp_path, name, seed) for name, seed in (("a", 1), ("b", 2))]
    quick = {"pretrained": False, "freeze_encoder": True, "patch_px": 32, "sequence_length": 20}
    for preset, mixed in (("paper", False), ("reference", True)):
        settings = preset_settings(preset, genes=GENES, position_table=8, **quick)
        trainer = training_kit.trainer_with_features(sections, settings)
        steps = [rows for step in trainer.steps(0) for rows in step]
        assert sorted(np.concatenate(steps)) == list(range(98))
        both = [len(set(rows // 49)) == 2 for rows in steps]
        assert any(both) is mixed
        again = [rows for step in trainer.steps(1) for rows in step]
        same = {tuple(sorted(rows)) for rows in steps} == {tuple(sorted(rows)) for rows in again}
        assert same is not mixed  # neighbours stay together, random batches do not


def test_a_large_position_table_is_trained_where_spots_stand_and_whole_afterwards(section):
    settings = quick_settings(position_table=65_536, dropout=0.0)
    trainer = training_kit.trainer_with_features([section], settings)
    small = training_kit.trainer_with_features([section], quick_settings(dropout=0.0))
    with torch.no_grad():
        small.module.load_state_dict(
            {
                name: value[: len(small.module.state_dict()[name])]
                if name in ("x_embed.weight", "y_embed.weight")
                else value
                for name, value in trainer.module.state_dict().items()
            }
        )
    untouched = trainer.module.x_embed.weight[100:].clone()
    expected = small.step(small.steps(0)[0]).loss
    with used_positions(trainer.module, trainer.pool):
        assert trainer.module.x_embed.num_embeddings == 7
        inside = training_kit.Trainer(
            *(trainer.module, trainer.pool, trainer.config, settings),
            *(trainer.fabric, trainer.device, trainer.cancel),
        )
        assert inside.step(inside.steps(0)[0]).loss == pytest.approx(expected, abs=1e-6)
    assert trainer.module.x_embed.num_embeddings == 65_536
    torch.testing.assert_close(trainer.module.x_embed.weight[100:], untouched)
    torch.testing.assert_close(
        trainer.module.x_embed.weight[:7], small.module.x_embed.weight[:7], atol=1e-6, rtol=0
    )


@pytest.mark.slow
def test_two_processes_train_as_one(tmp_path):
    training_kit.one_shared_step(tmp_path, 1)
    script = str(Path(training_kit.__file__))
    done = subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--nproc_per_node=2"),
            *("--rdzv_backend=c10d", "--rdzv_endpoint=localhost:0", script, str(tmp_path), "2"),
        ],
        env=environment(OMP_NUM_THREADS="1"),
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    alone = load_file(tmp_path / "1-0.safetensors")
    shared = [load_file(tmp_path / f"2-{rank}.safetensors") for rank in (0, 1)]
    assert sum(name.startswith("grad.") for name in alone) > 20
    for each in shared:
        assert set(each) == set(alone)
        for name, value in alone.items():
            torch.testing.assert_close(each[name], value, atol=1e-5, rtol=0, msg=name)
    for name, value in shared[0].items():
        assert torch.equal(value, shared[1][name]), name


def test_more_processes_than_sequences_are_refused(section):
    with pytest.raises(SettingsError, match="--sequences-per-step 2"):
        training_kit.trainer_with_features([section], quick_settings(), devices=2)


def test_similar_targets_are_bleeps():
    random = np.random.default_rng(0)
    spots, images = random.normal(size=(2, 5, 3))

    def softmax(x):
        return np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)

    logits = spots @ images.T
    targets = softmax((images @ images.T + spots @ spots.T) / 2)
    by_spot = -(targets * np.log(softmax(logits))).sum(axis=1)
    by_image = -(targets.T * np.log(softmax(logits.T))).sum(axis=1)
    expected = ((by_spot + by_image) / 2).mean()
    found = similar_targets_loss(torch.from_numpy(spots), torch.from_numpy(images))
    assert float(found) == pytest.approx(expected, abs=1e-9)


def test_the_ranking_loss_is_added_for_each_sequence_by_its_weight(section):
    plain = training_kit.trainer_with_features([section], quick_settings(dropout=0.0))
    ranked = training_kit.trainer_with_features([section], quick_settings(dropout=0.0, ranking=0.5))
    ranked.module.load_state_dict(plain.module.state_dict())
    sequences = [rows for step in plain.steps(0) for rows in step]
    assert len(sequences) == 2
    added = []
    for rows in sequences:
        images = plain.module.project_images(plain.pool.features[rows])
        added.append(ranking_loss(images, plain.pool.expression[rows]).item())
    expected = plain.loss(sequences)[0].item() + 0.5 * np.mean(added)
    assert ranked.loss(sequences)[0].item() == pytest.approx(expected, abs=1e-5)
