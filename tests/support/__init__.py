"""Kits and fixtures that several tests share; no tests."""
