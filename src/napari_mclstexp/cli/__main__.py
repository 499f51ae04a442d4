"""``python -m napari_mclstexp.cli``, for a program that starts another (the Train dock)."""

from __future__ import annotations

import sys

from .app import main

if __name__ == "__main__":
    sys.exit(main())
