"""Going on from a model, stopping in time, and what a training tells while it runs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from skimage.color import hed2rgb, rgb2hed
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from napari_mclstexp.errors import SettingsError
from napari_mclstexp.inference import feature_cache
from napari_mclstexp.model import load_model, save_model
from napari_mclstexp.model.backbones import build_backbone
from napari_mclstexp.progress import Estimate, HeldOutMap, TrainingPoint
from napari_mclstexp.training.augmentation import stain_jittered
from napari_mclstexp.training.finetuning import last_block, move_genes
from napari_mclstexp.training.train import train
from support.engine_kit import GENES, painted_section, quick_settings
from support.training_kit import trainer_with_features

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def sections(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sections")
    return [painted_section(folder, name, seed) for name, seed in (("a", 1), ("b", 2), ("c", 3))]


@pytest.fixture(scope="module")
def trained(sections, tmp_path_factory):
    """Return the folder of a model of the painted sections."""
    folder = tmp_path_factory.mktemp("models") / "first"
    save_model(train(sections[:1], quick_settings()), folder)
    return folder


def partials(events, kind):
    return [event.partial for event in events if isinstance(event.partial, kind)]


def test_shared_genes_keep_their_weights_and_new_ones_are_fresh(trained, sections):
    genes = ("FLAT", "NEW", "PURPLE")
    with_new = [painted_section(trained.parent, "n", 4)]
    with_new[0].spots.var_names = ["PURPLE", "NEW", "FLAT"]
    settings = quick_settings(genes=genes, init_from=trained, epochs=1, learning_rate=1e-9)
    tuned = train(with_new, settings).module.state_dict()
    old = load_model(trained).module.state_dict()
    at = [GENES.index("FLAT"), GENES.index("PURPLE")]
    close = {"atol": 1e-5, "rtol": 0}
    torch.testing.assert_close(tuned["x_embed.weight"][:, [0, 2]], old["x_embed.weight"][:, at])
    name = "spot_encoder.1.ff.fn.net.0.weight"
    torch.testing.assert_close(tuned[name][[0, 2]][:, [0, 2]], old[name][at][:, at], **close)
    name = "spot_encoder.0.attn.fn.to_qkv.weight"
    torch.testing.assert_close(tuned[name][:, [0, 2]], old[name][:, at], **close)
    name = "image_projection.fc.weight"
    torch.testing.assert_close(tuned[name], old[name], **close)
    fresh = tuned["spot_projection.projection.weight"][:, 1]
    assert not any(
        torch.allclose(fresh, column) for column in old["spot_projection.projection.weight"].T
    )


def test_the_first_models_reference_spots_vote_on(trained, sections):
    settings = quick_settings(init_from=trained, epochs=2)
    tuned = train(sections[1:2], settings)
    assert tuned.bank.sections == ("b", "a")
    assert tuned.config.trained_on == ("a", "b")
    assert len(tuned.bank.thumbnails) == len(tuned.bank) == 98
    # They stand where the tuned network puts them, not where the first one did.
    again = train(sections[:2], quick_settings(init_from=trained, epochs=1, learning_rate=1e-9))
    old = load_model(trained).bank
    rows = again.bank.section == "a"
    np.testing.assert_allclose(again.bank.embedding[rows], old.embedding, atol=1e-3)
    moved = tuned.bank.embedding[tuned.bank.section == "a"]
    assert np.abs(moved - old.embedding).max() > 1e-3
    assert len(again.bank) == 98  # a spot that both know is there once
    assert train(
        sections[1:2], quick_settings(**vars_of(settings, keep_bank=False))
    ).bank.sections == ("b",)


def vars_of(settings, **changes):
    return {"init_from": settings.init_from, "epochs": settings.epochs, **changes}


def test_no_tensor_that_counts_genes_is_forgotten(trained):
    state = {
        name: value
        for name, value in load_model(trained).module.state_dict().items()
        if not name.startswith("image_encoder.")
    }
    wide = {
        name: torch.full([7 if n == len(GENES) else n for n in value.shape], -1.0)
        for name, value in state.items()
    }
    moved = move_genes(wide, state, [*GENES, "D", "E", "F", "G"], GENES)
    for name, value in moved.items():
        assert value.shape == wide[name].shape, name
        assert (value.flatten()[0] == state[name].flatten()[0]).item(), name


def test_only_the_last_block_learns_where_only_it_shall(sections):
    changes = {"freeze_encoder": False, "epochs": 1, "augment": False}
    before = train(sections[:1], quick_settings(epochs=1)).module.image_encoder
    after = train(sections[:1], quick_settings(tune="last-block", **changes)).module.image_encoder
    changed = {
        name.split(".")[2]
        for name, value in before.state_dict().items()
        if not torch.equal(value, after.state_dict()[name])
    }
    assert changed == {"denseblock4", "norm5"}


def test_the_last_block_of_any_encoder_holds_a_tenth_of_it():
    for name in ("densenet121", "timm:tf_efficientnet_lite0"):
        encoder, _ = build_backbone(name)
        chosen = sum(p.numel() for part in last_block(encoder) for p in part.parameters())
        whole = sum(p.numel() for p in encoder.parameters())
        assert 0.1 <= chosen / whole <= 0.5


def test_training_stops_where_the_watched_section_was_best(sections, tmp_path):
    events = []
    settings = quick_settings(epochs=40, learning_rate=0.05, patience=4)
    model = train(
        sections[:2], settings, stop_on=sections[2], progress=events.append, curves=tmp_path
    )
    points = partials(events, TrainingPoint)
    pcc = [point.held_out_pcc for point in points]
    best = int(np.argmax(pcc)) + 1
    assert len(points) == best + 4 < 40
    assert model.config.settings["best_epoch"] == best
    with sections[2].open() as slide:
        from napari_mclstexp.inference.predict import predict

        found = predict(slide, sections[2].spots, model).var["pcc"]
    assert found.mean() == pytest.approx(max(pcc), abs=0.03)  # 16-bit features differ by batch
    table = pd.read_csv(tmp_path / "curves.csv")
    assert table["epoch"].tolist() == list(range(1, len(points) + 1))
    np.testing.assert_allclose(table["held_out_pcc"], pcc)
    board = EventAccumulator(str(tmp_path))
    board.Reload()
    assert {"loss", "retrieval_accuracy", "held_out_pcc"} <= set(board.Tags()["scalars"])
    np.testing.assert_allclose(
        [each.value for each in board.Scalars("loss")], table["loss"], rtol=1e-5
    )


def test_the_held_out_map_is_what_the_model_reads_at_that_moment(sections):
    events = []
    train(sections[:2], quick_settings(epochs=8), held_out=sections[2], progress=events.append)
    last = partials(events, HeldOutMap)[-1]
    assert (last.section, last.gene in GENES) == ("c", True)
    assert np.corrcoef(last.predicted, last.measured)[0, 1] == pytest.approx(last.pcc, abs=1e-5)
    assert last.xy.shape == (49, 2)


def test_time_and_memory_are_told_before_it_starts(sections):
    events = []
    train(sections[:1], quick_settings(epochs=2), progress=events.append)
    (estimate,) = partials(events, Estimate)
    assert events[0].partial is estimate
    assert 0 < estimate.seconds < 300
    assert "GiB of memory" in str(estimate)
    longer = []
    train(sections[:1], quick_settings(epochs=2, freeze_encoder=False), progress=longer.append)
    assert partials(longer, Estimate)[0].bytes > estimate.bytes


def test_retrieval_accuracy_is_one_when_every_patch_finds_its_spot(sections):
    settings = quick_settings(dropout=0.0, learning_rate=1e-3)
    trainer = trainer_with_features(sections[:1], settings)
    rows = [np.arange(6)]
    before = trainer.loss(rows)[1]
    for _ in range(150):
        stepped = trainer.step(rows)
    assert before <= 0.5
    assert stepped.accuracy == 1.0


def test_features_of_the_same_content_are_computed_once(sections, tmp_path, monkeypatch):
    monkeypatch.setenv("NAPARI_MCLSTEXP_CACHE", str(tmp_path / "cache"))

    def stages(**changes):
        events = []
        train(sections[:1], quick_settings(epochs=1, **changes), progress=events.append)
        return [event for event in events if event.what.startswith("Features")]

    assert stages()
    assert not stages(learning_rate=1e-5)  # nothing that features depend on
    assert stages(views=4)
    assert stages(patch_px=40)
    assert stages(seed=7)  # other random weights of the encoder
    renamed = painted_section(tmp_path, "other name", seed=1)
    assert renamed.slide_path != sections[0].slide_path
    kept = len(list((tmp_path / "cache").glob("*.npy")))
    train([renamed], quick_settings(epochs=1))
    assert len(list((tmp_path / "cache").glob("*.npy"))) == kept  # same pixels, same spots


def test_a_full_cache_forgets_what_was_used_longest_ago(tmp_path, monkeypatch, sections):
    monkeypatch.setenv("NAPARI_MCLSTEXP_CACHE", str(tmp_path))
    monkeypatch.setattr(feature_cache, "MOST_BYTES", 450_000)  # two of 200 kB
    for patch_px in (32, 40, 48):
        train(sections[:1], quick_settings(epochs=1, patch_px=patch_px))
    assert len(list(tmp_path.glob("*.npy"))) == 2


def test_stains_change_as_scikit_image_says():
    torch.manual_seed(0)
    random = np.random.default_rng(0)
    rgb = random.uniform(0.3, 0.95, size=(4, 8, 8, 3))
    images = torch.from_numpy(rgb).permute(0, 3, 1, 2)
    assert torch.equal(stain_jittered(images, 0.0), images)
    torch.manual_seed(1)
    scale = 1 + 0.2 * (2 * torch.rand(4, 3, 1, 1) - 1)
    shift = 0.02 * (2 * torch.rand(4, 3, 1, 1) - 1)
    torch.manual_seed(1)
    found = stain_jittered(images, 0.2).permute(0, 2, 3, 1).numpy()
    stains = rgb2hed(rgb) * scale.permute(0, 2, 3, 1).numpy() + shift.permute(0, 2, 3, 1).numpy()
    np.testing.assert_allclose(found, hed2rgb(stains), atol=1e-4)


def test_a_model_without_shared_genes_cannot_be_gone_on_from(trained, sections):
    with pytest.raises(SettingsError, match="shares no gene"):
        train(sections[:1], quick_settings(genes=("ENSG1",), init_from=trained))


def test_a_fine_tuned_model_votes_as_the_first_did_unless_told_otherwise(trained, sections):
    settings = {"init_from": trained, "epochs": 1, "k": None}
    kept = train(sections[:1], quick_settings(**settings)).config.retrieval
    assert (kept.k, kept.distance) == (5, "l2")
    told = train(sections[:1], quick_settings(**{**settings, "k": 9, "distance": "l1"}))
    assert (told.config.retrieval.k, told.config.retrieval.distance) == (9, "l1")
