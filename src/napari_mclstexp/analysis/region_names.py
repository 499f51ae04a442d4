"""The names that a pathologist gives regions most, each with its colour."""

from __future__ import annotations

from .domain_map import PALETTE, Rgb

NAMES: dict[str, Rgb] = {
    "Tumour": PALETTE[5],
    "In situ": PALETTE[0],
    "Stroma": PALETTE[2],
    "Immune cells": PALETTE[4],
    "TLS": PALETTE[1],
    "Fat": PALETTE[3],
    "Normal gland": PALETTE[6],
    "Necrosis": PALETTE[7],
    "Artefact": PALETTE[8],
}
