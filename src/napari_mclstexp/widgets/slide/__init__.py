"""The dock Slide and spots."""
