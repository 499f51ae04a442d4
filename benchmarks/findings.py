"""What benchmarks find: said to the one who runs one of them, and kept for the page of all."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

# Processes start from compiled files, as those of an installed program do.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

KEPT_IN = "BENCHMARK_FINDINGS"  # the file that findings are added to, set by `page.py`


@dataclass(frozen=True)
class Finding:
    """One number.

    Attributes
    ----------
    question
        What is asked, as a heading: "Encoding, 224 px".
    case
        Which of the things compared: "OpenVINO".
    value, unit
        What was found.
    against
        A second number in words, of the same run: "80 % of the limit".
    at
        The size of the problem, where growth is asked for.
    """

    question: str
    case: str
    value: float
    unit: str
    against: str = ""
    at: float | None = None


def found(finding: Finding) -> None:
    """Print a finding, and keep it where the page of all benchmarks is made."""
    size = "" if finding.at is None else f", {finding.at:,.0f}"
    print(
        f"{finding.question}: {finding.case}{size}: {finding.value:,.4g} {finding.unit}"
        f"{f' ({finding.against})' if finding.against else ''}",
        flush=True,
    )
    if path := os.environ.get(KEPT_IN):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(finding)) + "\n")


def read(path: Path) -> list[Finding]:
    """Return what was kept in a file."""
    if not path.is_file():
        return []
    return [Finding(**json.loads(line)) for line in path.read_text("utf-8").splitlines()]


def exponent(sizes: Sequence[float], values: Sequence[float]) -> float:
    """Return b of value = a * size ** b, by least squares of the logarithms; 1 is linear.

    What took no measurable time or memory has no logarithm, and is left out.
    """
    known = [(size, value) for size, value in zip(sizes, values, strict=True) if value > 0]
    sizes, values = zip(*known, strict=True)
    return float(np.polyfit(np.log(sizes), np.log(values), 1)[0])
