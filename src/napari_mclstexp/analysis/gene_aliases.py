"""Names by which genes are known at the microscope, and the symbols that data have for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

ALIASES: Mapping[str, tuple[str, ...]] = {
    "ACTA2": ("SMA", "alpha-SMA"),
    "AR": ("androgen receptor",),
    "B2M": ("beta-2 microglobulin",),
    "BCL2": ("Bcl-2",),
    "CCND1": ("cyclin D1", "BCL-1", "PRAD1"),
    "CD274": ("PD-L1", "PDL1", "B7-H1"),
    "CD3E": ("CD3", "T3E"),
    "CD79A": ("MB-1",),
    "CD8A": ("CD8",),
    "CDH1": ("E-cadherin", "ECAD"),
    "CDH2": ("N-cadherin",),
    "CDKN1A": ("p21", "WAF1"),
    "CDKN2A": ("p16", "INK4A"),
    "CEACAM5": ("CEA", "CD66e"),
    "CR2": ("CD21",),
    "CTLA4": ("CD152",),
    "CTNNB1": ("beta-catenin",),
    "CXCR4": ("CD184",),
    "EGFR": ("HER1", "ERBB1"),
    "EPCAM": ("CD326", "TACSTD1", "BerEP4"),
    "ERBB2": ("HER2", "HER-2", "NEU", "CD340"),
    "ERBB3": ("HER3",),
    "ESR1": ("ER", "ER-alpha", "estrogen receptor", "oestrogen receptor"),
    "FAP": ("seprase",),
    "FCER2": ("CD23",),
    "FOLH1": ("PSMA",),
    "FOXP3": ("scurfin",),
    "GATA3": ("GATA-3",),
    "HAVCR2": ("TIM-3", "TIM3"),
    "HLA-DRA": ("HLA-DR",),
    "IDO1": ("IDO",),
    "ITGAM": ("CD11b",),
    "ITGAX": ("CD11c",),
    "KIT": ("CD117", "c-Kit"),
    "KLK3": ("PSA",),
    "KRT14": ("CK14", "cytokeratin 14"),
    "KRT18": ("CK18", "cytokeratin 18"),
    "KRT19": ("CK19", "cytokeratin 19"),
    "KRT20": ("CK20", "cytokeratin 20"),
    "KRT5": ("CK5", "cytokeratin 5"),
    "KRT7": ("CK7", "cytokeratin 7"),
    "KRT8": ("CK8", "cytokeratin 8"),
    "LAG3": ("CD223",),
    "MKI67": ("Ki-67", "KI67", "MIB-1"),
    "MLANA": ("Melan-A", "MART-1"),
    "MME": ("CD10", "CALLA"),
    "MS4A1": ("CD20",),
    "MUC1": ("EMA", "CA15-3", "CD227"),
    "MYC": ("c-Myc",),
    "NCAM1": ("CD56",),
    "NKX2-1": ("TTF-1", "TTF1"),
    "PAX8": ("PAX-8",),
    "PDCD1": ("PD-1", "PD1", "CD279"),
    "PECAM1": ("CD31",),
    "PGR": ("PR", "progesterone receptor"),
    "PIP": ("GCDFP-15", "GCDFP15"),
    "PMEL": ("HMB-45", "gp100"),
    "PTPRC": ("CD45", "LCA"),
    "SCGB2A2": ("mammaglobin",),
    "SDC1": ("CD138", "syndecan-1"),
    "TACSTD2": ("TROP-2", "TROP2"),
    "TFF1": ("pS2",),
    "TNFRSF4": ("OX40", "CD134"),
    "TNFRSF8": ("CD30",),
    "TP53": ("p53",),
    "TP63": ("p63", "p40"),
    "VIM": ("vimentin",),
    "VWF": ("factor VIII-related antigen",),
    "XBP1": ("XBP-1",),
}


def other_names(genes: Iterable[str], ids: Mapping[str, str]) -> dict[str, str]:
    """Return for each gene what else it may be searched by, in one folded text.

    Parameters
    ----------
    genes
        Symbols.
    ids
        Ensembl ids by symbol, where the data have them.
    """
    found = {}
    for gene in genes:
        names = [*ALIASES.get(gene.upper(), ()), ids.get(gene, "")]
        text = "|".join(name.casefold() for name in names if name)
        if text:
            found[gene] = f"{text}|{text.replace('-', '').replace(' ', '')}"
    return found
