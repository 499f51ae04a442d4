"""Which genes are learned, by which name, and which spots are too poor to learn from."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import scanpy
from anndata import AnnData
from scipy import sparse

from napari_mclstexp.cohort.gene_selection import highly_variable_genes, listed_genes_of
from napari_mclstexp.cohort.quality_control import keep_good_spots
from napari_mclstexp.cohort.section import Section
from napari_mclstexp.errors import SettingsError
from support.engine_kit import painted_section


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Section:
    return painted_section(tmp_path_factory.mktemp("genes"), "a", 1)


def section_of(base: Section, name: str, counts: np.ndarray, genes: list[str], **var) -> Section:
    spots = AnnData(sparse.csr_matrix(counts.astype(np.float32)))
    spots.var_names = genes
    for column, values in var.items():
        spots.var[column] = values
    spots.obsm["spatial"] = np.zeros((len(counts), 2))
    return dataclasses.replace(base, name=name, spots=spots)


@pytest.fixture(scope="module")
def wide(base):
    """Return two sections of 120 genes, of which the first 20 vary strongly."""
    sections = []
    for name, seed in (("a", 1), ("b", 2)):
        random = np.random.default_rng(seed)
        rate = random.uniform(2, 10, 120)[None] * np.ones((80, 1))
        rate[:, :20] *= random.lognormal(0, 1.5, (80, 20))
        genes = [f"G{i}" for i in range(120)]
        sections.append(section_of(base, name, random.poisson(rate), genes))
    return sections


def test_variable_genes_are_scanpys_united_over_the_sections(wide):
    choice = highly_variable_genes(wide, per_section=20)
    expected = set()
    for each in wide:
        data = each.spots.copy()
        scanpy.pp.normalize_total(data, target_sum=1e4)
        scanpy.pp.log1p(data)
        found = scanpy.pp.highly_variable_genes(data, n_top_genes=20, inplace=False)
        expected |= set(data.var_names[found["highly_variable"]])
    assert set(choice.genes) == expected
    assert len(expected & {f"G{i}" for i in range(20)}) >= 15
    assert "flavour seurat" in choice.sentences[0]


def test_rare_genes_and_genes_of_one_section_are_left_out_and_counted(wide, base):
    counts = wide[0].spots.X.toarray()
    counts[:, 0] = 0
    counts[0, 0] = 500  # in one spot only
    genes = list(wide[0].spots.var_names)
    genes[1] = "ELSEWHERE"
    other = section_of(base, "a", counts, genes)
    choice = highly_variable_genes([other], per_section=30, min_spots=2)
    assert "G0" not in choice.genes
    choice = highly_variable_genes([other, wide[1]], per_section=120, min_spots=1)
    assert "ELSEWHERE" not in choice.genes
    assert "G1" not in choice.genes
    with pytest.raises(SettingsError, match="None of the"):
        highly_variable_genes(wide, per_section=5, min_spots=1000)


def test_symbols_and_ensembl_ids_find_the_same_gene(base):
    ids = ["ENSG00000000001.4", "ENSG00000000002.1", "ENSG00000000003"]
    section = section_of(base, "s", np.ones((20, 3)), ["FASN", "CD74", "GNAS"], gene_ids=ids)
    choice = listed_genes_of(["CD74", "ENSG00000000001", "ENSG00000000003.9"], [section])
    assert choice.genes == ("CD74", "FASN", "GNAS")
    assert choice.sentences == ("3 genes listed: 1 found by name, 2 by Ensembl id.",)
    twice = listed_genes_of(["CD74", "ENSG00000000002"], [section])
    assert twice.genes == ("CD74",)
    assert "1 of them twice" in twice.sentences[0]


def test_a_gene_that_was_not_measured_is_named_with_its_like(base):
    section = section_of(base, "s", np.ones((20, 2)), ["FASN", "CD74"])
    rare = section_of(base, "s", np.eye(20, 2), ["FASN", "CD74"])
    assert (
        "2 of the listed genes were counted in fewer than 10"
        in listed_genes_of(["FASN", "CD74"], [rare]).sentences[1]
    )
    with pytest.raises(SettingsError, match="did you mean FASN"):
        listed_genes_of(["CD74", "fasn"], [section])


def test_poor_spots_are_left_out_and_said(base):
    random = np.random.default_rng(0)
    counts = random.poisson(1.0, (50, 2000))
    counts[:5] = 0
    counts[:5, :60] = 1  # 60 counts in all, of the 100 that are asked for
    section = section_of(base, "s", counts, [f"G{i}" for i in range(2000)])
    kept = keep_good_spots([section])
    assert kept.sections[0].spots.n_obs == 45
    assert kept.sentences == ("s: 5 of 50 spots with fewer than 100 counts were left out.",)
    assert keep_good_spots([section], 0).sections[0].spots.n_obs == 50
    panel = section_of(base, "p", counts[:, :400], [f"G{i}" for i in range(400)])
    assert keep_good_spots([panel]).sections[0].spots.n_obs == 50  # a tenth of the genes: 40
    with pytest.raises(SettingsError, match="50 of its 50 spots"):
        keep_good_spots([section], 10**6)
