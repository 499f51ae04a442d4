"""The shell: one file a group of commands."""

from __future__ import annotations

from .app import main

__all__ = ["main"]
