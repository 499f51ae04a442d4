"""How long `domains` takes on many spots, with the number suggested, and its memory.

A continuum of expression with eight bumps, so that k-means has no easy time, of the 785 genes of
the paper; the real command in a process of its own, from reading the file to the marker genes of
every domain and the file written. Growth is from the first number of spots to the last.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from findings import Finding, exponent, found
from made_bins import write_bins
from measured_process import run_apart, run_command


def main() -> None:
    """Print seconds and peak memory for each number of spots."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spots", type=int, nargs="+", default=[20_000, 100_000])
    parser.add_argument("--genes", type=int, default=785)
    given = parser.parse_args()
    seconds = []
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder, "bins.h5ad"), Path(folder, "domains.h5ad")
        for spots in given.spots:
            run_apart(write_bins, source, spots, given.genes)
            ran = run_command("domains", source, "--out", out)
            seconds.append(ran.seconds)
            size = source.stat().st_size / 1e9
            said = f"{ran.processor_s:.1f} s of processors"
            case = f"{given.genes} genes"
            found(Finding("Domains, the number suggested", case, ran.seconds, "s", said, spots))
            said = f"a file of {size:.2f} GB"
            found(Finding("Memory of domains", case, ran.peak_gb, "GB", said, spots))
    if len(seconds) > 1:
        print(f"Time grows as n^{exponent(given.spots, seconds):.2f}.")


if __name__ == "__main__":
    main()
