"""The method on real tissue: HER2+ breast sections that the project does not ship."""

from __future__ import annotations

import time

import numpy as np

from napari_mclstexp.cohort.section import Section
from napari_mclstexp.evaluation.baselines import image_knn
from napari_mclstexp.inference.correlation import pcc_per_gene, summarise
from napari_mclstexp.inference.device import pick_device
from napari_mclstexp.inference.image_features import image_features
from napari_mclstexp.inference.predict import predict
from napari_mclstexp.inference.prediction_io import write_prediction
from napari_mclstexp.training.settings import TrainSettings
from napari_mclstexp.training.train import train
from support.her2st import NEEDED, WEIGHTS, section
from support.places import SHARED

pytestmark = NEEDED


def features(each: Section, model) -> np.ndarray:
    with each.open() as slide:
        return image_features(
            slide,
            np.asarray(each.spots.obsm["spatial"]),
            model.module.image_encoder,
            patch_px=model.config.patch_px,
            um_per_px=model.config.um_per_px,
            device=pick_device("cpu"),
        )


def test_four_sections_teach_it_to_read_a_fifth(tmp_path, capsys):
    genes = tuple((SHARED / "data" / "gene_lists" / "her2st_785.txt").read_text().split())
    settings = TrainSettings(
        genes=genes,
        encoder="timm:tf_efficientnet_lite0",
        weights=WEIGHTS,
        freeze_encoder=True,
        views=4,
        epochs=25,
    )
    start = time.perf_counter()
    sections = [section(name) for name in ("C2", "C3", "C4", "B4")]
    model = train(sections, settings, device="cpu")
    query = section("C5")
    with query.open() as slide:
        found = predict(slide, query.spots, model, device="cpu")
    took = time.perf_counter() - start
    write_prediction(found, tmp_path / "C5.h5ad")

    measured = found.layers["measured"]
    rows = {"mclSTExp": found.X}
    known = np.concatenate([features(each, model) for each in sections])
    here = features(query, model)
    for k in (50, 200):
        rows[f"image-feature kNN, k = {k}"] = image_knn(known, model.bank.expression, here, k)
    with capsys.disabled():
        print(f"\nher2st C5 from C2, C3, C4, B4: trained and predicted in {took:.0f} s")
        for name, values in rows.items():
            s = summarise(pcc_per_gene(values, measured), measured)
            print(f"{name:26} PCC all {s.mean:.3f} ({s.n_genes} genes)  top 50 {s.mean_top:.3f}")
    ours = summarise(found.var["pcc"].to_numpy(), measured)
    assert found.shape == (181, 785)
    assert ours.mean > 0.07
    assert ours.mean_top > 0.17
    assert found.var["pcc"]["HLA-DRA"] > 0.35
