"""A training that was killed and goes on leaves what one leaves that was never stopped."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from napari_mclstexp.model import load_model, save_model
from napari_mclstexp.progress import TrainingPoint
from napari_mclstexp.training import trainer
from napari_mclstexp.training.curves import Curves
from support.cohort_fixtures import QUICK
from support.shell_kit import files_under, shell


class Killed(BaseException):
    """Stands for a kill: nothing catches it."""


def test_curves_are_read_back_to_the_last_digit(tmp_path):
    losses = [0.06349206467469533, 6.492542743682861, 0.1 + 0.2, 2 / 3]
    points = [TrainingPoint(n, 9, loss, 0.1 / 3, 1e-3) for n, loss in enumerate(losses, 1)]
    whole, resumed = Curves(tmp_path / "whole"), Curves(tmp_path / "resumed")
    for point in points:
        whole.add(point)
    for point in points[:3]:
        resumed.add(point)
    Curves(tmp_path / "resumed", 3).add(points[3])
    curves = [(tmp_path / name / "curves.csv").read_text() for name in ("whole", "resumed")]
    assert curves[0] == curves[1]


@pytest.mark.slow
@pytest.mark.parametrize("last", ["the table", "the checkpoint"])
def test_no_epoch_lacks_after_a_kill_between_table_and_checkpoint(
    cohort, tmp_path, monkeypatch, last
):
    def killed_after(own):
        def call(*given):
            own(*given)
            if len(calls := [*done, 1]) == 2:
                raise Killed
            done[:] = calls

        done: list[int] = []
        return call

    arguments = ("train", "--cohort", cohort, "--genes", cohort.parent / "genes.txt", *QUICK,
                 "--encoder", "timm:test_resnet", "--epochs", 3, "--resume", "--out")  # fmt: skip
    assert shell(*arguments, tmp_path / "whole").code == 0
    with monkeypatch.context() as patch:
        if last == "the table":
            patch.setattr(Curves, "add", killed_after(Curves.add))
        else:
            patch.setattr(trainer, "save_checkpoint", killed_after(trainer.save_checkpoint))
        with pytest.raises(Killed):
            shell(*arguments, tmp_path / "killed")
    assert shell(*arguments, tmp_path / "killed").code == 0
    tables = [
        pd.read_csv(tmp_path / name / "training" / "curves.csv") for name in ("whole", "killed")
    ]
    assert list(tables[1]["epoch"]) == [1, 2, 3]
    pd.testing.assert_frame_equal(*tables)


def test_what_a_kill_left_of_a_table_does_not_come_into_the_model(tiny_model, tmp_path):
    training = tmp_path / "training"
    training.mkdir()
    for name in ("curves.csv", ".curves.0123abcd.part.csv"):
        (training / name).write_text("epoch\n")
    save_model(load_model(tiny_model), tmp_path / "model", training=training)
    assert {n for n in files_under(tmp_path / "model") if "training" in n} == {
        *("training", str(Path("training") / "curves.csv"))
    }
