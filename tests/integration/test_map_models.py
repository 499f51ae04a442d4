"""Models with a feature map and a linear head, from training to evidence, on painted sections."""

import dataclasses
import shutil

import numpy as np
import pytest
from PIL import Image

from napari_mclstexp import load_model, open_slide, predict, read_spots, save_model
from napari_mclstexp.analysis.evidence import evidence, retrieved_by_section
from napari_mclstexp.errors import ModelError, SettingsError
from napari_mclstexp.spots import lay_grid
from napari_mclstexp.spots.grid_settings import GridSettings
from napari_mclstexp.spots.schema import Provenance, read_programs
from napari_mclstexp.training.presets import preset_settings
from napari_mclstexp.training.train import train
from support.engine_kit import GENES, painted_section

QUICK = {
    "encoder": "timm:test_efficientnet",
    "pretrained": False,
    "map_um_per_px": 2.0,
    "patch_px": 32,
    "epochs": 2,
    "k": 5,
}


@pytest.fixture(scope="module")
def sections(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sections")
    return [painted_section(folder, name, seed) for seed, name in enumerate("abc", start=1)]


@pytest.fixture(scope="module")
def models(sections, tmp_path_factory):
    """Return a model of each head, saved and read again."""
    folder = tmp_path_factory.mktemp("models")
    made = {}
    for head in ("linear", "blend", "contrastive"):
        settings = preset_settings("default", genes=GENES, head=head, **QUICK)
        model = train(sections[:2], settings, device="cpu")
        save_model(model, folder / head)
        made[head] = load_model(folder / head)
        assert made[head].id == model.id
    return made


def predicted(section, model, spots=None, **options):
    with section.open() as slide:
        spots = section.spots if spots is None else spots
        return predict(slide, spots, model, device="cpu", **options)


@pytest.fixture(scope="module")
def predictions(sections, models):
    return {head: predicted(sections[2], model) for head, model in models.items()}


@pytest.mark.parametrize("head", ["linear", "blend", "contrastive"])
def test_every_heads_evidence_adds_up_to_the_value(models, predictions, head):
    model, prediction = models[head], predictions[head]
    assert Provenance.read(prediction).head == head
    for spot in prediction.obs_names[[0, 7]]:
        for gene in GENES[:3]:
            found = evidence(model, prediction, spot, gene)
            value = float(prediction[spot, gene].X.item())
            assert found.base + sum(each.adds for each in found.retrieved) == pytest.approx(
                value, abs=1e-5
            )
            assert found.value == pytest.approx(value, abs=1e-5)
            assert sum(retrieved_by_section(found).values()) == pytest.approx(1, abs=1e-5)


def test_a_linear_value_is_raised_by_some_spots_and_lowered_by_others(models, predictions):
    prediction = predictions["linear"]
    found = evidence(models["linear"], prediction, prediction.obs_names[0], GENES[0])
    adds = np.array([each.adds for each in found.retrieved])
    assert len(adds) == len(models["linear"].bank)
    assert (adds > 0).any()
    assert (adds < 0).any()
    level = prediction.var["section_level"]
    assert found.base == pytest.approx(level[GENES[0]])
    bank = models["linear"].bank.expression  # a mean of what was measured at reference spots
    assert (bank.min(axis=0) <= level + 1e-6).all()
    assert (level <= bank.max(axis=0) + 1e-6).all()


def test_a_model_that_knows_no_looks_starts_from_the_mean_of_its_sections(sections, models):
    model = models["linear"]
    older = dataclasses.replace(model, bank=dataclasses.replace(model.bank, looks=None))
    prediction = predicted(sections[2], older)
    np.testing.assert_allclose(prediction.var["section_level"], model.linear.head.mean)
    found = evidence(older, prediction, prediction.obs_names[0], GENES[0])
    assert found.base + sum(each.adds for each in found.retrieved) == pytest.approx(
        float(prediction.X[0, 0]), abs=1e-5
    )


def test_one_spot_has_the_same_value_alone_as_among_others(sections, models, predictions):
    alone = predicted(sections[2], models["linear"], sections[2].spots[3:4].copy())
    for layer in (None, "lower", "upper", "spread"):
        np.testing.assert_allclose(
            alone.to_df(layer).iloc[0],
            predictions["linear"].to_df(layer).iloc[3],
            rtol=1e-5,
            atol=1e-5,
        )


def test_programs_and_intervals_are_kept_with_a_prediction(models, predictions):
    prediction, head = predictions["linear"], models["linear"].linear.head
    scores, loadings = read_programs(prediction)
    level = prediction.var["section_level"].to_numpy()
    made = level + head.slope * (scores.astype(float) @ loadings.T.astype(float))
    np.testing.assert_allclose(prediction.X, made, atol=1e-4)
    lower, upper = prediction.layers["lower"], prediction.layers["upper"]
    assert (lower <= upper).all()
    assert Provenance.read(prediction).interval == 0.8
    assert "lower" not in predictions["contrastive"].layers  # its errors are not known


def test_wider_intervals_hold_narrower_ones_and_no_share_is_refused(sections, models):
    narrow, wide = (
        predicted(sections[2], models["linear"], interval=level) for level in (0.5, 0.95)
    )
    assert (wide.layers["lower"] <= narrow.layers["lower"]).all()
    assert (wide.layers["upper"] >= narrow.layers["upper"]).all()
    with pytest.raises(SettingsError, match="share of 80 of the values"):
        predicted(sections[2], models["linear"], interval=80)


def test_samples_vary_more_than_the_smooth_prediction(sections, models):
    drawn = predicted(sections[2], models["linear"], samples=2, seed=3)
    again = predicted(sections[2], models["linear"], samples=2, seed=3)
    first, second = (drawn.layers[f"sample_{number}"] for number in (1, 2))
    np.testing.assert_array_equal(first, again.layers["sample_1"])
    assert not np.array_equal(first, second)
    assert first.var(axis=0).mean() > drawn.X.var(axis=0).mean()


def test_a_patient_left_out_scores_every_gene(models):
    config = models["linear"].config
    assert set(config.held_out_pcc) == set(GENES)
    assert all(config.held_out_low[gene] < config.held_out_pcc[gene] for gene in GENES)
    assert "each patient left out in turn" in config.held_out_note


def test_a_grid_of_any_pitch_is_read_from_the_same_map(sections, models):
    with sections[2].open() as slide:
        spots = lay_grid(slide, GridSettings(60.0, 55.0, "square"))
        dense = predict(slide, spots, models["linear"], device="cpu", genes=GENES[:2])
    assert dense.n_obs > 2 * sections[2].spots.n_obs
    assert np.isfinite(dense.X).all()


def test_fine_tuning_keeps_axes_and_reference_spots(sections, models):
    base = models["linear"]
    settings = preset_settings("default", genes=GENES, init_from=base.path)
    tuned = train([sections[2]], settings, device="cpu")
    assert tuned.config.head == "linear"
    assert tuned.config.trained_on == ("a", "b", "c")
    assert len(tuned.bank) == len(base.bank) + sections[2].spots.n_obs
    np.testing.assert_array_equal(tuned.linear.head.components, base.linear.head.components)
    prediction = predicted(sections[0], tuned)
    assert prediction.n_obs == sections[0].spots.n_obs


def test_a_linear_head_has_nothing_to_stop_on_and_patches_have_no_linear_head(sections):
    settings = preset_settings("default", genes=GENES, **QUICK)
    with pytest.raises(SettingsError, match="nothing to stop on c"):
        train(sections[:2], settings, stop_on=sections[2], device="cpu")
    with pytest.raises(SettingsError, match="linear head reads a feature map"):
        dataclasses.replace(settings, features="patches")
    with pytest.raises(SettingsError, match="--preset paper"):
        preset_settings("default", genes=GENES, tune="whole")


def test_a_model_whose_head_was_changed_is_refused(models, tmp_path):
    shutil.copytree(models["linear"].path, tmp_path / "m")
    path = tmp_path / "m" / "linear_head.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"linear_head\.safetensors was changed"):
        load_model(tmp_path / "m")


def test_a_slide_without_tissue_gets_the_mean_everywhere_and_no_error(models, tmp_path):
    Image.fromarray(np.full((400, 500, 3), 247, dtype=np.uint8)).save(tmp_path / "glass.png")
    (tmp_path / "spots.csv").write_text("x,y\n100,100\n300,200\n")
    with open_slide(tmp_path / "glass.png") as slide:
        slide.calibrate(2.0, "user")
        spots = read_spots(tmp_path / "spots.csv")
        prediction = predict(slide, spots, models["linear"], device="cpu")
    mean = models["linear"].linear.head.mean
    np.testing.assert_allclose(prediction.X, np.tile(mean, (2, 1)), rtol=1e-5)
