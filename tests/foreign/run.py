"""``make formats``: all foreign files there are to be had are opened for ``docs/formats.md``.

The sources of others' packages are fetched by pip and apt into a cache, and others' writers make
what no package brings. Ends with 1 where a file gives wrong pixels or values, or anything else
than its content or a sentence.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "formats.md"
BEGINS = "<!-- From here on, made by: make formats -->"


def main() -> int:
    """Open all, write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, required=True, help="folder of what is fetched")
    parser.add_argument("--only", default="", help="kinds that contain this; the page stays")
    options = parser.parse_args()
    home = Path(__file__).parents[2]
    sys.path[:1] = [str(home / "tests"), str(home / "src")]
    os.environ.update(NAPARI_MCLSTEXP_LOG="", NAPARI_MCLSTEXP_CACHE="")
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)
    warnings.simplefilter("ignore")
    from PIL import Image

    from foreign.fetch import fetch
    from foreign.page import page
    from foreign.results import WRONG

    Image.MAX_IMAGE_PIXELS = None
    begun = time.monotonic()
    sources, lacking = fetch(options.cache)
    with tempfile.TemporaryDirectory() as scratch:
        results = [each for each in _all(sources, Path(scratch)) if options.only in each.kind]
    wrong = [each for each in results if each.outcome == WRONG]
    for each in wrong:
        print(f"WRONG {each.kind}, {each.writer}: {each.name}: {each.difference} {each.said}")
    said = f"{len(results)} files of {len({each.kind for each in results})} kinds"
    print(f"{said}, {len(wrong)} wrong, {time.monotonic() - begun:.0f} s; lacking: {lacking}")
    if not options.only:
        written = PAGE.read_text(encoding="utf-8").partition(BEGINS)[0]
        PAGE.write_text(f"{written}{BEGINS}\n\n{page(results, lacking)}", encoding="utf-8")
    return 1 if wrong else 0


def _all(sources: dict[str, Path], scratch: Path) -> Iterator[object]:
    from foreign.packaged_slides import packaged_slides
    from foreign.packaged_tables import packaged_tables
    from foreign.written_slides import written_slides
    from foreign.written_tables import written_tables

    yield from packaged_slides(sources)
    yield from written_slides(scratch)
    yield from packaged_tables(sources, scratch)
    yield from written_tables(scratch)


if __name__ == "__main__":
    sys.exit(main())
