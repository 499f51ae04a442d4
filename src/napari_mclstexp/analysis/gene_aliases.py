"""Names by which genes are known at the microscope, and the symbols that data have for them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

# What HGNC called a gene before, where data and papers of some years still do.
PREVIOUS: Mapping[str, tuple[str, ...]] = {
    "ACKR1": ("DARC",),
    "ACKR3": ("CXCR7",),
    "ADGRE1": ("EMR1",),
    "ADGRE5": ("CD97",),
    "ADGRG1": ("GPR56",),
    "AFDN": ("MLLT4",),
    "ATP5F1A": ("ATP5A1",),
    "ATP5F1B": ("ATP5B",),
    "CAVIN1": ("PTRF",),
    "CAVIN2": ("SDPR",),
    "CCN1": ("CYR61",),
    "CCN2": ("CTGF",),
    "CCN3": ("NOV",),
    "CCN4": ("WISP1",),
    "CCN5": ("WISP2",),
    "COP1": ("RFWD2",),
    "CXCL8": ("IL8",),
    "DNAAF11": ("LRRC6",),
    "ELOB": ("TCEB2",),
    "ELOC": ("TCEB1",),
    "EPRS1": ("EPRS",),
    "GARS1": ("GARS",),
    "GSDME": ("DFNA5",),
    "H1-0": ("H1F0",),
    "H2AX": ("H2AFX",),
    "H2AZ1": ("H2AFZ",),
    "H3-3A": ("H3F3A",),
    "H3-3B": ("H3F3B",),
    "JCHAIN": ("IGJ",),
    "KARS1": ("KARS",),
    "KMT2A": ("MLL",),
    "KMT2C": ("MLL3",),
    "KMT2D": ("MLL2",),
    "MARCHF1": ("MARCH1",),
    "MYDGF": ("C19orf10",),
    "NECTIN1": ("PVRL1",),
    "NECTIN2": ("PVRL2",),
    "NECTIN4": ("PVRL4",),
    "NSD2": ("WHSC1",),
    "NSD3": ("WHSC1L1",),
    "PCLAF": ("KIAA0101",),
    "PKM": ("PKM2",),
    "PLPP1": ("PPAP2A",),
    "PRKN": ("PARK2",),
    "RACK1": ("GNB2L1",),
    "SELENOP": ("SEPP1",),
    "SEPTIN2": ("SEPT2",),
    "SEPTIN7": ("SEPT7",),
    "SEPTIN9": ("SEPT9",),
    "TENT5C": ("FAM46C",),
    "VSIR": ("C10orf54",),
    "YJU2B": ("CCDC130",),
}

# Genes that go with one that a clinic asks for: of its amplicon, its cells or its pathway.
COMPANIONS: Mapping[str, tuple[str, ...]] = {
    "ACTA2": ("TAGLN", "MYL9", "CNN1", "TPM2"),
    "AR": ("PIP", "AZGP1", "KLK3", "FKBP5"),
    "CD274": ("PDCD1LG2", "IDO1", "CXCL9", "CXCL10", "GBP1", "STAT1"),
    "CD3E": ("CD3D", "CD3G", "CD2", "TRBC2", "TRAC"),
    "CD68": ("CD163", "C1QA", "C1QB", "LYZ", "TYROBP"),
    "CD8A": ("CD8B", "GZMA", "GZMK", "NKG7", "CCL5"),
    "EPCAM": ("KRT8", "KRT18", "KRT19", "CDH1"),
    "ERBB2": ("GRB7", "STARD3", "PGAP3", "MIEN1", "ERBB3"),
    "ESR1": ("GATA3", "XBP1", "TFF1", "AGR2", "PGR"),
    "FOXP3": ("IL2RA", "CTLA4", "TIGIT", "TNFRSF18"),
    "KRT5": ("KRT14", "KRT17", "TP63", "KRT6B"),
    "MKI67": ("TOP2A", "BIRC5", "CDC20", "TPX2", "PCNA"),
    "MS4A1": ("CD79A", "CD79B", "CD19", "BANK1", "CD37"),
    "PDCD1": ("LAG3", "TIGIT", "CTLA4", "HAVCR2"),
    "PECAM1": ("VWF", "CDH5", "CLDN5", "PLVAP"),
    "PGR": ("ESR1", "GATA3", "TFF1"),
    "PTPRC": ("CD74", "LAPTM5", "CORO1A", "HLA-DRA"),
    "SDC1": ("MZB1", "JCHAIN", "IGKC", "XBP1"),
    "VIM": ("SPARC", "COL1A1", "FN1", "LGALS1"),
}
MOST_NEAR = 4

ALIASES: Mapping[str, tuple[str, ...]] = {
    "ACTA2": ("SMA", "alpha-SMA"),
    "AR": ("androgen receptor",),
    "B2M": ("beta-2 microglobulin",),
    "BCL2": ("Bcl-2",),
    "CCND1": ("cyclin D1", "BCL-1", "PRAD1"),
    "CD163": ("M130",),
    "CD274": ("PD-L1", "PDL1", "B7-H1"),
    "CD3E": ("CD3", "T3E"),
    "CD68": ("macrosialin",),
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
        upper = gene.upper()
        names = [*ALIASES.get(upper, ()), *PREVIOUS.get(upper, ()), ids.get(gene, "")]
        text = "|".join(name.casefold() for name in names if name)
        if text:
            found[gene] = f"{text}|{text.replace('-', '').replace(' ', '')}"
    return found


@dataclass(frozen=True)
class Lookup:
    """What became of a name that was typed.

    Attributes
    ----------
    wanted
        As it was typed.
    symbol
        The symbol that the name stands for, or "" where it is no name known here.
    gene
        The gene among those searched, or "" where it is none of them.
    near
        Genes among those searched that come closest, where it is none of them.
    """

    wanted: str
    symbol: str
    gene: str
    near: tuple[str, ...] = ()

    @property
    def renamed(self) -> bool:
        """Whether it was typed by another name than its symbol."""
        return bool(self.symbol) and self.wanted.upper() != self.symbol.upper()

    def sentence(self, measured: bool = False) -> str:
        """Return in words what became of it, without what is near; "" where nothing need be said.

        Parameters
        ----------
        measured
            Whether genes that were measured were searched, instead of those that a model predicts.
        """
        if self.gene:
            return f"{self.wanted} is {self.symbol}." if self.renamed else ""
        if not self.symbol:
            return f"No gene has “{self.wanted}” in its name."
        if self.renamed:
            missing = "it was not measured here" if measured else "this model does not predict it"
            return f"{self.wanted} is {self.symbol}; {missing}."
        if measured:
            return f"{self.symbol} was not measured here."
        return f"This model does not predict {self.symbol}."


def look_up(
    wanted: str, genes: Sequence[str], known: Collection[str] = (), *, near: bool = True
) -> Lookup:
    """Find out what a name means, and what among some genes it is or comes close to.

    Parameters
    ----------
    wanted
        A symbol, an alias or a former symbol, in any case.
    genes
        Symbols that can be shown.
    known
        Further symbols that are known to be genes, as those that were measured.
    near
        Whether what comes near is looked for, which takes a while among many genes.

    Examples
    --------
    >>> look_up("her2", ("FASN", "GRB7")).sentence()
    'her2 is ERBB2; this model does not predict it.'
    >>> look_up("her2", ("FASN", "GRB7")).near
    ('GRB7',)
    """
    wanted = wanted.strip()
    here = {gene.upper(): gene for gene in genes}
    symbol = wanted.upper()
    if symbol not in here:
        symbol = _symbols().get(_folded(wanted), "")
        if not symbol:
            symbol = next((each for each in known if each.upper() == wanted.upper()), "")
    gene = here.get(symbol.upper(), "") if symbol else ""
    found: tuple[str, ...] = ()
    if near and not gene:
        found = _near(symbol or wanted.upper(), here, spelling_only=not symbol)
    return Lookup(wanted, gene or symbol, gene, found)


@cache
def _symbols() -> Mapping[str, str]:
    """Return the symbol of each folded alias and former symbol, and of each symbol itself."""
    found: dict[str, str] = {}
    for table in (ALIASES, PREVIOUS):
        for symbol, names in table.items():
            for name in (symbol, *names):
                found.setdefault(_folded(name), symbol)
    for symbols in COMPANIONS.values():
        for symbol in symbols:
            found.setdefault(_folded(symbol), symbol)
    return found


def _folded(name: str) -> str:
    return re.sub(r"[-\s]", "", name.casefold())


def _near(symbol: str, here: Mapping[str, str], *, spelling_only: bool) -> tuple[str, ...]:
    """Return what comes closest: genes that go with it, of its family, spelt like it."""
    found: list[str] = []
    if not spelling_only:
        found += [each for each in COMPANIONS.get(symbol, ()) if each in here]
        found += [each for each, others in COMPANIONS.items() if symbol in others and each in here]
        stem = re.match(r"[A-Z]{3,}(?=\d)", symbol)
        if stem:
            family = re.compile(rf"{stem[0]}\d+[A-Z]?\d*")
            found += sorted(each for each in here if family.fullmatch(each))
    if not found:
        # Of 20,000 genes only those that begin alike: each of the others takes as long to compare.
        first, long = symbol[:1], len(symbol)
        alike = [each for each in here if each[:1] == first and abs(len(each) - long) < 3]
        found = difflib.get_close_matches(symbol, alike, MOST_NEAR, cutoff=0.75)
    return tuple(here[each] for each in dict.fromkeys(found) if each != symbol)[:MOST_NEAR]
