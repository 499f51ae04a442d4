"""The 200 genes of the sample sections, and how strongly each compartment expresses them."""

from __future__ import annotations

import numpy as np
import pandas as pd

PROGRAMS = {
    "tumour": """ERBB2 EPCAM KRT8 KRT18 KRT19 KRT7 CDH1 MUC1 ESR1 GATA3 FOXA1 XBP1 AGR2 TFF1 TFF3
        SCD
        FASN GNAS ELF3 CLDN3 CLDN4 CLDN7 SPDEF MLPH TACSTD2 CD24 S100A14 STARD10 GRB7 MIEN1 PGAP3
        AZGP1 SLC39A6 EFNA1 PRLR KRT80 RAB25 ESRP1 CRABP2 STC2""",
    "stroma": """COL1A1 COL1A2 COL3A1 COL5A1 COL5A2 COL6A1 COL6A2 COL6A3 FN1 SPARC DCN LUM POSTN BGN
        FBN1 THBS1 THBS2 TAGLN ACTA2 MYL9 CALD1 VIM PDGFRA PDGFRB FAP TIMP1 TIMP3 MMP2 MMP11 CTGF
        IGFBP7 AEBP1 SFRP2 SFRP4 ASPN VCAN LOX CTHRC1 CDH11 FBLN1""",
    "lymphocytes": """IGKC IGHG1 IGHA1 IGHM JCHAIN MZB1 CD79A CD79B MS4A1 CD19 CD3D CD3E CD2 CD4
        CD8A
        CD27 CD52 CD37 CD74 HLA-DRA HLA-DRB1 HLA-DPA1 CCL19 CCL21 CXCL13 CXCR4 CCR7 SELL LTB TRAC
        TRBC2 IL7R PTPRC CORO1A LCK ZAP70 BANK1 CR2 LY9 IRF8""",
    "fat": """ADIPOQ FABP4 PLIN1 PLIN4 LPL LEP CIDEC CD36 GPD1 PCK1 AQP7 RBP4 ADH1B TIMP4 CFD LIPE
        PNPLA2 SAA1 G0S2 ACACB""",
    "proliferation": """MKI67 TOP2A CCNB1 CCNB2 CDK1 BIRC5 AURKA AURKB PLK1 TYMS RRM2 PCNA MCM2
        MCM3
        MCM5 MCM7 CENPF UBE2C TPX2 BUB1 FOXM1 CDC20 KIF11 STMN1 TUBA1B""",
    "cellularity": """ACTB GAPDH RPLP0 RPS18 EEF1A1 TPT1 B2M UBC PPIA HNRNPA1 NPM1 HSP90AB1 PGK1
        ENO1
        LDHA TUBB YWHAZ SRSF3 EIF4A1 HMGB1 H2AFZ PTMA NCL SET HSPA8""",
    "none": "XIST GUSB TBP HMBS IPO8 POLR2A SDHA TFRC ALAS1 PUM1",
}
# Logarithms of expression where a compartment covers the whole spot; grade counts within tumour.
_STRENGTHS = {
    "tumour": {"tumour": 2.0, "grade": 0.4},
    "stroma": {"stroma": 2.1, "tumour": 0.2},
    "lymphocytes": {"lymphocytes": 2.5, "stroma": 0.3},
    "fat": {"fat": 2.8},
    "proliferation": {"tumour": 0.2, "grade": 2.6, "lymphocytes": 0.8},
    "cellularity": {"tumour": 0.9, "lymphocytes": 1.3, "stroma": 0.1, "fat": -0.6},
    "none": {},
}

GENES = tuple(gene for names in PROGRAMS.values() for gene in names.split())


def _loadings() -> pd.DataFrame:
    random = np.random.default_rng(5)
    columns = ("base", "tumour", "stroma", "lymphocytes", "fat", "grade")
    rows = []
    for program, names in PROGRAMS.items():
        for _ in names.split():
            row = dict.fromkeys(columns, 0.0)
            row["base"] = random.normal(0.4 if program == "cellularity" else 0.0, 0.6)
            for compartment, strength in _STRENGTHS[program].items():
                row[compartment] = strength * random.uniform(0.75, 1.25)
            rows.append(row)
    return pd.DataFrame(rows, index=list(GENES))


LOADINGS = _loadings()
