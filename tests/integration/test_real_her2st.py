"""The method on real tissue: HER2+ breast sections that the project does not ship."""

from __future__ import annotations

from napari_mclstexp.inference.correlation import summarise
from napari_mclstexp.inference.predict import predict
from napari_mclstexp.inference.prediction_io import write_prediction
from napari_mclstexp.training.settings import TrainSettings
from napari_mclstexp.training.train import train
from support.her2st import NEEDED, WEIGHTS, section
from support.places import SHARED

pytestmark = NEEDED


def test_four_sections_teach_it_to_read_a_fifth(tmp_path):
    genes = tuple((SHARED / "data" / "gene_lists" / "her2st_785.txt").read_text().split())
    settings = TrainSettings(
        genes=genes,
        encoder="timm:tf_efficientnet_lite0",
        weights=WEIGHTS,
        freeze_encoder=True,
        views=1,
        epochs=25,
    )
    sections = [section(name) for name in ("C2", "C3", "C4", "B4")]
    model = train(sections, settings, device="cpu")
    query = section("C5")
    with query.open() as slide:
        found = predict(slide, query.spots, model, device="cpu")
    write_prediction(found, tmp_path / "C5.h5ad")

    measured = found.layers["measured"]
    ours = summarise(found.var["pcc"].to_numpy(), measured)
    assert found.shape == (181, 785)
    assert ours.mean > 0.07
    assert ours.mean_top > 0.17
    assert found.var["pcc"]["HLA-DRA"] > 0.35
