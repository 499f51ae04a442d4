"""What each choice of the default brings: a table, a row a choice, on five sections of her2st.

`python benchmarks/ablation.py` prints all rows as Markdown, `--row NAME` (repeat it) some of them
and `--list` their names. Each section is left out in turn; then patient B's is read from patient
C's, and the other way round. The first row of an encoder sees the five slides once, which takes
minutes; its features are kept. Needs ../shared; says so without it.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ablation_contrastive import ContrastiveRows
from ablation_data import COLUMNS, WIDER, Floats, Material, Reader, Source
from ablation_linear import FULL, Features, Fit, LinearRows, NegativeBinomial

SHARED = Path(__file__).resolve().parents[2] / "shared"
DENSENET = "densenet"
SOURCES = {
    DENSENET: Source("densenet121", SHARED / "weights" / "densenet121_imagenet.safetensors"),
    "efficientnet": Source(
        "timm:tf_efficientnet_lite0", SHARED / "weights" / "tf_efficientnet_lite0.safetensors"
    ),
}
BOTH = (DENSENET, "efficientnet")
FIXED = {"ranks": (3,), "penalties": (2.0,)}
EPOCHS = 30  # of a contrastive row; the paper's 90 predict worse on so few spots

# Rows of the linear head: which features, and how they are read.
LINEAR: dict[str, tuple[Features, Fit]] = {
    "default: rank and penalty chosen inside": (Features(), Fit()),
    "rank 3, penalty 2": (Features(), Fit(**FIXED)),
    "rank 6, penalty 2": (Features(), Fit(ranks=(6,), penalties=(2.0,))),
    "full rank": (Features(), Fit(ranks=(FULL,), penalties=(2.0,))),
    "targets centred, not scaled": (Features(), Fit(target="centred")),
    "Pearson residuals as targets": (Features(), Fit(target="residuals")),
    "features relative to all learned sections": (Features(kind="absolute"), Fit()),
    "features as ranks in their section": (Features(kind="ranks"), Fit()),
    "means without standard deviations": (Features(kind="means"), Fit()),
    "neighbours max-pooled beside the rest": (Features(kind="neighbours"), Fit()),
    "last layer only": (Features(lambda group: group[0] != WIDER and group[1] == "last"), Fit()),
    "colour only": (Features(lambda group: group[0] != WIDER and group[1] == "colour"), Fit()),
    "without colour": (Features(lambda group: group[0] != WIDER and group[1] != "colour"), Fit()),
    "one width, 80 µm": (Features(lambda group: group[0] == 80), Fit()),
    "640 µm beside the rest": (Features(lambda group: True), Fit()),
    "EfficientNet-lite0": (Features(sources=BOTH[1:]), Fit()),
    "both encoders": (Features(sources=BOTH), Fit()),
    "genes weighed by reliability": (Features(), Fit(reliable=1.0)),
    "genes weighed by deviation": (Features(), Fit(power=0.5)),
    "spots weighed by depth": (Features(), Fit(depth=0.5)),
    "a third of a full-rank ridge mixed in": (Features(), Fit(full_share=1 / 3)),
    "later programs shrunk more": (Features(), Fit(growth=1.5)),
}
# Rows that retrieve: the settings that differ from the contrastive head on the map.
CONTRASTIVE: dict[str, dict[str, Any]] = {
    "contrastive head on the map": {},
    "contrastive, ranking consistency": {"ranking": 1.0},
    "contrastive, positions relative to the section": {"position_kind": "relative"},
    "contrastive, no attention or positions": {"layers": 0, "positions": False},
    "contrastive, images attend to positions": {"crossed": True},
}


def rows(material: Material, epochs: int) -> dict[str, Callable[[], Reader]]:
    """Return what makes each row's method, by name."""
    linear = LinearRows(material, SOURCES)
    retrieving: list[ContrastiveRows] = []

    def contrastive(**changes: Any) -> Reader:
        if not retrieving:
            retrieving.append(ContrastiveRows(material, SOURCES[DENSENET], epochs))
        return retrieving[0].reader(**changes)

    def blend() -> Reader:
        first, second = linear.reader(Features(), Fit()), contrastive()

        def read(learned: Sequence[str], tested: Sequence[str]) -> list[Floats]:
            both = zip(first(learned, tested), second(learned, tested), strict=True)
            return [one - one.mean(axis=0) + two - two.mean(axis=0) for one, two in both]

        return read

    made: dict[str, Callable[[], Reader]] = {}
    for name, (features, fit) in LINEAR.items():
        made[name] = lambda features=features, fit=fit: linear.reader(features, fit)  # type: ignore[misc]
    made["counts as negative binomial, rank 3"] = lambda: NegativeBinomial(linear, 2.0)
    for name, changes in CONTRASTIVE.items():
        made[name] = lambda changes=changes: contrastive(**changes)  # type: ignore[misc]
    made["blend of default and contrastive"] = blend
    return made


def main() -> int:
    """Print the rows that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--row", action="append", help="name of a row; all by default")
    parser.add_argument("--list", action="store_true", help="print the names of the rows")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help="of contrastive rows")
    asked = parser.parse_args()
    data, genes = SHARED / "data" / "her2st", SHARED / "data" / "gene_lists" / "her2st_785.txt"
    if not data.is_dir():
        print(f"{data} is not here; put the five sections of her2st there.", file=sys.stderr)
        return 2
    material = Material(data, genes.read_text(encoding="utf-8").split())
    known = rows(material, asked.epochs)
    if asked.list:
        print("\n".join(known))
        return 0
    for name in asked.row or known:
        if name not in known:
            print(f"There is no row {name!r}; see --list.", file=sys.stderr)
            return 2
    print("| | " + " | ".join(COLUMNS) + " | seconds |")
    print("|---" * (len(COLUMNS) + 2) + "|")
    for name in asked.row or known:
        start = time.monotonic()
        found = material.figures(known[name]())
        cells = [f"{found[column][0]:.3f} / {found[column][1]:.3f}" for column in COLUMNS]
        seconds = time.monotonic() - start
        print(f"| {name} | " + " | ".join(cells) + f" | {seconds:.0f} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
