"""What a pathologist types, and what the data call it."""

from __future__ import annotations

import pytest

from napari_mclstexp.analysis.gene_aliases import ALIASES, PREVIOUS, look_up, other_names

GENES = ("FASN", "ERBB2", "MS4A1", "MKI67", "CXCL8", "Cd274", "KRT5", "KRT7")


@pytest.mark.parametrize(
    ("typed", "gene"),
    [
        ("HER2", "ERBB2"),
        ("her-2", "ERBB2"),
        ("CD20", "MS4A1"),
        ("Ki-67", "MKI67"),
        ("ki67", "MKI67"),
        ("PD-L1", "Cd274"),
        ("IL8", "CXCL8"),
        ("cytokeratin 5", "KRT5"),
    ],
)
def test_an_alias_or_a_former_symbol_leads_to_the_gene_and_says_so(typed, gene):
    found = look_up(typed, GENES)
    assert found.gene == gene
    assert found.sentence() == f"{typed} is {gene}."
    assert found.near == ()


def test_its_own_symbol_needs_no_word():
    assert look_up("fasn", GENES).sentence() == ""
    assert look_up("fasn", GENES).gene == "FASN"


def test_a_gene_that_is_not_predicted_is_named_with_what_comes_near():
    found = look_up("HER2", ("FASN", "GRB7", "ERBB3", "MIEN1"))
    assert found.gene == ""
    assert found.sentence() == "HER2 is ERBB2; this model does not predict it."
    assert found.sentence(measured=True) == "HER2 is ERBB2; it was not measured here."
    assert found.near == ("GRB7", "MIEN1", "ERBB3")
    assert look_up("KRT14", ("FASN", "KRT5", "KRT8")).near[0] == "KRT5"


def test_a_gene_that_was_measured_is_known_though_no_table_has_it():
    found = look_up("znf750", ("FASN",), known=("ZNF750",))
    assert (found.symbol, found.gene) == ("ZNF750", "")
    assert found.sentence() == "This model does not predict ZNF750."


def test_a_misspelt_name_is_no_gene_but_has_neighbours():
    found = look_up("FANS", GENES)
    assert found.sentence() == "No gene has “FANS” in its name."
    assert found.near == ("FASN",)


def test_no_alias_means_two_genes_and_none_is_a_symbol_of_another():
    seen: dict[str, str] = {}
    for table in (ALIASES, PREVIOUS):
        for symbol, names in table.items():
            for name in names:
                assert seen.setdefault(name.casefold(), symbol) == symbol
                assert name not in ALIASES
                assert name not in PREVIOUS


def test_the_search_of_the_list_finds_former_symbols_too():
    assert "il8" in other_names(["CXCL8"], {})["CXCL8"].split("|")
