"""Shell, dock and Python train by one recipe, so the same cohort gives the same weights."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from safetensors.torch import load_file

from napari_mclstexp import train_cohort
from napari_mclstexp.errors import Cancelled, SettingsError, UserError
from napari_mclstexp.model import load_model
from napari_mclstexp.progress import CancelToken, TrainingPoint
from napari_mclstexp.training.process import TrainRequest
from support.cohort_fixtures import QUICK
from support.engine_kit import GENES
from support.shell_kit import program

EPOCHS = 3
CHOSEN = {
    "preset": "paper",
    "pretrained": False,
    "freeze_encoder": True,
    "patch_px": 32,
    "sequence_length": 10,
    "learning_rate": 0.003,
    "k": 5,
}


# What a person's script does, told as JSON.
SCRIPT = """
import json, sys
from napari_mclstexp import train_cohort
from napari_mclstexp.progress import Estimate, TrainingPoint
events = []
cohort, out, choices = sys.argv[1:]
made = train_cohort(cohort, out, progress=events.append, **json.loads(choices))
partial = [event.partial for event in events]
told = {
    "held_out_pcc": made.model.config.held_out_pcc,
    "report": str(made.report),
    "notes": made.notes,
    "estimates": sum(isinstance(each, Estimate) for each in partial),
    "epochs": [each.epoch for each in partial if isinstance(each, TrainingPoint)],
}
print(json.dumps(told))
"""


def test_shell_dock_and_python_give_equal_weights(cohort, tmp_path):
    genes = cohort.parent / "genes.txt"
    told = program(
        *("train", "--cohort", cohort, "--genes", genes, "--out", tmp_path / "shell"),
        *(*QUICK, "--epochs", EPOCHS, "--held-out", "c"),
    )
    assert told.code == 0, told.err
    request = TrainRequest(
        cohort=cohort,
        out=tmp_path / "dock",
        genes=genes,
        preset="paper",
        from_scratch=True,
        freeze_encoder=True,
        held_out="c",
        epochs=EPOCHS,
        more=tuple(map(str, (*QUICK[4:], "--resume", "--events", tmp_path / "events.jsonl"))),
    )
    done = program(*request.arguments())
    assert done.code == 0, done.err
    choices = {**CHOSEN, "epochs": EPOCHS, "held_out": "c", "genes": str(genes), "device": "cpu"}
    script = [sys.executable, "-c", SCRIPT, str(cohort), str(tmp_path / "python")]
    script.append(json.dumps(choices))
    ran = subprocess.run(script, capture_output=True, text=True, timeout=240, check=False)
    assert ran.returncode == 0, ran.stderr
    made = json.loads(ran.stdout)
    whole = load_file(tmp_path / "shell" / "weights.safetensors")
    for other in ("dock", "python"):
        weights = load_file(tmp_path / other / "weights.safetensors")
        assert set(weights) == set(whole)
        for name, value in whole.items():
            assert value.equal(weights[name]), (other, name)
    for name in ("shell", "dock", "python"):
        scores = load_model(tmp_path / name).config.held_out_pcc
        assert scores == made["held_out_pcc"]
        assert (tmp_path / name / "training" / "report.html").is_file()
    assert made["report"] == str(tmp_path / "python" / "training" / "report.html")
    assert made["notes"][0].startswith("Foreseen: About ")
    assert made["estimates"] > 0
    assert made["epochs"][:EPOCHS] == [1, 2, 3]


def test_genes_may_be_named_in_python(cohort, tmp_path):
    made = train_cohort(
        cohort, tmp_path / "m", genes=GENES[:2], stop_on="b", device="cpu", epochs=1, **CHOSEN
    )
    assert made.model.config.genes == GENES[:2]
    assert made.model.config.trained_on == ("a", "c")
    assert made.report is None


def test_python_too_refuses_before_any_work(cohort, tmp_path):
    with pytest.raises(SettingsError, match="no section zebra"):
        train_cohort(cohort, tmp_path / "m", genes=GENES, held_out="zebra", **CHOSEN)
    with pytest.raises(UserError, match="would overwrite"):
        train_cohort(cohort, cohort.parent, genes=GENES, **CHOSEN)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("resume", [False, True])
def test_a_cancel_leaves_the_last_epoch_only_if_it_may_be_resumed(cohort, tmp_path, resume):
    cancel = CancelToken()

    def stop(event):
        if isinstance(event.partial, TrainingPoint) and event.partial.epoch == 2:
            cancel.cancel()

    with pytest.raises(Cancelled):
        train_cohort(
            *(cohort, tmp_path / "m"),
            genes=GENES,
            resume=resume,
            device="cpu",
            epochs=50,
            progress=stop,
            cancel=cancel,
            **CHOSEN,
        )
    assert {path.name for path in tmp_path.iterdir()} == ({"m.run"} if resume else set())
