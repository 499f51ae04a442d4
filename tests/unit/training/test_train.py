"""Training learns, repeats itself, goes on after an interruption, and stops when asked."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_mclstexp.cohort.section import Section
from napari_mclstexp.errors import Cancelled, ModelError, SettingsError
from napari_mclstexp.model import load_model, save_model
from napari_mclstexp.progress import CancelToken
from napari_mclstexp.training import data
from napari_mclstexp.training.augmentation import augmented
from napari_mclstexp.training.train import train
from support.engine_kit import GENES, painted_section, quick_settings, without_counts


@pytest.fixture(scope="module")
def sections(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sections")
    return [painted_section(folder, name, seed) for name, seed in (("a", 1), ("b", 2))]


def weights(model):
    return model.module.state_dict()


def assert_same_weights(one, other):
    for name, value in weights(one).items():
        assert torch.equal(value, weights(other)[name]), name


def test_the_loss_falls_and_the_model_says_what_it_was_made_of(sections, tmp_path):
    events = []
    held_out = painted_section(tmp_path, "c", seed=3)
    model = train(sections, quick_settings(epochs=30), held_out=held_out, progress=events.append)
    losses = [event.partial.loss for event in events if hasattr(event.partial, "loss")]
    assert len(losses) == 30
    assert losses[-1] < 0.7 * losses[0]
    assert model.config.trained_on == ("a", "b")
    assert model.config.held_out_pcc["PURPLE"] > 0.6
    assert model.config.genes == GENES
    assert len(model.bank) == 98
    assert model.bank.sections == ("a", "b")
    assert model.bank.thumbnails[0].startswith(b"\xff\xd8")


def test_the_encoder_learns_unless_it_is_frozen(sections):
    before = train(sections[:1], quick_settings(epochs=1))
    frozen = train(sections[:1], quick_settings(epochs=2))
    learned = train(sections[:1], quick_settings(epochs=1, freeze_encoder=False))
    name = "image_encoder.model.0.conv0.weight"
    assert torch.equal(weights(before)[name], weights(frozen)[name])
    assert not torch.equal(weights(before)[name], weights(learned)[name])


def test_the_same_seed_gives_the_same_model_and_another_another(sections):
    one, again, other = (train(sections, quick_settings(seed=seed)) for seed in (0, 0, 1))
    assert_same_weights(one, again)
    name = "image_projection.fc.weight"
    assert not torch.equal(weights(one)[name], weights(other)[name])


def test_training_goes_on_from_a_checkpoint_as_if_it_had_never_stopped(sections, tmp_path):
    whole = train(sections, quick_settings())
    cancel, path = CancelToken(), tmp_path / "run.safetensors"

    def stop(event):
        if event.partial is not None and getattr(event.partial, "epoch", 0) == 3:
            cancel.cancel()

    with pytest.raises(Cancelled):
        train(sections, quick_settings(), progress=stop, cancel=cancel, checkpoint=path)
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
    assert_same_weights(whole, train(sections, quick_settings(), checkpoint=path))


def test_a_checkpoint_of_another_run_is_refused(sections, tmp_path):
    path = tmp_path / "run.safetensors"
    train(sections, quick_settings(epochs=1), checkpoint=path)
    with pytest.raises(SettingsError, match="other sections or settings"):
        train(sections, quick_settings(epochs=1, seed=5), checkpoint=path)
    path.write_bytes(b"torn")
    with pytest.raises(SettingsError, match="damaged"):
        train(sections, quick_settings(epochs=1), checkpoint=path)


def test_a_cancel_ends_training_before_the_next_step(sections):
    cancel, told = CancelToken(), []

    def stop(event):
        told.append(event.what)
        if event.what.startswith("Epoch"):
            cancel.cancel()

    with pytest.raises(Cancelled):
        train(sections, quick_settings(freeze_encoder=False), progress=stop, cancel=cancel)
    assert [what.startswith("Epoch") for what in told].index(True) == len(told) - 1


def test_fine_tuning_starts_from_the_models_weights(sections, tmp_path):
    save_model(train(sections, quick_settings()), tmp_path / "first")
    tuned = train(
        sections[:1], quick_settings(init_from=tmp_path / "first", epochs=1, learning_rate=1e-9)
    )
    first = load_model(tmp_path / "first")
    for name, value in weights(first).items():
        torch.testing.assert_close(weights(tuned)[name], value, atol=1e-5, rtol=0)
    with pytest.raises(SettingsError, match="shares no gene"):
        train(sections, quick_settings(init_from=tmp_path / "first", genes=("XIST",)))


def test_augmented_patches_are_turned_and_mirrored_but_not_changed():
    torch.manual_seed(0)
    image = torch.arange(27.0).reshape(1, 3, 3, 3)
    views = {tuple(augmented(image).flatten().tolist()) for _ in range(200)}
    assert len(views) == 8
    assert {tuple(sorted(view)) for view in views} == {tuple(range(27))}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"genes": (*GENES, "XIST")}, "XIST"),
        ({"pretrained": True, "weights": "gone.safetensors"}, "gone.safetensors"),
    ],
    ids=["a gene that was not measured", "weights that are not there"],
)
def test_what_cannot_be_trained_is_named(sections, changes, words, tmp_path):
    if "weights" in changes:
        changes = {**changes, "weights": tmp_path / changes["weights"]}
    with pytest.raises((SettingsError, ModelError), match=words):
        train(sections, quick_settings(**changes))


def test_sections_without_counts_and_no_sections_are_refused(sections):
    bare = Section("bare", "p", sections[0].slide_path, without_counts(sections[0].spots), 2.0)
    with pytest.raises(SettingsError, match="bare has no counts"):
        train([bare], quick_settings())
    with pytest.raises(SettingsError, match="no sections"):
        train([], quick_settings())


@pytest.mark.parametrize("role", ["held_out", "stop_on"])
@pytest.mark.parametrize("alike", ["itself", "by name", "by its counts", "by its place"])
def test_what_judges_a_model_is_not_learned_from(sections, role, alike, tmp_path):
    first = sections[0]
    other = painted_section(tmp_path, "other", seed=9)
    apart = {
        "itself": first,
        "by name": Section("a", "p", other.slide_path, other.spots, 2.0),
        "by its counts": Section("copy", "p", other.slide_path, first.spots.copy(), 2.0),
        "by its place": Section("copy", "p", first.slide_path, other.spots[5:9].copy(), 2.0),
    }[alike]
    with pytest.raises(SettingsError, match=f"section {apart.name} is .* also learned from"):
        train(sections, quick_settings(epochs=1), **{role: apart})


def test_sequences_are_cut_once_and_not_every_epoch(sections, monkeypatch):
    cut = []
    original = data.neighbour_sequences
    monkeypatch.setattr(
        data, "neighbour_sequences", lambda *given: (cut.append(1), original(*given))[1]
    )
    few, many = [], []
    for epochs, counted in ((1, few), (5, many)):
        cut.clear()
        train(sections, quick_settings(epochs=epochs))
        counted += cut
    assert len(few) == len(many)


def test_positions_below_zero_are_named(sections):
    spots = sections[0].spots.copy()
    spots.obs["array_row"] = spots.obs["array_row"] - 1
    shifted = Section("shifted", "p", sections[0].slide_path, spots, 2.0)
    with pytest.raises(SettingsError, match="array position -1"):
        train([shifted], quick_settings())


def test_positions_and_expression_of_the_bank_are_the_sections(sections):
    model = train(sections[:1], quick_settings(epochs=1))
    spots = sections[0].spots
    np.testing.assert_array_equal(model.bank.barcode, spots.obs_names)
    np.testing.assert_array_equal(model.bank.array_col, spots.obs["array_col"])
    total = np.asarray(spots.X.sum(1)).ravel()
    expected = np.log1p(spots.X.toarray() / total[:, None] * 1e4)
    np.testing.assert_allclose(model.bank.expression, expected, rtol=1e-5)
