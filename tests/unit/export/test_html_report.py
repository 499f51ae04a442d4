"""The HTML page about a session: whatever people write stays text."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from shapely import box

from napari_mclstexp.analysis.domain_map import DomainMap
from napari_mclstexp.analysis.region import region_of
from napari_mclstexp.analysis.region_comparison import RegionComparison
from napari_mclstexp.analysis.region_statistics import NOT_REPLICATES
from napari_mclstexp.errors import OutputError
from napari_mclstexp.export.html_report import Page, html_of, write_page
from napari_mclstexp.spots.schema import write_programs
from support.session_kit import make_spots

EVIL = """<script>alert(1)</script><img src=x onerror='alert(2)'>"&'"""


class Elements(HTMLParser):
    """Collects the elements of a page and the text of what is seen."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attributes}

    def handle_data(self, data):
        self.text += data


def page(word: str, **changes) -> Page:
    spots = make_spots()
    labels = np.where(np.arange(spots.n_obs) % 2 == 0, "1", "2")
    domains = DomainMap(
        labels,
        {"1": word, "2": "stroma"},
        {"1": (230, 159, 0), "2": (86, 180, 233)},
        reason=word,
        of=word,
    )
    values = {
        "title": word,
        "facts": (word,),
        "picture": np.full((45, 50, 3), 200, dtype=np.uint8),
        "um_per_px": 2.0,
        "width_px": 500,
        "spots": spots,
        "prediction": spots,
        "gene": "FASN",
        "regions": (region_of(box(0, 0, 225, 500), word, children=(
            region_of(box(0, 0, 100, 100), "inner"),)),),
        "domains": domains,
        "notes": f"first {word}\nsecond",
    }  # fmt: skip
    return Page(**(values | changes))


def test_what_people_write_cannot_break_the_page():
    found, plain = Elements(html_of(page(EVIL))), Elements(html_of(page("harmless")))
    assert found.tags == plain.tags
    assert found.attributes == plain.attributes
    # Title (twice), fact, note, domain's name, reason and source, region and its child's parent.
    assert found.text.count(EVIL) == plain.text.count("harmless") == 9


def test_the_page_tells_spots_and_areas_and_needs_no_other_file(tmp_path):
    write_page(page("tumour"), tmp_path / "p.html")
    html = (tmp_path / "p.html").read_text(encoding="utf-8")
    assert html.count("data:image/png") == 3
    assert not re.search(r"""(src|href)\s*=\s*["']?(https?:)?//""", html)
    text = "".join(Elements(html).text.split())
    spots = make_spots()
    x, y = spots.obsm["spatial"].T
    inside = int(((x <= 225) & (y <= 500)).sum())
    mean = float(np.asarray(spots.to_df()["FASN"])[(x <= 225) & (y <= 500)].mean())
    assert f"tumour{inside}0.45{mean:.2f}" in text  # 225 x 500 px of 2 µm are 0.45 mm²
    assert "Fromtumourexpression.tumour" in text


def test_a_page_without_result_or_scale_says_what_there_is():
    bare = page("x", um_per_px=None, prediction=None, domains=None, notes="")
    html = html_of(bare)
    assert html.count("data:image/png") == 1
    for word in ("<h2>Notes", "<h2>Domains", "<h2>FASN", "mm²"):
        assert word not in html


def test_a_page_that_cannot_be_written_leaves_nothing(tmp_path):
    with pytest.raises(OutputError):
        write_page(page("x"), tmp_path / "gone" / "p.html")
    assert list(tmp_path.iterdir()) == []


def test_the_programs_of_a_prediction_stand_in_the_page_with_their_genes():
    spots = make_spots()
    genes = list(spots.var_names)
    loadings = np.zeros((len(genes), 2))
    loadings[:2, 0], loadings[2, 1] = (2, 1), -1
    write_programs(spots, np.ones((spots.n_obs, 2)), loadings, np.array([0.75, 0.25]))
    seen = Elements(html_of(page("C5", spots=spots, prediction=spots, gene="program_1")))
    after = seen.text.split("Program 1", 1)[1]
    first, second = (" ".join(part.split()) for part in after.split("Program 2", 1))
    assert first.startswith(f"75%{genes[0]}, {genes[1]}none")
    assert second.startswith(f"25%none{genes[2]}")
    assert "program_1, predicted, over the slide" in str(
        html_of(page("C5", gene="program_1", prediction=spots))
    )
    assert "Program 1" not in Elements(html_of(page("C5"))).text


def test_the_page_has_the_comparison_and_the_markers_with_what_they_do_not_say():
    table = pd.DataFrame(
        {
            "gene": ["FASN", "CD74", "GNAS"],
            "auc": [0.91, 0.08, 0.51],
            "difference": [1.5, -0.7, 0.0],
            "fdr": [1e-9, 1e-8, 0.9],
        }
    )
    compared = RegionComparison("Tumour and the rest", "predicted", table, first="Tumour")
    markers = table.assign(domain=["1", "2", "1"], auc=[0.91, 0.92, 0.51])
    text = Elements(html_of(page("ours", comparison=compared, markers=markers))).text
    words = " ".join(text.split())
    assert re.search(r"Higher in Tumour.*FASN ?0\.91 ?1\.50.*Lower in Tumour.*CD74 ?0\.08", words)
    assert re.search(r"Marker genes.*FASN \(0.91\).*stroma ?CD74 \(0.92\)", words)
    assert "GNAS" not in words.partition("Marker genes")[2]  # it is not clear
    assert words.count(NOT_REPLICATES) == 3
