"""How long it takes to suggest a number of domains and find them on many spots, and the memory.

A continuum of expression with eight bumps, so that k-means has no easy time; `--spots 100000
--genes 785` is a capture area of small bins with the genes of the paper.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time

import numpy as np

from napari_mclstexp.analysis.domains import DomainSettings, find_domains


def main() -> None:
    """Print seconds, peak memory and what was suggested."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spots", type=int, default=100_000)
    parser.add_argument("--genes", type=int, default=785)
    given = parser.parse_args()
    random = np.random.default_rng(0)
    side = int(np.ceil(np.sqrt(given.spots)))
    xy = np.array([divmod(i, side) for i in range(given.spots)], dtype=float)
    centres = random.uniform(0, side, (8, 2))
    bumps = np.stack([np.exp(-((xy - c) ** 2).sum(1) / side**2 * 12) for c in centres], axis=1)
    loads = random.normal(size=(8, given.genes)).astype(np.float32)
    expression = bumps.astype(np.float32) @ loads
    expression += random.normal(scale=0.5, size=expression.shape).astype(np.float32)
    before = _peak()
    start = time.perf_counter()
    found = find_domains(expression, xy, DomainSettings())
    seconds = time.perf_counter() - start
    print(f"{given.spots:,} spots x {given.genes:,} genes: {seconds:.1f} s, peak {_peak():.2f} GiB")
    print(f"(before the search {before:.2f} GiB). {found.reason}")


def _peak() -> float:
    unit = 1 if sys.platform == "darwin" else 1024
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30)


if __name__ == "__main__":
    main()
