"""HTML pages: their templates, and what fills them, everything escaped."""
