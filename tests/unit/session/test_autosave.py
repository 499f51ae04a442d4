"""Unsaved work is kept through a crash, and offered back on its own slide and spots only."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap

import numpy as np

from napari_mclstexp.analysis.domain_map import map_of
from napari_mclstexp.analysis.domain_settings import DomainSettings
from napari_mclstexp.analysis.domains import Domains
from napari_mclstexp.session.annotations import Annotations
from napari_mclstexp.session.autosave import Recovery
from support.places import TESTS
from support.session_kit import make_spots


def domains(n=64):
    labels = np.array(["1", "2"] * (n // 2))
    found = map_of(
        Domains(labels, 2, "As asked for.", np.zeros((n, 1))), DomainSettings(2), "measured"
    )
    return found.renamed("1", "Stroma")


KEEPER = """
    import sys, time
    from pathlib import Path
    sys.path.insert(0, {tests!r})
    from support.session_kit import region
    from napari_mclstexp.session.autosave import Recovery
    from napari_mclstexp.session.annotations import Annotations
    recovery = Recovery(Path({folder!r}))
    for number in range(1, 10_000):
        recovery.keep("f" * 64, Annotations(regions=(region(str(number)),)), None)
        print(number, flush=True)
"""


def test_kill_while_annotating_offers_the_last_work_back(tmp_path):
    code = KEEPER.format(tests=str(TESTS), folder=str(tmp_path))
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True
    ) as process:
        done = [int(process.stdout.readline()) for _ in range(20)]
        process.send_signal(signal.SIGKILL)
        done += [int(line) for line in process.stdout.read().split()]
    kept = Recovery(tmp_path).find("f" * 64)
    assert int(kept.annotations.regions[0].name) in (done[-1], done[-1] + 1)


def test_kept_domains_come_back_only_on_their_own_spots(tmp_path):
    ours, theirs = make_spots(), make_spots()[:10].copy()
    Recovery(tmp_path).keep("f" * 64, Annotations(domains=domains(), notes="n"), ours)
    kept = Recovery(tmp_path).find("f" * 64)
    assert kept.for_spots(ours)["domains"].names["1"] == "Stroma"
    assert "domains" not in kept.for_spots(theirs)


def test_ones_own_work_is_not_offered_and_spoilt_work_neither(tmp_path):
    recovery = Recovery(tmp_path)
    recovery.keep("f" * 64, Annotations(notes="mine"), None)
    assert recovery.find("f" * 64) is None
    (tmp_path / f"{'f' * 24}-spoilt.json").write_text("{")
    assert recovery.find("f" * 64) is None
    assert Recovery(tmp_path).find("e" * 64) is None
    Recovery(tmp_path).forget("f" * 64, own=False)
    assert Recovery(tmp_path).find("f" * 64) is None
