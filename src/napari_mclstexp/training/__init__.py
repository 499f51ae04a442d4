"""Sections become a model."""
