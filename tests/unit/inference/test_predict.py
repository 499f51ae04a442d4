"""What a prediction holds, and what it must not depend on."""

from __future__ import annotations

import numpy as np
import pytest

from napari_mclstexp.errors import Cancelled, SettingsError, SlideError, SpotsError
from napari_mclstexp.inference import device as devices
from napari_mclstexp.inference.device import Device, pick_device
from napari_mclstexp.inference.predict import predict
from napari_mclstexp.inference.prediction_io import read_prediction, write_prediction
from napari_mclstexp.progress import CancelToken
from napari_mclstexp.training.train import train
from support.engine_kit import painted_section, quick_settings, without_counts


@pytest.fixture(scope="module")
def section(tmp_path_factory):
    return painted_section(tmp_path_factory.mktemp("query"), "query", seed=9)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("train")
    sections = [painted_section(folder, name, seed) for name, seed in (("a", 1), ("b", 2))]
    return train(sections, quick_settings(epochs=40))


@pytest.fixture
def slide(section):
    with section.open() as slide:
        yield slide


@pytest.mark.slow
def test_a_model_of_painted_sections_reads_a_third_one(slide, section, model):
    found = predict(slide, section.spots, model)
    assert found.shape == (49, 3)
    assert found.var["pcc"][["PURPLE", "PINK"]].min() > 0.6
    assert found.obs["similarity"].between(-1, 1).all()
    assert found.layers["spread"].min() >= 0
    np.testing.assert_array_equal(found.obsm["spatial"], section.spots.obsm["spatial"])
    lowest, highest = model.bank.expression.min(0), model.bank.expression.max(0)
    assert (lowest - 1e-4 <= found.X).all()  # a mean of what was measured somewhere
    assert (highest + 1e-4 >= found.X).all()


def test_a_spot_with_hardly_a_count_is_no_measurement_to_be_judged_by(slide, section, model):
    """One such spot beside 48 good ones moves the correlation that a person reads."""
    whole = predict(slide, section.spots, model).var["pcc"]
    spots = section.spots.copy()
    spots.X[0] = 0
    found = predict(slide, spots, model)
    others = predict(slide, section.spots[1:].copy(), model).var["pcc"]
    assert found.obs["enough_counts"].tolist() == [False] + 48 * [True]
    np.testing.assert_allclose(found.var["pcc"], others, rtol=1e-4)
    assert abs(found.var["pcc"] - whole).max() > 1e-4


def test_the_model_is_left_as_it_was(slide, section, model):
    def standing():
        module = model.module
        flags = {name: each.training for name, each in module.named_modules()}
        held = [*module.named_parameters(), *module.named_buffers()]
        where = {n: (v.device, v.dtype, v.data_ptr(), v.requires_grad) for n, v in held}
        hooks = [len(each._forward_hooks) for each in module.modules()]
        return flags, where, hooks, {n: v.clone() for n, v in module.state_dict().items()}

    model.module.train()
    try:
        before = standing()
        predict(slide, section.spots[:4].copy(), model)
        after = standing()
    finally:
        model.module.eval()
    assert after[:3] == before[:3]
    assert all(value.equal(after[3][name]) for name, value in before[3].items())


def test_provenance_and_picture_are_what_scanpy_and_a_reader_look_for(slide, section, model):
    found = predict(slide, section.spots, model)
    facts = found.uns["mclstexp"]
    assert facts["unit"] == model.config.unit
    assert facts["um_per_px"] == 2.0
    assert facts["slide"] == str(section.slide_path)
    assert facts["slide_fingerprint"] == slide.fingerprint()
    library = found.uns["spatial"]["query"]
    assert library["images"]["hires"].shape == (350, 350, 3)
    assert library["scalefactors"]["tissue_hires_scalef"] == pytest.approx(1.0)
    assert library["scalefactors"]["spot_diameter_fullres"] == pytest.approx(55 / 2)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_batch_size_does_not_matter(slide, section, model, dtype, monkeypatch):
    import torch

    where = Device(torch.device("cpu"), getattr(torch, dtype), True, "CPU", 32)
    monkeypatch.setattr("napari_mclstexp.inference.predict.pick_device", lambda *_: where)
    one, many = (predict(slide, section.spots, model, batch_size=b).X for b in (3, 49))
    np.testing.assert_allclose(one, many, atol=1e-3 if dtype == "float32" else 0.05)


def test_16_bit_arithmetic_tells_the_same_as_32_bit(slide, section, model, monkeypatch):
    import torch

    found = {}
    for dtype in (torch.float32, torch.bfloat16):
        where = Device(torch.device("cpu"), dtype, True, "CPU", 32)
        monkeypatch.setattr("napari_mclstexp.inference.predict.pick_device", lambda *_, w=where: w)
        found[dtype] = predict(slide, section.spots, model).X
    full, half = found.values()
    for gene in range(2):
        assert np.corrcoef(full[:, gene], half[:, gene])[0, 1] > 0.99
    assert np.abs(full - half).mean() < 0.05


def test_the_scan_resolution_does_not_matter(section, model, tmp_path):
    """The same tissue scanned at twice the resolution gives the same map."""
    fine = painted_section(tmp_path, "query", seed=9, um_per_px=1.0)
    with section.open() as at_2, fine.open() as at_1:
        coarse_map = predict(at_2, section.spots, model).X[:, 0]
        fine_map = predict(at_1, fine.spots, model).X[:, 0]
    assert np.corrcoef(coarse_map, fine_map)[0, 1] > 0.97


def test_a_slide_far_coarser_than_the_model_is_refused(slide, section, model):
    slide.um_per_px = 9.0  # the model reads at 2
    with pytest.raises(SlideError, match="has 9 µm per px, more than 4 times as coarse as the 2"):
        predict(slide, section.spots, model)


def test_partial_results_add_up_to_the_whole(slide, section, model):
    events = []
    found = predict(slide, section.spots, model, batch_size=10, progress=events.append)
    together = np.full(found.shape, np.nan, dtype=np.float32)
    for event in events:
        together[event.partial.indices] = event.partial.expression
    np.testing.assert_array_equal(together, found.X)
    assert [event.done for event in events] == [10, 20, 30, 40, 49]
    assert {event.total for event in events} == {49}


def test_some_genes_are_predicted_as_among_all(slide, section, model):
    every = predict(slide, section.spots, model)
    some = predict(slide, section.spots, model, genes=["PINK", "PURPLE"])
    assert some.var_names.tolist() == ["PINK", "PURPLE"]
    np.testing.assert_allclose(some.X, every[:, ["PINK", "PURPLE"]].X, atol=1e-5)
    np.testing.assert_allclose(
        some.layers["measured"], every[:, ["PINK", "PURPLE"]].layers["measured"]
    )


def test_an_unknown_gene_is_named_with_those_like_it(slide, section, model):
    with pytest.raises(SettingsError, match=r"PURPEL.*did you mean PURPLE"):
        predict(slide, section.spots, model, genes=["PURPEL"])


def test_spots_without_counts_have_no_measurement(slide, section, model):
    found = predict(slide, without_counts(section.spots), model)
    assert "measured" not in found.layers
    assert "pcc" not in found.var


def test_the_scale_comes_from_the_spots_or_is_asked_for(slide, section, model):
    slide.um_per_px = slide.um_per_px_source = None
    found = predict(slide, section.spots, model)
    assert found.uns["mclstexp"]["um_per_px_source"] == "spots"
    assert slide.um_per_px == pytest.approx(2.0)
    slide.um_per_px = None
    spots = section.spots.copy()
    del spots.uns["mclstexp"]["pitch_um"]
    with pytest.raises(SlideError, match="give µm per pixel"):
        predict(slide, spots, model)


def test_the_picture_beside_a_prediction_has_1024_px_at_most(tiny_prediction):
    ((_, library),) = tiny_prediction.uns["spatial"].items()
    height, width = library["images"]["hires"].shape[:2]  # of a slide of 1600 by 1200 px
    assert (width, height) == (1024, 768)
    assert library["scalefactors"]["tissue_hires_scalef"] == pytest.approx(1024 / 1600)


def test_a_cancel_is_obeyed_before_the_next_batch(slide, section, model):
    cancel, seen = CancelToken(), []

    def stop(event):
        seen.append(event)
        cancel.cancel()

    with pytest.raises(Cancelled):
        predict(slide, section.spots, model, batch_size=4, progress=stop, cancel=cancel)
    assert len(seen) == 1


def test_a_written_prediction_reads_back(slide, section, model, tmp_path):
    found = predict(slide, section.spots, model)
    write_prediction(found, tmp_path / "p.h5ad")
    back = read_prediction(tmp_path / "p.h5ad")
    np.testing.assert_array_equal(back.X, found.X)
    assert back.uns["mclstexp"]["model_name"] == model.config.name
    assert [path.name for path in tmp_path.iterdir()] == ["p.h5ad"]


def test_other_h5ad_files_are_no_predictions(section, tmp_path):
    section.spots.write_h5ad(tmp_path / "spots.h5ad")
    with pytest.raises(SpotsError, match="not a prediction"):
        read_prediction(tmp_path / "spots.h5ad")
    (tmp_path / "torn.h5ad").write_bytes(b"HDF?")
    with pytest.raises(SpotsError, match="damaged"):
        read_prediction(tmp_path / "torn.h5ad")
    with pytest.raises(SpotsError, match="no prediction"):
        read_prediction(tmp_path / "gone.h5ad")


def test_a_device_that_is_not_there_is_refused(monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SettingsError, match="cuda is not on this machine"):
        pick_device("cuda")
    with pytest.raises(SettingsError, match="unknown"):
        pick_device("tpu")
    assert pick_device("cpu").torch.type == "cpu"


@pytest.mark.parametrize(("has", "dtype"), [(True, "bfloat16"), (False, "float32")])
def test_the_cpu_computes_in_16_bits_only_where_it_can(has, dtype, monkeypatch):
    monkeypatch.setattr(devices, "cpu_has_bf16", lambda: has)
    assert str(pick_device("cpu").dtype) == f"torch.{dtype}"
