"""Faults made on purpose: kills, full and read-only disks, files changed while they are read."""
